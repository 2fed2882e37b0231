"""The first page: title, the strip of figures, and the verdict.

In: a run's files. Out: the parts of the page that stand before its sections.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePath

from latentomics.report.page import Mark, Tile
from latentomics.report.reading import RunFiles
from latentomics.report.sections.cases import column_of
from latentomics.report.words import number, said, seconds

_STATUSES = ("ok", "warn", "fail")
_COMMON_STEMS = ("manifest", "cohort")  # the folder's name tells cohorts apart, these do not
_MINUS = re.compile(r"(?<![\w-])-(?=[\d.])")  # a sign before a number, not a hyphen
_CLEARLY = (
    "“Clearly” means that the 95 % interval of the difference, paired over held-out patients, "
    "leaves out zero"
)


def title_of(files: RunFiles) -> str:
    """Return the cohort's name: of its manifest, of the folder that holds it, or of the run."""
    manifest = files.request.get("manifest")
    path = PurePath(str(manifest or ""))
    name = path.parent.name if path.stem in _COMMON_STEMS else path.stem
    return name or files.folder.resolve().name


def subtitle_of(files: RunFiles) -> str:
    """Return one line on who made the page, with what, and when if that is recorded."""
    version = files.provenance.get("version")
    parts = [f"latentomics {version}" if version else "latentomics"]
    for key in ("finished", "started", "date"):
        if key in files.provenance:
            parts.append(str(files.provenance[key]))
            break
    return " · ".join([*parts, "for research, not for clinical use"])


def tiles_of(files: RunFiles) -> tuple[Tile, ...]:
    """Return the figures of the strip; those that are unknown are left out."""
    cases, patients = column_of(files, "case"), column_of(files, "patient")
    sites = {site for site in column_of(files, "site") if site is not None}
    network = files.choice("network")
    latent = network.get("latent") if isinstance(network, Mapping) else None
    local = isinstance(network, Mapping) and network.get("kind") in ("local", "spatial")
    last = files.history[-1].get("seconds") if files.history else None
    found = (
        (number(len(cases)) if cases else "", "cases"),
        (number(len(set(patients))) if patients else "", "patients"),
        (number(len(sites)) if sites else "", "site" if len(sites) == 1 else "sites"),
        (said(files.choice("method")) if files.choice("method") else "", "method"),
        (said(latent) if latent is not None else "", "code channels" if local else "latents"),
        (seconds(float(last)) if isinstance(last, (int, float)) else "", "of training"),
        (number(len(files.rejected)) if "rejected.csv" not in files.missing else "", "left out"),
    )
    return tuple(Tile(value=value, name=name) for value, name in found if value)


def verdict_of(files: RunFiles) -> tuple[Mark, ...]:
    """Return the sentences of verdict.json with their statuses; an unknown status asks for care."""
    return tuple(
        Mark(
            status=str(entry.get("status")) if entry.get("status") in _STATUSES else "warn",
            text=_MINUS.sub("−", str(entry.get("sentence", ""))),
        )
        for entry in files.verdict
    )


def verdict_rule(files: RunFiles, verdict: tuple[Mark, ...]) -> str:
    """Return what the verdict calls clear; nothing where it does not use the word."""
    if not any("clear" in mark.text for mark in verdict):
        return ""
    if files.demonstration is None:
        return f"{_CLEARLY}; every difference stands with its interval in the sections below."
    return (
        f"{_CLEARLY}. The intervals of a demonstration are not printed: they would suggest a "
        "cohort that is not there."
    )


def verdict_summary(verdict: tuple[Mark, ...]) -> str:
    """Return the verdict's counts in words.

    Examples
    --------
    >>> verdict_summary((Mark(status="ok", text=""), Mark(status="fail", text="")))
    '1 point holds, 1 fails.'
    """
    counts = Counter(mark.status for mark in verdict)
    verbs = {
        "ok": ("holds", "hold"),
        "warn": ("asks for care", "ask for care"),
        "fail": ("fails", "fail"),
    }
    parts: list[str] = []
    for status in _STATUSES:
        count = counts[status]
        if count:
            noun = (" point" if count == 1 else " points") if not parts else ""
            parts.append(f"{count}{noun} {verbs[status][count > 1]}")
    return ", ".join(parts) + "." if parts else ""
