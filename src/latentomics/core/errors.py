"""One family of errors: each says what is wrong, where, and what to do about it.

In: three sentences. Out: an exception whose text is two or three lines, whose ``exit_code`` is the
one that every command promises (PROMISES, top), and which pickles out of worker processes.
"""

from __future__ import annotations


class LatentomicsError(Exception):
    """Base of our errors: what went wrong, where, and the remedy."""

    exit_code = 1

    def __init__(self, what: str, where: str, remedy: str) -> None:
        super().__init__(what, where, remedy)  # complete args, so it pickles out of workers

    @property
    def what(self) -> str:
        """What is wrong, in one sentence."""
        return str(self.args[0])

    @property
    def where(self) -> str:
        """File, case, row or column."""
        return str(self.args[1])

    @property
    def remedy(self) -> str:
        """What the user can do about it."""
        return str(self.args[2])

    def __str__(self) -> str:
        return f"{self.what}\n  where:  {self.where}\n  remedy: {self.remedy}"


class RequestError(LatentomicsError):
    """The request is wrong; nothing was started."""

    exit_code = 2


class CaseError(LatentomicsError):
    """One case cannot be used, the others go on; ``code`` is its kind of fault in rejected.csv."""

    exit_code = 3
    code = "unreadable"

    def __init__(self, what: str, where: str, remedy: str, code: str | None = None) -> None:
        Exception.__init__(self, what, where, remedy, code or type(self).code)

    @property
    def kind(self) -> str:
        """Short word for the kind of fault, for the column ``code`` of rejected.csv."""
        return str(self.args[3])


class GeometryError(CaseError):
    """Spacing, affine or extent of an image or its mask make no sense."""

    code = "geometry"


class IncompleteError(LatentomicsError):
    """Stopped before the end; what is there is valid and says what is missing."""

    exit_code = 4


class IntegrityError(IncompleteError):
    """A stored file is not what was written."""


class Interrupted(LatentomicsError):  # noqa: N818  (not an error of anybody)
    """Stopped by the user; resumable."""

    exit_code = 130
