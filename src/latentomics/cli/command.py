"""How a function becomes a command: its options, its example, its conversation, its exit code.

In: a function of a ``Talk`` and of options, that returns an exit code; a parameter that is a record
stands for all its fields, so that commands share options by naming the record. Out: a command of
``app`` with ``--quiet`` and ``--json`` beside its own options.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, get_type_hints

import typer

from latentomics.cli.talk import Talk

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

MANNER = {
    "quiet": Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress, no remarks.", rich_help_panel="Manner"),
    ],
    "json": Annotated[
        bool,
        typer.Option("--json", help="Print one JSON document.", rich_help_panel="Manner"),
    ],
}


def command(*examples: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Make a function a command of ``app`` under its own name; a decorator.

    Parameters
    ----------
    examples : str
        Command lines shown at the end of the command's help.
    """

    def enter(function: Callable[..., int]) -> Callable[..., int]:
        def door(**given: object) -> None:
            talk = Talk(quiet=bool(given.pop("quiet")), as_json=bool(given.pop("json")))
            raise typer.Exit(talk.hold(lambda: function(talk, **_gather(function, given))))

        parameters = [*_own(function), *(_keyword(n, t, False) for n, t in MANNER.items())]
        vars(door).update(__signature__=inspect.Signature(parameters))
        door.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        door.__doc__ = function.__doc__
        epilog = "Example:\n\n" + "\n\n".join(examples)
        app.command(name=function.__name__, epilog=epilog)(door)
        return function

    return enter


def _own(function: Callable[..., int]) -> list[inspect.Parameter]:
    """Return the function's parameters after the talk, records replaced by their fields."""
    hints = get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        record = hints[name]
        if dataclasses.is_dataclass(record):
            found += _fields(record)
        else:
            found.append(_keyword(name, record, parameter.default))
    return found


def _fields(record: object) -> list[inspect.Parameter]:
    hints = get_type_hints(record, include_extras=True)
    return [
        _keyword(field.name, hints[field.name], field.default)
        for field in dataclasses.fields(record)  # type: ignore[arg-type]
    ]


def _keyword(name: str, kind: object, default: object) -> inspect.Parameter:
    absent = default is dataclasses.MISSING or default is inspect.Parameter.empty
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if absent else default,
        annotation=kind,
    )


def _gather(function: Callable[..., int], given: Mapping[str, object]) -> dict[str, object]:
    """Put the values that typer parsed back into the records that the function takes."""
    hints = get_type_hints(function, include_extras=True)
    gathered: dict[str, object] = {}
    for name in list(inspect.signature(function).parameters)[1:]:
        record = hints[name]
        if dataclasses.is_dataclass(record):
            fields = (field.name for field in dataclasses.fields(record))
            gathered[name] = record(**{field: given[field] for field in fields})  # type: ignore[operator]
        else:
            gathered[name] = given[name]
    return gathered
