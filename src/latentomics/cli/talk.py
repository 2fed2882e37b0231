"""What a command says: results to stdout, progress, remarks and errors to stderr.

In: events of the flow, results, errors. Out: text, or one JSON document on stdout with ``--json``;
the exit code of the command. Times in seconds.
"""

from __future__ import annotations

import json
import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import typer

from latentomics.cli.progress import Display, display, printable

if TYPE_CHECKING:
    from latentomics.core import LatentomicsError
    from latentomics.flow import Event

DEFECT = 1
WRONG = 2
INCOMPLETE = 4
INTERRUPTED = 130


class Talk:
    """One command's conversation with the terminal."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self.quiet = quiet
        self.as_json = as_json
        self.resume_command: str | None = None  # said when the command can go on
        self._display: Display = display(quiet=quiet)
        self._stdout = sys.stdout  # for the result alone: a library may print what it likes

    def on_event(self, event: Event) -> None:
        """Show how far a stage is; the flow calls this."""
        self._display.show(event)
        if event.remark:
            self.remark(event.remark)

    def remark(self, text: str) -> None:
        """Say something that is no result; ``--quiet`` leaves it out."""
        if not self.quiet:
            self._display.line(text)

    def result(self, text: str, document: object) -> None:
        """Print the result of the command: the text, or the document as JSON."""
        self._display.close()
        typer.echo(printable(_json(document) if self.as_json else text), file=self._stdout)

    def hold(self, act: Callable[[], int]) -> int:
        """Run a command, say what went wrong in its own words, and return the exit code."""
        from latentomics.core import LatentomicsError

        try:
            with redirect_stdout(sys.stderr):
                return act()
        except LatentomicsError as error:
            return self._family(error)
        except KeyboardInterrupt:
            return self._failed("interrupted", "", "", INTERRUPTED, again=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            return self._failed(
                error.strerror or str(error),
                str(error.filename or "a file or folder"),
                "check space, permissions and path; what was written before is whole",
                INCOMPLETE,
                again=True,
            )
        except MemoryError:
            remedy = "give less with --memory"
            return self._failed("memory ran out", "this machine", remedy, INCOMPLETE, again=True)
        except Exception as error:
            self._display.close()
            typer.echo(traceback.format_exc(), err=True)
            return self._failed(
                f"a defect of latentomics: {type(error).__name__}: {error}",
                "see the lines above",
                "please report them with 'latentomics info'",
                DEFECT,
            )
        finally:
            self._display.close()

    def refused(self, what: str, where: str) -> int:
        """Say that the command line was not understood, and return the exit code."""
        return self._failed(what, where, "see the command with --help", WRONG)

    def _family(self, error: LatentomicsError) -> int:
        again = error.exit_code == INTERRUPTED
        return self._failed(error.what, error.where, error.remedy, error.exit_code, again=again)

    def _failed(self, what: str, where: str, remedy: str, code: int, *, again: bool = False) -> int:
        self._display.close()
        lines = [what]
        lines += [f"  where:  {where}"] if where else []
        lines += [f"  remedy: {remedy}"] if remedy else []
        if again and self.resume_command:
            lines.append(f"  go on:  {self.resume_command}")
        typer.echo(printable("\n".join(lines)), err=True)
        if self.as_json:
            error = {"what": what, "where": where, "remedy": remedy}
            self.result("", {"error": error, "exit_code": code})
        return code


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of words as text in columns, the header first.

    Examples
    --------
    >>> print(columns(("name", "n"), [("size", "3"), ("latent", "64")]))
    name    n
    size    3
    latent  64
    """
    table = [tuple(header), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    padded = (
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(line.rstrip() for line in padded)


def _json(document: object) -> str:
    from latentomics.core import plain

    return json.dumps(_finite(plain(document)), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(content: object) -> object:
    """Replace what JSON has no number for (NaN, infinity) by null."""
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(item) for item in content]
    return content


def command_line(*extra: str) -> str:
    """Return the command as it was typed, with ``extra`` options that were not given yet."""
    import shlex

    given = sys.argv[1:]
    return shlex.join(["latentomics", *given, *(word for word in extra if word not in given)])
