"""One reader a file format, found by signature first and by suffix where bytes say nothing."""

from __future__ import annotations

import stat

from latentomics.core import CaseError, FileRef, import_siblings
from latentomics.sources.formats.base import FORMATS, Format, Volume, read_head
from latentomics.sources.formats.geometry import is_axis_aligned

__all__ = ["FORMATS", "Format", "Volume", "format_of", "is_axis_aligned", "read_volume"]

import_siblings(__name__, list(__path__))


def read_volume(ref: FileRef) -> Volume:
    """Read the array behind a reference with the reader of its format.

    Raises
    ------
    CaseError
        Code ``missing``, ``empty``, ``format``, ``unreadable``, or the reader's own.
    """
    reader = format_of(ref)
    try:
        return reader.read(ref)
    except CaseError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # parsers over bytes they do not expect raise whatever they like
        raise CaseError(
            f"the file does not read as {reader.name}: {_one_line(error)}",
            str(ref),
            "open it with the program that wrote it and export it again",
        ) from error


def format_of(ref: FileRef) -> Format:
    """Return the format of a file, by its first bytes, then by its suffix.

    Raises
    ------
    CaseError
        Code ``missing``, ``empty``, ``format`` or ``unreadable``.
    """
    head = _head(ref)
    for name in FORMATS:
        if FORMATS[name].recognises(head):
            return FORMATS[name]
    for name in FORMATS:
        if ref.path.name.lower().endswith(FORMATS[name].suffixes):
            raise CaseError(
                f"the file is named like {name} and holds something else",
                str(ref),
                "export it again, or correct the path",
            )
    raise _unknown(head, ref)


def _head(ref: FileRef) -> bytes:
    _require_file(ref)
    try:
        head = read_head(ref.path)
    except OSError as error:
        raise _unopened(ref, error) from None
    if not head:
        raise CaseError("the file is empty", str(ref), "copy or export it again", "empty")
    return head


def _require_file(ref: FileRef) -> None:
    """Refuse what is no file before it is opened: a pipe would wait for ever."""
    try:
        mode = ref.path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise CaseError(
            "the file does not exist", str(ref), "correct the path in the manifest", "missing"
        ) from None
    except OSError as error:
        raise _unopened(ref, error) from None
    if stat.S_ISDIR(mode):
        raise CaseError(
            "a folder is named where a file is expected",
            str(ref),
            "convert a DICOM series to one .nii.gz, for example with dcm2niix",
            "format",
        )
    if not stat.S_ISREG(mode):
        raise CaseError(
            "a pipe or device is named where a file is expected",
            str(ref),
            "copy what it gives into a file",
            "format",
        )


def _unopened(ref: FileRef, error: OSError) -> CaseError:
    return CaseError(
        f"the file cannot be opened: {error.strerror}", str(ref), "check its path and permissions"
    )


def _unknown(head: bytes, ref: FileRef) -> CaseError:
    if head[128:132] == b"DICM":
        return CaseError(
            "DICOM files are not read",
            str(ref),
            "convert the series to one .nii.gz, for example with dcm2niix",
            "format",
        )
    known = ", ".join(suffix for name in FORMATS for suffix in FORMATS[name].suffixes)
    return CaseError(
        "the file is of no format that is read", str(ref), f"convert it to one of {known}", "format"
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
