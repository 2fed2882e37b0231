"""``latentomics compare``: runs side by side, or one cohort with several methods or lengths.

In: run folders, or a cohort and what differs between its runs. Out: a table of figures, paired
where the runs hold out the same cases; for a cohort also a picture and a table in the folder of its
runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Asked, existing_run, request_of
from latentomics.cli.talk import Talk, columns

if TYPE_CHECKING:
    from latentomics.core import Result
    from latentomics.evaluation import Apart
    from latentomics.flow import Compared, Contest, Swept


RESEEDED = "runs that differ in their seed alone, do they find the same latents (1: one to one):"


@command(
    "latentomics compare RUN_A RUN_B",
    "latentomics compare cohort.csv --methods linear,vae --seeds 3 --budget 2m -o OUT --label ill",
    "latentomics compare cohort.csv --sweep latent=2,4,8,16,32,64,128 -o SWEEP --label malignant",
)
def compare(
    talk: Talk,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN_A RUN_B ...|COHORT", help="Runs, or a cohort with --methods or --sweep."
        ),
    ],
    asked: Asked,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="A,B,...",
            help="Run the cohort with each method and --seeds seeds. A budget is that of one run.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            min=1,
            help="With --methods: runs of each; a seed decides split and weights. Default: 3.",
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            "--sweep",
            metavar="latent=A,B,...",
            help="Run the cohort once for each length of the code. A budget is that of one run.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the cohort's runs."),
    ] = None,
) -> int:
    """Put runs side by side; the first is what the others are compared with.

    Differences are paired where two runs have the very same split. Latents of runs that differ in
    their seed alone are matched.
    """
    from latentomics import flow

    _refuse_mixed(methods, seeds, sweep)
    if methods is None and sweep is None:
        _refuse_options(asked, output)
        for run in sources:
            existing_run(run)
        found = flow.compare(sources)
        talk.result(_text(found), found)
        return 0
    (source, folder), request = _of_cohort(sources, output), request_of(asked)
    lengths = () if sweep is None else lengths_of(sweep)
    if methods is not None:
        held = flow.contest(
            source,
            folder,
            [name.strip() for name in methods.split(",") if name.strip()],
            request,
            seeds=seeds or 3,
            workers=asked.workers,
            on_event=talk.on_event,
        )
        talk.result(_standings(held), held)
        return held.exit_code
    swept = flow.sweep(
        source, folder, lengths, request, workers=asked.workers, on_event=talk.on_event
    )
    talk.result(_curve(swept), swept)
    return swept.exit_code


def lengths_of(words: str) -> tuple[int, ...]:
    """Return the lengths of a sweep.

    Examples
    --------
    >>> lengths_of("latent=2,4,8")
    (2, 4, 8)
    """
    from latentomics.core import RequestError

    name, _, listed = words.partition("=")
    numbers = [number.strip() for number in listed.split(",")]
    right = all(number.isdigit() and int(number) > 0 for number in numbers)
    if name.strip() != "latent" or not right:
        raise RequestError(f"{words!r} is no sweep", "--sweep", "write --sweep latent=2,4,8,16")
    return tuple(int(number) for number in numbers)


def _refuse_mixed(methods: str | None, seeds: int | None, sweep: str | None) -> None:
    from latentomics.core import RequestError

    if methods is not None and sweep is not None:
        raise RequestError(
            "methods and lengths at once", "--methods, --sweep", "compare one, then the other"
        )
    if seeds is not None and methods is None:
        raise RequestError("seeds are of methods", "--seeds", "add --methods A,B")


def _refuse_options(asked: Asked, output: Path | None) -> None:
    from latentomics.core import RequestError

    if asked != Asked() or output is not None:
        raise RequestError(
            "runs that have ended are compared as they are",
            "options of training",
            "leave them out, or name one cohort with --methods or --sweep",
        )


def _of_cohort(sources: list[Path], output: Path | None) -> tuple[Path, Path]:
    from latentomics.core import RequestError

    if len(sources) != 1:
        raise RequestError(
            "one cohort is run again and again", f"{len(sources)} given", "name one cohort"
        )
    if output is None:
        raise RequestError("its runs need a folder", "--output", "name one with -o FOLDER")
    return sources[0], output


def _standings(held: Contest) -> str:
    ranking = held.ranking
    free = list(ranking.standings[0].without_labels)
    by = "chosen by score" if ranking.labels else "chosen by -error"
    header = ("method", by, "test", "SD", "behind", "95 % interval", "p", *free, "mean rank")
    rows = [
        (
            one.method,
            f"{one.chosen_by:.3f}",
            f"{one.test:.3f}",
            "" if one.test_sd is None else f"{one.test_sd:.3f}",
            *_behind(one.behind),
            *(f"{one.without_labels[name]:.3f}" for name in free),
            f"{one.rank_without_labels:.1f}",
        )
        for one in ranking.standings
    ]
    paths = f"figures   {held.table}\npicture   {held.picture}"
    return "\n\n".join(
        [columns(header, rows), "\n".join([*ranking.sentences, *held.left_out]), paths]
    )


def _behind(apart: Apart | None) -> tuple[str, str, str]:
    if apart is None:
        return "", "", ""
    return f"{apart.mean:+.3f}", f"{apart.low:+.3f} to {apart.high:+.3f}", f"{apart.p:.3g}"


def _text(found: Compared) -> str:
    rows = [
        (row.evaluation, row.features, row.target or "", row.metric, *map(_value, row.figures))
        for row in found.rows
    ]
    parts = [columns(("evaluation", "features", "target", "metric", *found.runs), rows)]
    differences = [one for one in found.paired if "_minus_" in one.metric]
    if differences:
        lines = [
            f"{one.target}: {one.features} minus {one.metric.split('_minus_')[1]} "
            f"{one.metric.split('_minus_')[0]} {one.value:+.3f}{_interval(one)}, "
            f"p {one.settings['p']:.3g}"
            for one in differences
        ]
        parts.append("\n".join(["paired, latents alone, on the same held-out patients:", *lines]))
    if found.reseeded:
        parts.append("\n".join([RESEEDED, *map(_matched, found.reseeded)]))
    return "\n\n".join([*parts, *found.remarks])


def _matched(one: Result) -> str:
    used = f"{one.settings['in_use']} of {one.settings['columns']} latents in use"
    return f"{one.features}: UDR {one.value:.3f}, {used}"


def _value(one: Result | None) -> str:
    return "" if one is None else f"{one.value:.4g}{_interval(one)}"


def _interval(one: Result) -> str:
    return "" if one.low is None or one.high is None else f" ({one.low:.4g} to {one.high:.4g})"


def _curve(swept: Swept) -> str:
    names = list(
        dict.fromkeys((one.figure, one.features, one.target or "") for one in swept.figures)
    )
    lengths = list(dict.fromkeys(one.latents for one in swept.figures))
    value = {
        (one.latents, one.figure, one.features, one.target or ""): f"{one.value:.4g}"
        for one in swept.figures
    }
    rows = [
        (str(length), *(value.get((length, *name), "") for name in names)) for length in lengths
    ]
    heads = [" ".join(part for part in name if part) for name in names]
    return "\n\n".join(
        [columns(("latents", *heads), rows), *swept.left_out, f"picture   {swept.picture}"]
    )
