"""The model card: what a model is for, what it was trained on, what it is worth, how to use it.

In: a run folder's records. Out: ``model/MODEL_CARD.md``, Markdown that travels with the weights.
Every figure in it is a record of the run; nothing is known here but what the records say.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from latentomics.core import Result, write_atomic
from latentomics.methods import METHODS
from latentomics.report.front import title_of
from latentomics.report.page import Points
from latentomics.report.reading import RunFiles, read_run
from latentomics.report.sections.cases import column_of
from latentomics.report.sections.evidence import main_metric
from latentomics.report.sections.features import row_words
from latentomics.report.sections.limits import limits_section
from latentomics.report.sections.records import chosen, distinct, is_difference
from latentomics.report.sections.training import best_entry
from latentomics.report.words import (
    feature_name,
    interval,
    metric_name,
    number,
    printable,
    said,
    scored,
    seconds,
    target_name,
)

CARD = "MODEL_CARD.md"
SPLITS = {"train": "training", "val": "validation", "test": "test"}
_MARKDOWN = re.compile(r"([\\`*_\[\]|#])")


def write_card(run: Path) -> Path:
    """Write the model card of a run from its files alone.

    Raises
    ------
    RequestError
        When the folder holds none of a run's files.
    """
    path = run / "model" / CARD
    write_atomic(path, card_of(read_run(run)))
    return path


def card_of(files: RunFiles) -> str:
    """Return the card as Markdown."""
    parts = (
        [f"# Model card: {_text(title_of(files))}"],
        _use(files),
        _cohort(files),
        _preparation(files),
        _model(files),
        _training(files),
        _evidence(files),
        _encoding(files),
        _terms(files),
    )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _use(files: RunFiles) -> list[str]:
    blocks = limits_section(files).blocks
    limits = [one for block in blocks if isinstance(block, Points) for one in block.items]
    return [
        "## Intended use and limits",
        "",
        "Features for research on images like those of the cohort below: to describe cases, to "
        "find structure, to start a model of a label from.",
        "",
        *(f"- {_text(limit)}" for limit in limits),
    ]


def _cohort(files: RunFiles) -> list[str]:
    parts = column_of(files, "split")
    patients = column_of(files, "patient")
    if not parts:
        return ["## Cohort", "", _missing(files, "cohort.parquet")]
    rows = [
        (name, number(parts.count(part)), number(len(_of_part(parts, patients, part))))
        for part, name in SPLITS.items()
        if part in parts
    ]
    every = ("all", number(len(parts)), number(len(set(patients))))
    left_out = f"Left out and named in the run's rejected.csv: {number(len(files.rejected))}."
    return [
        "## Cohort",
        "",
        *_table(("part", "cases", "patients"), [*rows, every]),
        "",
        f"Modality: {_counts(column_of(files, 'modality'))}. Sites: "
        f"{_counts(column_of(files, 'site'))}. {left_out}",
    ]


def _of_part(parts: Sequence[object], patients: Sequence[object], part: str) -> set[object]:
    return {patient for one, patient in zip(parts, patients, strict=True) if one == part}


def _preparation(files: RunFiles) -> list[str]:
    steps = files.provenance.get("pipeline")
    words = [str(step) for step in steps] if isinstance(steps, list) else []
    sha256 = files.provenance.get("pipeline_sha256")
    return [
        "## Preprocessing",
        "",
        *([f"- {_text(step)}" for step in words] or [_missing(files, "provenance.json")]),
        *([f"- sha256 of these settings: {_text(str(sha256))}"] if sha256 else []),
    ]


def _model(files: RunFiles) -> list[str]:
    name = str(files.choice("method") or "")
    rows = [("method", name)]
    if name in METHODS:  # and not one of the user's own
        rows += [("what it does", METHODS[name].summary), ("paper", METHODS[name].paper)]
    rows += _choices(
        files,
        ("view", "network", "mask_channel", "loss_region", "noise", "symmetries", "pooled"),
    )
    settings = files.request.get("settings")
    if settings:
        rows.append(("settings given", said(settings)))
    return ["## Method and network", "", *_table(("choice", "value"), rows)]


def _training(files: RunFiles) -> list[str]:
    rows = _choices(files, ("length", "batch", "learning_rate", "precision"))
    last = files.history[-1] if files.history else {}
    took = last.get("seconds")
    rows += [("took", seconds(float(took)))] if isinstance(took, (int, float)) else []
    best = best_entry(files)
    rows += [("weights of step", said(best.get("step")))] if best else []
    rows += [
        (key.replace("_", " "), str(files.provenance[key]))
        for key in ("outcome", "seed", "threads", "processor", "weights_sha256")
        if key in files.provenance
    ]
    return ["## Training", "", *_table(("choice", "value"), rows)]


def _choices(files: RunFiles, keys: Sequence[str]) -> list[tuple[str, str]]:
    found = ((key, files.choice(key)) for key in keys)
    return [(key.replace("_", " "), said(value, key)) for key, value in found if value is not None]


def _evidence(files: RunFiles) -> list[str]:
    lines = ["## Evidence", ""]
    if not files.results:
        return [*lines, _missing(files, "results.json")]
    lines += [f"- {_text(str(one.get('sentence', '')))}" for one in files.verdict]
    rows = [_row(result, files) for result in _main(files.results)]
    return [
        *lines,
        "",
        "Each row is a record of the run's results.json, on held-out patients; intervals are 95 % "
        "over patients.",
        "",
        *_table(("question", "target", "features", "metric", "value", "interval", "n"), rows),
    ]


def _main(results: Sequence[Result]) -> Iterable[Result]:
    """Give the figures that lead each section of the report."""
    for one in chosen(results, "reconstruction"):
        if one.settings.get("split", "test") == "test":
            yield one
    probes = chosen(results, "probe")
    for target in distinct(one.target for one in probes):
        own = [one for one in probes if one.target == target]
        metric = main_metric(own)
        yield from (one for one in own if one.metric.split("_minus_")[0] == metric)
    for name in ("site", "mmd", "stability", "collapse"):
        yield from (one for one in chosen(results, name) if not is_difference(one))


def _row(result: Result, files: RunFiles) -> tuple[str, ...]:
    metric, _, baseline = result.metric.partition("_minus_")
    words = metric_name(metric) + (f", minus {feature_name(baseline)}" if baseline else "")
    span = "–" if files.demonstration else interval(result.low, result.high, result.metric)
    return (
        result.evaluation,
        target_name(result.target),
        feature_name(result.features.partition("/")[0]),
        words,
        scored(result.value, result.metric, sign=bool(baseline)),
        span,
        number(result.n),
    )


def _encoding(files: RunFiles) -> list[str]:
    columns = Counter(str(row.get("group")) for row in files.dictionary)
    columns.pop("posterior", None)  # encode adds them when asked to
    groups = ", ".join(f"{number(count)} {_text(name)}" for name, count in columns.items())
    return [
        "## Load and encode",
        "",
        "This folder is all that is needed. New cases go through the preprocessing above.",
        "",
        "```",
        "latentomics encode model new.csv -o new.parquet",
        "latentomics export model -o portable    # ONNX, without latentomics",
        "```",
        "",
        "```python",
        "import latentomics",
        "",
        'table = latentomics.encode("model", "new.csv", "new.parquet").features()',
        "```",
        "",
        f"{row_words(files)}. Columns: {groups or 'see the table'}. Cases unlike the training "
        "cohort are flagged in the column `unlike_training`.",
    ]


def _terms(files: RunFiles) -> list[str]:
    version = files.provenance.get("version")
    by = f"latentomics {_text(str(version))}" if version else "latentomics"
    return [
        "## Licence and citation",
        "",
        f"- Written by {by}, which is under the Apache licence 2.0; its CITATION.cff says how to "
        "cite it. Cite the paper of the method too.",
        "- The software's licence says nothing about these weights: they may be passed on as far "
        "as the licence of the cohort and the consent of its patients allow.",
    ]


def _counts(values: Sequence[object]) -> str:
    counts = Counter(str(value) for value in values if value is not None)
    found = [f"{_text(name)} {number(count)}" for name, count in sorted(counts.items())]
    unknown = sum(value is None for value in values)
    return ", ".join(found + ([f"unknown {number(unknown)}"] if unknown else [])) or "unknown"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _missing(files: RunFiles, name: str) -> str:
    return f"{files.missing.get(name, f'{name} is empty')}."


def _text(words: str) -> str:
    r"""Return a string as Markdown and HTML show it, and never as their syntax.

    Examples
    --------
    >>> _text("<b>site|A</b>")
    '&lt;b&gt;site\\|A&lt;/b&gt;'
    """
    return _MARKDOWN.sub(r"\\\1", html.escape(printable(words), quote=False))
