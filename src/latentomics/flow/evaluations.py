"""Every evaluation of a run: those that each run makes, and those that are asked for by name.

In: a ``Question`` and names. Out: records. To add one, write a function from a ``Question`` to
records and enter it here under the word ``evaluation`` of its records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace

from latentomics.core import Registry, Result
from latentomics.flow.disentangling import disentangled
from latentomics.flow.evidence import (
    collapsed,
    permuted,
    probed,
    rebuilt,
    shifted,
    told_by_site,
    with_few_labels,
)
from latentomics.flow.few_labels import curves
from latentomics.flow.further import (
    STABILITY,
    confounded,
    harmonised,
    mapped,
    repeated,
    shifted_features,
    structured,
    variance_of_sites,
)
from latentomics.flow.mapping import embedded, shown_by_umap
from latentomics.flow.patients import Rows
from latentomics.flow.question import Evaluation, Question, one_thread
from latentomics.flow.supervising import supervised

TEST = "test cases"
CLASSES = "a label with two patients or more of each class in training and test cases"
SITES = "two sites or more with 10 held-out patients each"

BY_DEFAULT: Mapping[str, Evaluation] = {  # of every run, in this order
    "reconstruction": Evaluation(answer=rebuilt, needs=TEST, errors=True),
    "collapse": Evaluation(answer=collapsed, needs=TEST),
    "probe": Evaluation(answer=probed, needs=CLASSES, labelled=True, folds=True),
    "label_efficiency": Evaluation(answer=with_few_labels, needs=CLASSES, labelled=True),
    "site": Evaluation(answer=told_by_site, needs="two sites or more", folds=True),
    "mmd": Evaluation(answer=shifted, needs=SITES),
    "ks": Evaluation(answer=shifted_features, needs=SITES),
    "site_variance": Evaluation(answer=variance_of_sites, needs=SITES),
    "confounding": Evaluation(
        answer=confounded,
        needs="a label, and sites, masks, ages or sexes that vary",
        labelled=True,
        folds=True,
    ),
    "harmonisation": Evaluation(
        answer=harmonised, needs="two sites or more with 10 training cases each"
    ),
    "embedding": Evaluation(answer=mapped, needs="20 test cases"),
    "structure": Evaluation(answer=structured, needs="20 test cases", of_rows=False),
    STABILITY: Evaluation(answer=repeated, needs="5 test cases", of_rows=False),
}
ON_DEMAND: Mapping[str, Evaluation] = {  # take longer than a run should
    "embedding": Evaluation(answer=embedded, needs="20 test cases", pictures=shown_by_umap),
    "label_efficiency": Evaluation(answer=curves, needs=CLASSES, labelled=True, of_rows=False),
    "permutation": Evaluation(answer=permuted, needs=CLASSES, labelled=True),
    "supervised": Evaluation(answer=supervised, needs=CLASSES, labelled=True, of_rows=False),
    "disentanglement": Evaluation(
        answer=disentangled,
        needs="50 held-out cases with two factors that vary",
        labelled=True,
        of_rows=False,
    ),
}


def _entered() -> Registry[Evaluation]:
    entries: Registry[Evaluation] = Registry("evaluation")
    for name, evaluation in {**BY_DEFAULT, **ON_DEMAND}.items():
        entries.register(name)(evaluation)
    return entries


EVALUATIONS = _entered()


def by_default(question: Question, rows: Rows) -> list[Result]:
    """Return what every run is asked."""
    return [result for _, own in answers(question, rows, BY_DEFAULT.items()) for result in own]


def answers(
    question: Question, rows: Rows, evaluations: Iterable[tuple[str, Evaluation]]
) -> Iterator[tuple[str, list[Result]]]:
    """Give the records of one evaluation after the other.

    Parameters
    ----------
    question : Question
        Whose rows are cases.
    rows : Rows
        What tables are asked of: the same, or patients.
    evaluations : iterable of name and Evaluation
        In the order in which they are answered.
    """
    import torch

    torch.set_num_threads(question.main.plan.threads.value)  # the last fold may have had others
    table = replace(question, gathered=rows.gathered, main=rows.main, folds=rows.folds)
    for name, evaluation in evaluations:
        with one_thread() if evaluation.of_rows else nullcontext():
            yield name, evaluation.answer(table if evaluation.of_rows else question)
