"""Whether a label can be told from where a case comes from, or from its size, without a look.

In: a label, the cases and their facts. Out: one figure a predictor, cross-validated with whole
patients left out. A feature that predicts such a label may have learned the scanner or the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from latentomics.core import BoolArray, Case, DoubleArray, IntArray
from latentomics.sources.facts import CaseFacts
from latentomics.sources.labels import Label

FOLDS = 5
MOST_SITES = 200  # more are names of cases rather than places, and a table of all of them is huge
NOTABLE = {"auroc": 0.65, "r2": 0.2}  # worth a word; the report compares features with it anyway


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictability:
    """How well a label is told by site or size alone; AUROC (chance .5) or R2 (chance 0)."""

    label: str
    by: Literal["site", "size"]
    metric: Literal["auroc", "r2"]
    value: float
    cases: int
    patients: int

    @property
    def notable(self) -> bool:
        """Whether the label hangs on it enough to be said."""
        return self.value >= NOTABLE[self.metric]

    def __str__(self) -> str:
        words = f"{self.label} from {self.by} alone: {self.metric.upper()} {self.value:.2f}"
        return f"{words} ({self.patients} patients)" + (", mind this" if self.notable else "")


def predictability(
    label: Label, cases: Sequence[Case], facts: Sequence[CaseFacts]
) -> list[Predictability]:
    """Predict a label from the site and from the size of each case.

    Parameters
    ----------
    label : Label
        One value for each of ``cases``.
    cases : sequence of Case
        With their sites and patients.
    facts : sequence of CaseFacts
        Of the same cases, in the same order.

    Returns
    -------
    list of Predictability
        None for a predictor that is the same everywhere, or with too few patients.
    """
    known = [row for row, value in enumerate(label.values) if value is not None]
    chosen = [cases[row] for row in known]
    values = [label.values[row] for row in known]
    patients = _numbers([case.patient for case in chosen])
    found = []
    for by, table in (
        ("site", _sites(chosen)),
        ("size", _sizes([facts[row] for row in known])),
    ):
        if table is None:
            continue
        score = _score(label, values, table, patients)
        if score is not None:
            found.append(
                Predictability(
                    label=label.name,
                    by="site" if by == "site" else "size",
                    metric="r2" if label.kind == "continuous" else "auroc",
                    value=score,
                    cases=len(known),
                    patients=int(patients.max()) + 1,
                )
            )
    return found


def _numbers(names: Sequence[str | float | None]) -> IntArray:
    return np.unique([str(name) for name in names], return_inverse=True)[1].astype(np.int64)


def _sites(cases: Sequence[Case]) -> DoubleArray | None:
    """One column a site; None where there is one only, or where every case has its own nearly."""
    number = _numbers([case.site for case in cases]) if cases else np.zeros(1, np.int64)
    return np.eye(number.max() + 1)[number] if 0 < number.max() < MOST_SITES else None


def _sizes(facts: Sequence[CaseFacts]) -> DoubleArray | None:
    """Volume of the mask, else extents of the image, as they are and as logarithms."""
    if facts and all(fact.mask_voxels for fact in facts):
        size = np.array([[fact.mask_mm3] for fact in facts])
    else:
        extents = [np.multiply(fact.size, fact.spacing) for fact in facts]
        if len({len(extent) for extent in extents}) != 1:
            return None
        size = np.array(extents)
    table = np.concatenate([size, np.log(size)], axis=1)
    varying = np.ptp(table, axis=0) > 1e-9
    return table[:, varying] if varying.any() else None


def _score(
    label: Label, values: Sequence[float | str | None], table: DoubleArray, patients: IntArray
) -> float | None:
    if label.kind == "continuous":
        return _r2(np.array(values, dtype=np.float64), table, patients)
    classes = sorted({str(value) for value in values})
    truths = [np.array([str(value) == name for value in values]) for name in classes]
    if label.kind == "binary":
        truths = [np.array([label.is_positive(value) for value in values])]
    scores = [_auroc(truth, table, patients) for truth in truths]
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known else None


def _auroc(truth: BoolArray, table: DoubleArray, patients: IntArray) -> float | None:
    """Mean over folds, as scores of different folds have different offsets."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    folds = min(FOLDS, *(len(np.unique(patients[truth == side])) for side in (True, False)))
    if folds < 2:
        return None
    scores = []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    for train, test in splitter.split(table, truth, patients):
        if len(set(truth[train])) == len(set(truth[test])) == 2:
            model = _scaled(LogisticRegression()).fit(table[train], truth[train])
            scores.append(roc_auc_score(truth[test], model.decision_function(table[test])))
    return float(np.mean(scores)) if scores else None


def _r2(truth: DoubleArray, table: DoubleArray, patients: IntArray) -> float | None:
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score
    from sklearn.model_selection import GroupKFold

    folds = min(FOLDS, int(patients.max()) + 1)
    if folds < 2 or len(truth) < 2 * FOLDS:
        return None
    predicted = np.empty_like(truth)
    splitter = GroupKFold(folds, shuffle=True, random_state=0)
    for train, test in splitter.split(table, truth, patients):
        model = _scaled(Ridge(alpha=1e-3)).fit(table[train], truth[train])
        predicted[test] = model.predict(table[test])
    return float(r2_score(truth, predicted))


def _scaled(model: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)
