"""A run in a few lines: the verdict, the main figures, and where things lie.

In: the record of a run. Out: text, or plain data for ``--json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.cli.talk import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latentomics.core import Result
    from latentomics.flow import Outlook, RunRecord

MARKS = {"ok": "ok  ", "warn": "note", "fail": "FAIL"}
MAIN = {  # metrics that the short table shows; all of them stand in results.json
    "reconstruction": ("mse",),
    "probe": ("auroc", "r2"),
    "site": ("auroc",),
    "mmd": ("mmd2",),
}


def run_text(record: RunRecord, *, intervals: bool = True) -> str:
    """Return the verdict, the short table of results and the paths as text."""
    parts = [
        "\n".join(f"{MARKS.get(status, status)}  {words}" for status, words in record.verdict),
        results_text(record.results, intervals=intervals),
        "\n".join(
            [
                f"report    {record.report}",
                f"features  {record.table}",
                *([f"rejected  {record.rejected} cases, rejected.csv"] if record.rejected else []),
            ]
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def run_document(record: RunRecord) -> dict[str, object]:
    """Return the record as plain data."""
    return {
        "folder": record.folder,
        "table": record.table,
        "report": record.report,
        "results": record.results,
        "verdict": [{"status": status, "sentence": words} for status, words in record.verdict],
        "rejected": record.rejected,
        "exit_code": record.exit_code,
        "done_before": record.done_before,
    }


def outlook_text(seen: Outlook) -> str:
    """Return the plan as YAML, and what it takes as comments below it."""
    return "\n".join(
        [
            seen.plan.to_yaml(),
            f"# memory    {seen.plan.memory.reason}",
            f"# time      {seen.time}",
            f"# rejected  {seen.rejected} cases",
        ]
    )


def outlook_document(seen: Outlook) -> dict[str, object]:
    """Return the outlook as plain data."""
    return {
        "plan": seen.plan.model_dump(mode="json"),
        "memory": seen.plan.memory.reason,
        "seconds": seen.seconds,
        "time": seen.time,
        "rejected": seen.rejected,
        "exit_code": seen.exit_code,
        "done_before": seen.done_before,
    }


def results_text(results: Sequence[Result], *, intervals: bool = True) -> str:
    """Return the main figures on held-out cases as text in columns; nothing for no figures."""
    rows = [_row(result, intervals=intervals) for result in results if _is_main(result)]
    interval = ("95 % interval",) if intervals else ()
    header = ("evaluation", "features", "target", "metric", "value", *interval, "n")
    return columns(header, rows) if rows else ""


def _is_main(result: Result) -> bool:
    held_out = result.settings.get("split", "test") == "test"
    labels = result.settings.get("n_labels")  # label-efficiency curves stay in the report
    return held_out and labels is None and result.metric in MAIN.get(result.evaluation, ())


def _row(result: Result, *, intervals: bool) -> tuple[str, ...]:
    return (
        result.evaluation,
        result.features,
        result.target or "",
        result.metric,
        f"{result.value:.3g}",
        *([_interval(result)] if intervals else []),
        str(result.n),
    )


def _interval(result: Result) -> str:
    """Return the interval, and the p of a test."""
    known = result.low is not None and result.high is not None
    span = [f"{result.low:.3g} to {result.high:.3g}"] if known else []
    p = result.settings.get("p")
    return ", ".join([*span, *([f"p = {p:.2g}"] if isinstance(p, float) else [])])
