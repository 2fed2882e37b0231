"""Does one latent stand for one factor? Asked of a finished run whose factors are known.

In: a finished run, refitted, and columns of its manifest that are factors. Out: records of the code
and of as many principal components, on held-out cases alone: they are what the code has to beat.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentomics.core import IntArray, RequestError, Result
from latentomics.evaluation import LabelLike, active_latents, disentanglement, factors_of
from latentomics.flow.evidence import one_thread
from latentomics.flow.records import Event, OnEvent
from latentomics.flow.refitted import Refitted

CODES = ("latent", "pca")


def disentangled(opened: Refitted, labels: Sequence[LabelLike], on_event: OnEvent) -> list[Result]:
    """Score the code and its principal components on the held-out cases that have all factors.

    Raises
    ------
    RequestError
        When there are too few cases, factors or latents in use.
    """
    factors, known = factors_of(labels, _held_out(opened))
    patients, results = opened.patients()[known], list[Result]()
    for number, name in enumerate(CODES):
        told = f"disentanglement of {name}"
        on_event(Event(stage="evidence", done=number, total=len(CODES), message=told))
        features = opened.features[name]
        with one_thread():
            results += disentanglement(
                name,
                features.values[known].astype(np.float64),
                factors,
                patients,
                gaussian=name == "latent" and _has_prior(opened),
                names=features.names,
                seed=opened.seed,
            )
    if not any(one.features == "latent" for one in results):
        code = opened.features["latent"].values[known].astype(np.float64)
        used = active_latents(code, gaussian=_has_prior(opened)) if len(known) else code[:0]
        raise RequestError(
            f"the code cannot be scored: {len(known)} held-out cases have all of {len(factors)} "
            f"factors, and {np.count_nonzero(used)} of {code.shape[1]} latents are in use",
            ", ".join(label.name for label in labels),
            "50 held-out cases, two factors that vary and two latents in use are needed",
        )
    return results


def _held_out(opened: Refitted) -> IntArray:
    split = opened.gathered.split
    return np.flatnonzero([split[case] == "test" for case in opened.cases]).astype(np.int64)


def _has_prior(opened: Refitted) -> bool:
    spec = opened.model.network.spec
    return spec.code == "gaussian" and not spec.block
