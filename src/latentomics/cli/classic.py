"""``latentomics classic``: hand-made features of a cohort with masks, by the IBSI's definitions.

In: a manifest or a folder, and settings as words. Out: a table and its dictionary; exit 3 when
cases were rejected.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Source, Workers
from latentomics.cli.rows import Aggregate, Row, aggregate_of
from latentomics.cli.talk import Talk

HOW = "Measuring"


class Interpolation(StrEnum):
    """Words of ``--interpolation``."""

    linear = "linear"
    spline = "spline"


class Aggregated(StrEnum):
    """Words of ``--aggregation``."""

    planes_averaged = "2d-averaged"
    planes_merged = "2d-merged"
    directions_averaged = "2.5d-averaged"
    directions_merged = "2.5d-merged"
    volume_averaged = "3d-averaged"
    volume_merged = "3d-merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How 'classic' measures, as words; what is not said is chosen from the cohort."""

    spacing: Annotated[
        str | None,
        typer.Option(
            metavar="MM",
            help="Grid: 1, or 1,1,2, or 'own' for each image's own. Default: isotropic voxels of "
            "the cohort's median volume.",
            rich_help_panel=HOW,
        ),
    ] = None
    interpolation: Annotated[
        Interpolation | None,
        typer.Option(help="Of intensities. Default: linear.", rich_help_panel=HOW),
    ] = None
    lower: Annotated[
        float | None,
        typer.Option(help="Leave out lower intensities; bins begin here.", rich_help_panel=HOW),
    ] = None
    upper: Annotated[
        float | None, typer.Option(help="Leave out higher intensities.", rich_help_panel=HOW)
    ] = None
    outliers: Annotated[
        float | None,
        typer.Option(metavar="SD", help="Leave out what lies further off.", rich_help_panel=HOW),
    ] = None
    bins: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Fixed number of grey levels. Default: 32 where the unit is arbitrary.",
            rich_help_panel=HOW,
        ),
    ] = None
    bin_width: Annotated[
        float | None,
        typer.Option(
            help="Fixed width of grey levels. Default: 25 HU in CT, 0.25 SUV in PET.",
            rich_help_panel=HOW,
        ),
    ] = None
    aggregation: Annotated[
        Aggregated | None,
        typer.Option(
            help="Of texture matrices. Default: 3d-merged, in pictures 2d-merged.",
            rich_help_panel=HOW,
        ),
    ] = None


@command(
    "latentomics classic cohort.csv -o classic.parquet",
    "latentomics classic cohort.csv -o classic.csv --spacing 1 --bin-width 25 --lower -1000",
    "latentomics classic lesions.csv -o patients.csv --per patient --aggregate largest",
)
def classic(
    talk: Talk,
    source: Source,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="TABLE", help="Table to write: .parquet or .csv."),
    ],
    settings: Settings,
    per: Annotated[Row, typer.Option("--per", help="What a row is.")] = Row.case,
    aggregate: Annotated[
        Aggregate | None,
        typer.Option(
            "--aggregate",
            help="With --per patient: mean of a patient's cases (default), the one with the "
            "largest mask, or the one whose columns lie furthest from those of all cases.",
        ),
    ] = None,
    mask_label: Annotated[
        int | None, typer.Option("--mask-label", help="Value of the mask that counts.")
    ] = None,
    workers: Workers = None,
) -> int:
    """Measure classic radiomics: first-order, histogram, texture and shape, with IBSI codes.

    What is not said is chosen from the cohort; the table's dictionary names every column.
    """
    from latentomics import flow

    record = flow.classic(
        source,
        output,
        given=given_in(settings),
        mask_label=mask_label,
        per=per.value,
        aggregate=aggregate_of(aggregate, per),
        workers=workers,
        on_event=talk.on_event,
    )
    lines = [
        f"features  {record.table}",
        f"rows      {record.rows}",
        f"columns   {record.features}",
        f"settings  {record.settings}",
        f"rejected  {record.rejected}",
    ]
    talk.result("\n".join(lines), record)
    return record.exit_code


def given_in(settings: Settings) -> dict[str, object]:
    """Return the settings that were said, under the plan's names.

    Examples
    --------
    >>> given_in(Settings(spacing="own", outliers=3.0, interpolation=Interpolation.spline))
    {'spacing': None, 'interpolation': 'spline', 'outliers_sd': 3.0}
    """
    given: dict[str, object] = {}
    for field in fields(settings):
        word = getattr(settings, field.name)
        if word is not None:
            given[field.name] = word.value if isinstance(word, StrEnum) else word
    if settings.spacing is not None:
        given["spacing"] = spacing_of(settings.spacing)
    if "outliers" in given:
        given["outliers_sd"] = given.pop("outliers")
    return given


def spacing_of(words: str) -> tuple[float, ...] | None:
    """Return a spacing in mm, None for each image's own.

    Examples
    --------
    >>> spacing_of("1"), spacing_of("1, 1, 2.5"), spacing_of("own")
    ((1.0,), (1.0, 1.0, 2.5), None)
    """
    from latentomics.core import RequestError

    if words == "own":
        return None
    try:
        return tuple(float(word) for word in words.split(","))
    except ValueError:
        raise RequestError(
            f"{words!r} is no spacing", "--spacing", "write 1, or 1,1,2.5, or own"
        ) from None
