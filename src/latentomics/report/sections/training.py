"""How training went: every term of the objective over time.

In: history.jsonl (one line an epoch: epoch, step, seconds, rate, train and validation terms).
Out: one section.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import pairwise

from latentomics.report.figures import Curve, learning_curves, svg
from latentomics.report.page import Block, Gallery, Picture, Section, Words
from latentomics.report.reading import Plain, RunFiles
from latentomics.report.sections.cases import as_float
from latentomics.report.words import TERM_NAMES, number, seconds

_FIRST = ("total", "loss", "nll", "kl", "mse")
_SHOWN = 9
_FEW = 0.2  # of the usual number of steps; fewer give a mean that jumps
_NO_CURVE = re.compile(r"kl_\d+|beta_norm")  # of single latents; and beta in another unit
_GROWING = (
    " The weight of the KL grew: the objective of training has the weight of its step, that of "
    "validation the full one, so the two are not one quantity before the weight has grown."
)
_UNITS = {
    "active_latents": "",
    "beta": "",
    "gradient": "",
    "mse": "squared normalised units",
    "nll_per_voxel": "nats per voxel",
    "rate": "",
}


def training_section(files: RunFiles) -> Section:
    """Return the section with the learning curves."""
    if not files.history:
        closed = files.choice("method") == "linear"
        reason = files.missing.get("history.jsonl", "history.jsonl is empty")
        text = (
            "This method is solved in closed form: there is nothing to watch."
            if closed
            else (f"{reason}.")
        )
        blocks: tuple[Block, ...] = (Words(text=text, tone="note"),)
    else:
        blocks = (Words(text=_summary(files)), *_remarks(files), *_curves(files))
    return Section(
        anchor="training",
        title="Learning curves",
        lead="Terms of the objective for the training cases and for validation cases that training "
        "never sees. The weights of the marked step were kept.",
        blocks=blocks,
    )


def best_entry(files: RunFiles) -> Plain | None:
    """Return the epoch with the lowest validation objective; None without validation."""
    scored = [(_total(entry), entry) for entry in files.history]
    finite = [pair for pair in scored if math.isfinite(pair[0])]
    return min(finite, key=lambda pair: pair[0])[1] if finite else None


def _total(entry: Plain) -> float:
    terms = _terms(entry, "validation")
    for name in _FIRST:
        if name in terms:
            return terms[name]
    return sum(terms.values()) if terms else float("nan")


def _terms(entry: Plain, part: str) -> dict[str, float]:
    terms = entry.get(part)
    if not isinstance(terms, Mapping):
        return {}
    return {str(name): as_float(value) for name, value in terms.items()}


def _summary(files: RunFiles) -> str:
    last, best = files.history[-1], best_entry(files)
    steps = as_float(last.get("step", 0))
    text = f"{number(steps)} step{'' if steps == 1 else 's'}"
    if isinstance(last.get("seconds"), (int, float)):
        text += f" in {seconds(as_float(last['seconds']))}"
    if best is not None:
        text += f"; lowest validation objective {number(_total(best), 4)}"
        text += f" at step {number(as_float(best.get('step')))}" if "step" in best else ""
    return text + "."


def _remarks(files: RunFiles) -> list[Block]:
    """Return the warnings that training gave, with their remedies."""
    remarks = [str(entry["remark"]) for entry in files.history if entry.get("remark")]
    return [Words(text=remark, tone="warn") for remark in remarks]


def _curves(files: RunFiles) -> list[Block]:
    stepped = all(isinstance(entry.get("step"), (int, float)) for entry in files.history)
    key = "step" if stepped else "epoch"
    steps = tuple(as_float(entry.get(key, index + 1)) for index, entry in enumerate(files.history))
    curves = tuple(_curve(files, name, steps) for name in _names(files))
    if not curves:
        return [Words(text="No terms were logged.", tone="note")]
    best = best_entry(files)
    step = None if best is None else as_float(best.get(key))
    picture = Picture(
        name="learning_curves",
        image=svg(learning_curves(curves, best_step=step, axis=key)),
        alternative="Learning curves of " + ", ".join(curve.name for curve in curves) + ".",
        caption="Dashed grey: training; blue: validation; dotted line: the weights that were kept."
        + (_GROWING if _weights_grow(files) else ""),
    )
    return [Gallery(pictures=(picture,))]


def _weights_grow(files: RunFiles) -> bool:
    """Whether the weight of the KL changed while training; validation always has the last one."""
    weights = [beta for beta in _values(files, "train", "beta") if math.isfinite(beta)]
    return len(set(weights)) > 1


def _names(files: RunFiles) -> list[str]:
    """Return the terms, the objective first; a term that only repeats another is shown once."""
    found = {
        name for e in files.history for part in ("train", "validation") for name in _terms(e, part)
    }
    names = [name for name in _FIRST if name in found]
    names += sorted(name for name in found - set(names) if not _NO_CURVE.fullmatch(name))
    shown: dict[str, str] = {}
    for name in names:
        both = _values(files, "validation", name) + _values(files, "train", name)
        shown.setdefault(repr(both), name)  # as words, in which one NaN is like another
    return list(shown.values())[:_SHOWN]


def _values(files: RunFiles, part: str, name: str) -> list[float]:
    return [_terms(entry, part).get(name, float("nan")) for entry in files.history]


def _few(steps: tuple[float, ...]) -> list[bool]:
    """Whether an entry is a mean over far fewer steps than the others, as the last one may be."""
    spans = [after - before for before, after in pairwise((0.0, *steps))]
    usual = sorted(spans)[len(spans) // 2]
    return [span < _FEW * usual for span in spans]


def _curve(files: RunFiles, name: str, steps: tuple[float, ...]) -> Curve:
    training, validation = _values(files, "train", name), _values(files, "validation", name)
    training = [math.nan if few else v for few, v in zip(_few(steps), training, strict=True)]
    return Curve(
        name=TERM_NAMES.get(name, name.replace("_", " ")),
        unit=_UNITS.get(name, "nats per sample"),
        steps=steps,
        training=tuple(training) if any(map(math.isfinite, training)) else (),
        validation=tuple(validation) if any(map(math.isfinite, validation)) else (),
    )
