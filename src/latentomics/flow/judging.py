"""The verdict of a run, from its own records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from latentomics.core import Result
from latentomics.evaluation import Facts, cautions, verdict
from latentomics.flow.fitting import Fitting
from latentomics.planning import Request


def judge(
    results: Sequence[Result], main: Fitting, request: Request
) -> tuple[tuple[str, str], ...]:
    """Return the sentences of the first page, each with its status (ok, warn or fail)."""
    spec = main.plan.network.value
    voxels = spec.block**spec.dimension if spec.block else math.prod(spec.size)
    facts = Facts(
        labels=request.labels,
        outcome=main.fitted.outcome,
        training=sum(main.split.get(case) == "train" for case in main.sample_cases),
        code_share=spec.latent / (voxels * spec.channels_out),
        demonstration=request.demonstration,
        remeasured=main.plan.effort.value.remeasured,
        untrained=main.plan.effort.value.untrained,
    )
    history = [asdict(record) for record in main.fitted.history]
    found = (*verdict(results, history, facts), *cautions(results, facts))
    return tuple((one.status, one.sentence) for one in found)
