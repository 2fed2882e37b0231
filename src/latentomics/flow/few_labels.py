"""How many labels a code saves: curves from few labelled patients to all, asked of a finished run.

In: a ``Question``. Out: records of the code, and of what it is compared with, on nested subsets of
the labelled training patients (METHODS 22).
"""

from __future__ import annotations

from dataclasses import replace

from latentomics.core import Result
from latentomics.evaluation import label_curve
from latentomics.flow.question import Question, one_thread
from latentomics.flow.records import Event
from latentomics.flow.refitted import raw_values

CURVES = (
    "latent",
    "pca",
    "random",
    "classic",
    "size",
    "latent+classic",
    "latent+pooled",
    "random+pooled",
)


def curves(question: Question) -> list[Result]:
    """Measure the code and what it is compared with on nested subsets of labelled patients."""
    part = question.part()
    sets = {name: blocks for name, blocks in part.blocks.items() if name.split("/")[0] in CURVES}
    values = raw_values(question.stores)
    if values is not None:
        sets["raw"] = [values[0]]
    results: list[Result] = []
    for number, label in enumerate(question.labels):
        told = f"few labels of {label.name}"
        question.on_event(
            Event(stage="evidence", done=number, total=len(question.labels), message=told)
        )
        with one_thread():
            results += label_curve(
                label,
                replace(part, blocks=sets),
                question.patients,
                raw_values=None if values is None else values[1],
                seed=question.seed,
            )
    return results
