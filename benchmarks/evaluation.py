"""All that a run evaluates on its tables, and how that grows with the cases: seconds of one core.

In: how many cases. Out: one JSON line with the seconds of all evaluations together and of each, and
the largest resident size in MB. The tables are made: 64 features (a code of which half tells the
label a little and one latent the site, and what a run compares it with), one binary label, two
sites, one picture a patient, split as a run splits. Pictures are not there, so what measures them
again (stability, at most 30 cases) is left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from latentomics.core import Case, FileRef, Result
from latentomics.dataset import split_cases
from latentomics.evaluation import structure
from latentomics.features import ByCase
from latentomics.flow.evaluations import BY_DEFAULT, answers
from latentomics.flow.further import MIXTURE, STABILITY
from latentomics.flow.patients import Rows
from latentomics.flow.question import Question
from latentomics.planning import SHARES, Effort
from latentomics.sources import label_of

FEATURES, INTENSITIES, LABEL = 64, 13, "ill"
SETS = ("latent", "pooled", "pca", "random/0", "random/1", "random/2")
UNTRAINED_POOLED = tuple(f"random pooled/{seed}" for seed in range(3))
TELLS = {"latent": 0.25, "pooled": 0.2, "pca": 0.2}  # SDs between the classes; others 0.1


def cohort(count: int) -> Any:
    """Return cases with a label and a site, and what the flow reads of them: no ``Gathered``."""
    draw = np.random.default_rng(0)
    ill, site = draw.integers(0, 2, (2, count))
    cases = tuple(
        Case(
            id=f"{number:06d}",
            patient=f"{number:06d}",
            image=(FileRef(path=Path("none")),),
            site="AB"[site[number]],
            targets={LABEL: float(ill[number])},
        )
        for number in range(count)
    )
    return SimpleNamespace(
        cases=cases,
        facts={case.id: SimpleNamespace(mask_mm3=0.0) for case in cases},
        request=SimpleNamespace(labels=(LABEL,), seed=0),
        split=split_cases(cases, labels=[ill.tolist()], shares=SHARES, seed=0),
        labels=lambda some: (label_of(some, LABEL),),
    )


def fitting(gathered: Any) -> Any:
    """Return features as a run fits them, and errors of reconstruction: no ``Fitting``."""
    cases = tuple(case.id for case in gathered.cases)
    draw, count = np.random.default_rng(1), len(cases)
    ill = np.array([case.targets[LABEL] for case in gathered.cases])
    second = np.array([case.site == "B" for case in gathered.cases])
    widths = dict.fromkeys((*SETS, *UNTRAINED_POOLED), FEATURES) | {"intensity": INTENSITIES}
    features = {}
    for name, width in widths.items():
        values = draw.standard_normal((count, width), np.float32)
        values[:, : width // 2] += TELLS.get(name, 0.1) * ill[:, None]
        values[:, 0] += 0.5 * second
        names = tuple(f"{name}_{column:03d}" for column in range(width))
        features[name] = ByCase(cases=cases, values=values, names=names)
    codes = features["latent"].values
    plan = {
        "loss_region": "all",
        "threads": 1,
        "effort": Effort(),
        "network": SimpleNamespace(code="gaussian"),
    }
    return SimpleNamespace(
        cases=cases,
        sample_cases=cases,
        split=gathered.split,
        features=features,
        classic=None,
        sizes=None,
        errors={name: draw.gamma(2, 0.01, count) for name in ("latent", "pca", "mean")},
        encoded=SimpleNamespace(codes=codes, code_samples=np.arange(count), kl=np.ones(FEATURES)),
        plan=SimpleNamespace(
            **{name: SimpleNamespace(value=value) for name, value in plan.items()}
        ),
    )


def hung_together(question: Question) -> list[Result]:
    """Answer the structure of the code, with posteriors that no network gave."""
    codes = question.main.features["latent"].values[question.test]
    means = codes[:MIXTURE].astype(np.float64)
    beside = {"intensity": question.main.features["intensity"].values[question.test]}
    return structure("latent", codes, posterior=(means, np.full_like(means, -2.0)), beside=beside)


def evaluate(count: int) -> dict[str, float]:
    """Evaluate a cohort and return the seconds of this process by evaluation."""
    gathered = cohort(count)
    main = fitting(gathered)
    stores: Any = None  # only what asks the network reads samples
    question = Question(gathered=gathered, main=main, stores=stores)
    rows = Rows(gathered=gathered, main=main, folds=())
    asked = {name: one for name, one in BY_DEFAULT.items() if name != STABILITY}
    asked["structure"] = replace(asked["structure"], answer=hung_together)
    seconds = {}
    begin = time.process_time()
    for name, _ in answers(question, rows, asked.items()):
        seconds[name] = time.process_time() - begin
        begin = time.process_time()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    evaluate(100)  # what is loaded at first use
    cases = 200 if given.smoke else given.cases
    seconds = evaluate(cases)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    found = {"seconds": sum(seconds.values()), "cases": cases, "megabytes": round(resident)}
    print(json.dumps(found | {"by": {name: round(s, 3) for name, s in seconds.items()}}))


if __name__ == "__main__":
    main()
