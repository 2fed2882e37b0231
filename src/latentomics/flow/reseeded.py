"""Runs that differ in nothing but their seed: do they find the same latents? (METHODS 24).

In: finished runs as a comparison reads them. Out: UDR of each on the cases that all of its kind
hold out, and a sentence where there are too few of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, Result
from latentomics.evaluation import active_latents, udr

if TYPE_CHECKING:
    from latentomics.flow.comparing import Ended

BESIDE_LEARNING = {"seed", "labels", "demonstration"}  # of a request
LEAST_KL = 0.01  # nats, of a latent in use (Duan et al. 2020)


def reseeded(runs: Sequence[Ended]) -> tuple[list[Result], list[str]]:
    """Match the latents of every two runs of the same request and another seed.

    Returns
    -------
    tuple of lists
        Records of evaluation ``udr``, one a run; remarks on runs that cannot be matched.
    """
    kinds: dict[str, list[Ended]] = {}
    for run in runs:
        kinds.setdefault(run.request.model_dump_json(exclude=BESIDE_LEARNING), []).append(run)
    results, remarks = list[Result](), list[str]()
    for alike in kinds.values():
        if len({run.request.seed for run in alike}) < len(alike) or len(alike) < 2:
            continue
        held_out = sorted(set.intersection(*(_tested(run) for run in alike)))
        codes = {run.name: _in_use(run, held_out) for run in alike}
        found = udr(codes, latents=alike[0].latent.shape[1])
        results += found
        if not found:
            names = ", ".join(run.name for run in alike)
            remarks.append(
                f"latents of {names} are not matched: {len(held_out)} cases are held out by all; "
                "a column 'split' in the manifest keeps them the same for every seed"
            )
    return results, remarks


def _tested(run: Ended) -> set[str]:
    return {case for case, part in run.split.items() if part == "test"}


def _in_use(run: Ended, cases: Sequence[str]) -> DoubleArray:
    """Return the latents of cases that have not collapsed, by their KL where there is one."""
    place = {case: row for row, case in enumerate(run.cases)}
    rows = run.latent[[place[case] for case in cases]].astype(np.float64)
    kl = [r.settings.get("by_latent") for r in run.results if r.metric == "kl_nats"]
    listed = kl[0] if kl else None
    if isinstance(listed, list) and len(listed) == rows.shape[1]:
        return rows[:, np.array(listed, np.float64) > LEAST_KL]
    return rows[:, active_latents(rows, gaussian=False) > 0] if len(rows) else rows
