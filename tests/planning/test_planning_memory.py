"""Plans that need less memory: what is given up first, and what is refused."""

from __future__ import annotations

import pytest
from test_planning_plan import LESIONS, organ, planned

from latentomics.core import RequestError
from latentomics.planning import Need, Plan, first_that_fits, smaller_plans

MB = 10**6


def need(plan: Plan) -> Need:
    """100 MB of program and records, 40 of samples, one of components a 2^20 bytes, 10 a sample."""
    return Need(
        program=95 * MB,
        early=75 * MB,
        worker=30 * MB,
        records=5 * MB,
        samples=0 if plan.mapped.value else 40 * MB,
        stages={
            "fitting components": plan.components_bytes.value // 2**20 * MB,
            "training": 10 * MB * plan.batch.value,
        },
    )


def test_M1_the_peak_is_the_largest_stage_beside_program_and_samples() -> None:
    found = need(planned(organ()))
    peaks = found.peaks(workers=4)
    assert peaks == {
        "fitting components": (95 + 5 + 40 + 2048) * MB,
        "training": (95 + 5 + 40 + 160) * MB,
        "preparing": (75 + 5 + 4 * 30) * MB,
    }
    assert next(iter(peaks)) == "fitting components"
    assert found.workers(asked=8, limit_bytes=180 * MB) == 3
    assert found.workers(asked=8, limit_bytes=10 * MB) == 1


@pytest.mark.parametrize(
    ("limit_mb", "mapped", "components", "batch"),
    [
        (3000, False, 2**31, 16),
        (2160, True, 2**31, 16),
        (700, True, 2**29, 16),
        (300, True, 2**27, 16),
        (240, True, 2**27, 8),
    ],
)
def test_M1_a_plan_gives_up_what_matters_least_first(
    limit_mb: int, mapped: bool, components: int, batch: int
) -> None:
    plan = first_that_fits(smaller_plans(planned(organ())), need, limit_mb * MB, 2)
    assert plan.mapped.value == mapped
    assert plan.components_bytes.value == components
    assert plan.batch.value == batch
    assert plan.memory.value is not None
    assert plan.memory.value.peak_bytes <= limit_mb * MB == plan.memory.value.limit_bytes
    assert ("halved" in plan.batch.reason) == (batch < 16)


def test_M1_a_plan_that_cannot_fit_is_refused_with_the_figures() -> None:
    with pytest.raises(RequestError, match=r"about 0\.23 GB .* may take 0\.10 GB\n.*fitting"):
        first_that_fits(smaller_plans(planned(organ())), need, 100 * MB, 2)


def test_M1_an_edited_plan_keeps_what_changes_figures() -> None:
    plan = planned(organ())
    kept = list(smaller_plans(plan, only_mapped=True))
    assert [one.mapped.value for one in kept] == [False, True]
    assert {(one.batch.value, one.components_bytes.value) for one in kept} == {(16, 2**31)}


def test_M1_a_coarser_crop_has_fewer_voxels() -> None:
    plans = [planned(organ(), coarser=factor) for factor in (1.0, 2.0)]
    fine, coarse = (plan.size.value for plan in plans)
    assert all(2 * b <= a + 8 for a, b in zip(fine, coarse, strict=True))
    assert "coarser to fit in memory" in plans[1].spacing.reason
    assert planned(LESIONS, coarser=2.0).spacing.value == (1.4, 1.4, 1.4)
