"""What a reviewer asks first: what is kept of the image, and what can be read from the code.

In: a ``Question``. Out: records of reconstruction, collapse, probes of the labels, also with few of
them, of the site, and of the shift between sites. Each function answers one evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from latentomics.core import Result
from latentomics.evaluation import (
    collapse,
    label_efficiency,
    mmd,
    numbered,
    permutation,
    probe,
    reconstruction,
    site_columns,
    site_predictability,
)
from latentomics.flow.question import Question, held_out

UNFLIPPED = (
    "Of the code of each picture as it lies, which is what the decoder reads; the latents of the "
    "table are means over its flips, and vary less"
)
SITE_SETS = ("latent", "pca", "intensity", "classic", "size")


def rebuilt(question: Question) -> list[Result]:
    """Compare what the network rebuilds with what PCA and the mean image do."""
    main = question.main
    patient = {case.id: case.patient for case in question.gathered.cases}
    return reconstruction(
        main.errors,
        [main.split[case] for case in main.sample_cases],
        numbered([patient[case] for case in main.sample_cases]),
        region=main.plan.loss_region.value,
        unit="normalised",
        seed=question.seed,
    )


def collapsed(question: Question) -> list[Result]:
    """Count the latents that held-out samples use."""
    main = question.main
    side = np.array([main.split[case] for case in main.sample_cases])
    test = side[main.encoded.code_samples] == "test"
    kl, averaged = main.encoded.kl, main.plan.symmetries.value != "none"
    found = collapse(
        main.encoded.codes[test].astype(np.float64),
        gaussian=main.plan.network.value.code == "gaussian",
        kl=None if kl is None else kl[side == "test"].mean(axis=0),
        split="test",
        n=int((side == "test").sum()),
    )
    told = {"codes": UNFLIPPED} if averaged else {}
    return [replace(result, settings={**result.settings, **told}) for result in found]


def probed(question: Question) -> list[Result]:
    """Read every label from every set of features, and from the site."""
    parts = [question.part(fitting) for fitting in question.fittings]
    sites = question.sites
    if len({site for site in sites if site is not None}) > 1:
        columns = site_columns(sites)
        parts = [replace(part, blocks={**part.blocks, "site": [columns]}) for part in parts]
    draws, seed = question.effort.draws, question.seed
    return [
        result
        for label in question.labels
        for result in probe(
            label, parts, question.patients, draws=draws, seed=seed, calibrated=True
        )
    ]


def with_few_labels(question: Question) -> list[Result]:
    """Read every label from every set of features when few training patients have it."""
    if question.folds:
        return []
    part, few = question.part(), question.effort.few_labels
    return [
        result
        for label in question.labels
        for result in label_efficiency(
            label, part, question.patients, n_labels=few, seed=question.seed
        )
    ]


def told_by_site(question: Question) -> list[Result]:
    """See how well features tell the site."""
    parts = [question.part(fitting) for fitting in question.fittings]
    chosen = [
        replace(part, blocks={name: part.blocks[name] for name in SITE_SETS if name in part.blocks})
        for part in parts
    ]
    return site_predictability(chosen, question.sites, question.patients, seed=question.seed)


def shifted(question: Question) -> list[Result]:
    """Compare the codes of held-out patients between sites."""
    part = question.part()
    test, sites, patients = held_out(question)
    results = []
    for name in ("latent", "pca"):
        blocks = [block[test] for block in part.blocks[name]]
        results += mmd(name, blocks, sites, patients, seed=question.seed)
    return results


def permuted(question: Question) -> list[Result]:
    """See whether the pipeline gives chance where labels are dealt out at random."""
    parts, patients = [question.part()], question.patients
    return [
        result
        for label in question.labels
        for result in permutation(label, parts, patients, seed=question.seed)
    ]


def without_intervals(results: Sequence[Result]) -> list[Result]:
    """Return records without intervals and p, where they would lie (a demonstration, n = 1)."""
    return [
        replace(
            result,
            low=None,
            high=None,
            settings={
                name: value
                for name, value in result.settings.items()
                if name not in ("p", "interval", "standard_error", "by_feature")
            },
        )
        for result in results
    ]
