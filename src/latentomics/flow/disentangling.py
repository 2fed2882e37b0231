"""Does one latent stand for one factor? Asked of a finished run whose factors are known.

In: a ``Question`` whose labels are factors. Out: records of the code
and of as many principal components, on held-out cases alone: they are what the code has to beat.
"""

from __future__ import annotations

import numpy as np

from latentomics.core import RequestError, Result
from latentomics.evaluation import active_latents, disentanglement, factors_of
from latentomics.flow.question import Question, one_thread
from latentomics.flow.records import Event

CODES = ("latent", "pca")


def disentangled(question: Question) -> list[Result]:
    """Score the code and its principal components on the held-out cases that have all factors.

    Raises
    ------
    RequestError
        When there are too few cases, factors or latents in use.
    """
    labels, described = question.labels, question.main.features
    factors, known = factors_of(labels, question.test)
    patients, results = question.patients[known], list[Result]()
    for number, name in enumerate(CODES):
        told = f"disentanglement of {name}"
        question.on_event(Event(stage="evidence", done=number, total=len(CODES), message=told))
        features = described[name]
        with one_thread():
            results += disentanglement(
                name,
                features.values[known].astype(np.float64),
                factors,
                patients,
                gaussian=name == "latent" and _has_prior(question),
                names=features.names,
                seed=question.seed,
            )
    if not any(one.features == "latent" for one in results):
        code = described["latent"].values[known].astype(np.float64)
        used = active_latents(code, gaussian=_has_prior(question)) if len(known) else code[:0]
        raise RequestError(
            f"the code cannot be scored: {len(known)} held-out cases have all of {len(factors)} "
            f"factors, and {np.count_nonzero(used)} of {code.shape[1]} latents are in use",
            ", ".join(label.name for label in labels),
            "50 held-out cases, two factors that vary and two latents in use are needed",
        )
    return results


def _has_prior(question: Question) -> bool:
    spec = question.network.spec
    return spec.code == "gaussian" and not spec.block
