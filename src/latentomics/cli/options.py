"""Options that several commands share, and what their words mean.

In: the words of the command line. Out: the request as the flow takes it. Times in seconds, memory
in bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentomics.cli.completion import column_names, method_names
from latentomics.cli.rows import Aggregate, Row, aggregate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latentomics.planning import Request

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
COHORT, TRAINING, MACHINE = "Cohort", "Learning", "Machine"

Source = Annotated[
    Path, typer.Argument(metavar="COHORT", help="A manifest (CSV, TSV, parquet) or a folder.")
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that 'run' wrote.")]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="COLUMN",
        help="Column to predict, or a comparison: 'grade>=2'. Repeat for several.",
        autocompletion=column_names,
        rich_help_panel=COHORT,
    ),
]
Site = Annotated[
    str | None,
    typer.Option(
        "--site",
        metavar="COLUMN",
        help="Column that names the scanner or hospital.",
        autocompletion=column_names,
        rich_help_panel=COHORT,
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        "--channels",
        metavar="A,B",
        help="Columns of the images, the reference first. Default: image.",
        rich_help_panel=COHORT,
    ),
]
MaskLabel = Annotated[
    int | None,
    typer.Option(
        "--mask-label",
        help="Value of the mask that counts. Default: the column mask_label, or all above zero.",
        rich_help_panel=COHORT,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Processes that read cases; 1: no limits on a case. Default: all cores.",
        rich_help_panel=MACHINE,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Options of 'run' and 'plan', as words; ``request_of`` says what they mean."""

    label: Labels = None
    site: Site = None
    channels: Channels = None
    mask_label: MaskLabel = None
    per: Annotated[
        Row,
        typer.Option(
            "--per", help="What a row of the table is, and of probes.", rich_help_panel=COHORT
        ),
    ] = Row.case
    aggregate: Annotated[
        Aggregate | None,
        typer.Option(
            "--aggregate",
            help="With --per patient: the mean of a patient's cases (default), the one with the "
            "largest mask, or whose code lies furthest from the training cases (Mahalanobis).",
            rich_help_panel=COHORT,
        ),
    ] = None
    folds: Annotated[
        int,
        typer.Option(
            "--folds",
            min=0,
            help="Refit everything in so many folds; 0: one split.",
            rich_help_panel=TRAINING,
        ),
    ] = 0
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="TIME",
            help="Wall time of the run: 90s, 5m, 1h30m. Default: the plan decides.",
            rich_help_panel=TRAINING,
        ),
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, help="Length in epochs instead of time.", rich_help_panel=TRAINING
        ),
    ] = None
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="One of 'methods'.",
            autocompletion=method_names,
            rich_help_panel=TRAINING,
        ),
    ] = None
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the method. Repeat for several.",
            rich_help_panel=TRAINING,
        ),
    ] = None
    latent: Annotated[
        int | None,
        typer.Option("--latent", min=1, help="Length of the code.", rich_help_panel=TRAINING),
    ] = None
    seed: Annotated[
        int, typer.Option("--seed", help="Seed of all randomness.", rich_help_panel=TRAINING)
    ] = 0
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            help="Memory to stay under: 800MB, 4GB. Default: half of what is free.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    workers: Workers = None


def request_of(asked: Asked, *, demonstration: str | None = None) -> Request:
    """Return what was asked as the flow takes it.

    Raises
    ------
    RequestError
        When a time, a size or a setting cannot be read.
    """
    from latentomics.planning import Request

    return Request(
        labels=tuple(asked.label or ()),
        site=asked.site,
        channels=channels_of(asked.channels),
        mask_label=asked.mask_label,
        folds=asked.folds,
        budget_s=None if asked.budget is None else seconds_of(asked.budget),
        epochs=asked.epochs,
        memory_bytes=None if asked.memory is None else bytes_of(asked.memory),
        method=asked.method,
        settings=settings_of(asked.setting or ()),
        seed=asked.seed,
        per=asked.per.value,
        aggregate=aggregate_of(asked.aggregate, asked.per),
        latent=asked.latent,
        demonstration=demonstration,
    )


def channels_of(words: str | None) -> tuple[str, ...]:
    """Return the columns of the images.

    Examples
    --------
    >>> channels_of("image, image_ct"), channels_of(None)
    (('image', 'image_ct'), ('image',))
    """
    names = tuple(name.strip() for name in (words or "").split(",") if name.strip())
    return names or ("image",)


def seconds_of(words: str) -> float:
    """Return a time in seconds; a number without a unit is refused.

    Examples
    --------
    >>> seconds_of("90s"), seconds_of("5m"), seconds_of("1h30m")
    (90.0, 300.0, 5400.0)
    """
    from latentomics.core import RequestError

    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", words)
    seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != words or seconds == 0:
        raise RequestError(f"{words!r} is no time", "--budget", "write 90s, 5m or 1h30m")
    return seconds


def bytes_of(words: str) -> int:
    """Return a size in bytes; a number without a unit is refused.

    Examples
    --------
    >>> bytes_of("4GB"), bytes_of("512MiB")
    (4000000000, 536870912)
    """
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from latentomics.core import RequestError

    refusal = RequestError(f"{words!r} is no size", "--memory", "write 800MB or 4GB")
    if words.strip()[-1:].isdigit():
        raise refusal
    try:
        size = int(TypeAdapter(ByteSize).validate_python(words))
    except ValidationError:
        raise refusal from None
    if size <= 0:
        raise refusal
    return size


def settings_of(words: Sequence[str]) -> dict[str, float | str | bool]:
    """Return ``name=value`` pairs, with numbers and truth values where the words are such.

    Examples
    --------
    >>> settings_of(["beta=4", "likelihood=gaussian"])
    {'beta': 4.0, 'likelihood': 'gaussian'}
    """
    from latentomics.core import RequestError

    settings: dict[str, float | str | bool] = {}
    for pair in words:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise RequestError(f"{pair!r} is no setting", "--set", "write --set name=value")
        if name in settings:
            raise RequestError(f"setting {name!r} is given twice", "--set", "give it once")
        settings[name] = _typed(value)
    return settings


def _typed(word: str) -> float | str | bool:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        return float(word)
    except ValueError:
        return word


def existing_run(folder: Path) -> None:
    """Refuse a folder in which no run lies.

    Raises
    ------
    RequestError
        When the folder holds no plan, with which every run begins.
    """
    from latentomics.core import RequestError

    if not (folder / "plan.yaml").is_file():
        raise RequestError("no run lies here", str(folder), "give the folder that 'run -o' wrote")
