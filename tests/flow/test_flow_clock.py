"""Wall time: what training gets is what the rest of the run leaves (PROMISES T9)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from latentomics.evaluation import Part
from latentomics.features import ByCase
from latentomics.flow import rehearsal
from latentomics.flow.clock import AIM, LEAST_SHARE, WORTHWHILE, Ahead, Clock
from latentomics.flow.foresight import BRIEF, Foresight, with_untrained
from latentomics.flow.rehearsal import Rehearsed
from latentomics.planning import Choice, Effort, Length, Plan


class Time:
    """A clock that stands still until something takes time."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def takes(self, seconds: float) -> None:
        self.now_s += seconds


def ahead(
    describing_s: float = 0.0, fittings: int = 0, fittings_s: float = 0.0, ending_s: float = 0.0
) -> Ahead:
    return Ahead(
        describing_s=describing_s, fittings=fittings, fittings_s=fittings_s, ending_s=ending_s
    )


def test_T9_training_gets_what_is_left() -> None:
    time = Time()
    clock = Clock(budget_s=300.0, now=time)
    time.takes(40)
    alone = clock.training_s(ahead(describing_s=5, ending_s=25))
    assert alone == pytest.approx(AIM * 300 - 40 - 5 - 25)
    shared = clock.training_s(ahead(describing_s=5, fittings=4, fittings_s=40, ending_s=25))
    assert shared == pytest.approx((AIM * 300 - 40 - 5 - 4 * 10 - 25) / 5)


def test_T9_a_budget_that_is_spent_leaves_training_its_least() -> None:
    time = Time()
    clock = Clock(budget_s=100.0, now=time)
    time.takes(500)
    assert 5 * clock.training_s(ahead(fittings=4)) == pytest.approx(LEAST_SHARE * 100)
    assert not clock.worthwhile(ahead())


@pytest.mark.parametrize(
    ("budget_s", "folds", "wrong"),
    list(itertools.product((60.0, 180.0, 900.0), (0, 3, 5), (0.7, 1.0, 1.3))),
)
def test_T9_a_run_ends_within_a_tenth_of_its_budget(
    budget_s: float, folds: int, wrong: float
) -> None:
    """What follows takes ``wrong`` times what was foreseen; a training is up to 4 % off too."""
    time = Time()
    clock = Clock(budget_s=budget_s, now=time)
    own_s, ending_s = 0.3 * budget_s / (1 + folds), 0.15 * budget_s
    time.takes(0.1 * budget_s)  # reading, planning, preparing
    for fold in range(1 + folds):
        time.takes(0.6 * own_s * (wrong if fold else 1))  # baselines
        later = folds - fold
        seconds = clock.training_s(ahead(0.4 * own_s, later, later * own_s, ending_s))
        time.takes(seconds * (0.97 if fold % 2 else 1.02))
        time.takes(0.4 * own_s * wrong)
    time.takes(ending_s * wrong)
    assert clock.elapsed_s == pytest.approx(budget_s, rel=0.1)


def rehearsed(seconds: float) -> Rehearsed:
    """Evidence of 20 sets that takes so many seconds in one part, three quarters optional."""
    share = seconds / 1.2 / 20
    return Rehearsed(
        widths={f"set {number}": 64 for number in range(20)}, columns=64,
        fits_s=share / 4, draw_s=0.0, few_s=3 * share / 4, site_s=0.0, shift_s=0.0,
        by_feature_s=0.0, report_s=10.0, again_s=0.0,
    )  # fmt: skip


def foreseen(budget_s: float, evidence_s: float) -> tuple[Plan, list[str]]:
    """Return the plan that a run comes to after 20 s, and what it says."""
    said: list[str] = []
    time = Time()
    gathered = SimpleNamespace(
        folds=(),
        split={"a": "train", "b": "test"},
        facts={"a": SimpleNamespace(mask_voxels=None)},
        cases=("a", "b"),
        request=SimpleNamespace(budget_s=budget_s, labels=("x",)),
    )
    plan = Plan.model_construct(
        length=Choice(value=Length(budget_s=budget_s), reason="--budget"),
        effort=Choice(value=Effort(), reason="everything"),
    )
    foresight = Foresight(
        clock=Clock(budget_s=budget_s, now=time),
        gathered=gathered,  # type: ignore[arg-type]
        main=plan,
        on_event=lambda event: said.append(event.message),
        rehearsed=rehearsed(evidence_s),
    )
    foresight.begin()
    time.takes(20)
    beside = SimpleNamespace(encoding_s=0.0, took_s=8.0, encoded=(None,) * 3)
    return foresight.allow(plan, None, beside, None), said  # type: ignore[arg-type]


def test_T9_the_plan_says_what_training_gets_and_why() -> None:
    plan, said = foreseen(budget_s=100.0, evidence_s=16.0)
    assert plan.length.value.budget_s == pytest.approx(98 - 20 - 16 - 10)
    assert "46 s" in plan.length.reason
    assert plan.effort.value == Effort()
    assert said == []


def test_T9_a_short_budget_leaves_out_what_is_optional_and_says_so() -> None:
    plan, said = foreseen(budget_s=60.0, evidence_s=40.0)
    assert plan.effort.value == BRIEF
    assert "50 s" in plan.effort.reason
    assert plan.length.value.budget_s == pytest.approx(58.8 - 20 - 10 - 10)
    assert said == []


def test_T9_a_budget_too_short_for_all_of_it_is_said_in_words() -> None:
    plan, said = foreseen(budget_s=60.0, evidence_s=120.0)
    assert plan.length.value.budget_s == pytest.approx(LEAST_SHARE * 60)
    assert "too short" in plan.length.reason
    assert said == [plan.length.reason]
    enough = 60 / (AIM - WORTHWHILE)
    assert f"{enough:.0f} s" in plan.length.reason


def test_T9_probes_of_the_harmonised_latent_count() -> None:
    without = Rehearsed(
        widths={"latent": 64}, columns=64, fits_s=1.0, draw_s=0.001, few_s=0.0, site_s=3.0,
        shift_s=0.0, by_feature_s=0.0, report_s=0.0,
    )  # fmt: skip
    of_both = 2 * (1.0 + 0.001 * 2000 + 3.0)  # before and after: label, resamples, site
    for parts in (1, 5):  # of the run's own split alone, also with folds
        more = replace(without, harmonised=True).evidence_s(parts, Effort())
        assert more - without.evidence_s(parts, Effort()) == pytest.approx(1.2 * of_both)


def test_T9_only_the_permutations_of_a_distance_are_multiplied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time()

    def mmd(*_: object, permutations: int) -> None:
        time.takes(5 + 0.01 * permutations)

    monkeypatch.setattr(rehearsal, "mmd", mmd)
    for name in ("site_predictability", "ks", "site_variance"):
        monkeypatch.setattr(rehearsal, name, lambda *_: None)
    rows = np.arange(4)
    part = Part(train=rows, test=rows, blocks={"pca": [np.zeros((4, 2))]})
    features = ByCase(cases=("a", "b", "c", "d"), values=np.zeros((4, 2)), names=("x", "y"))
    gathered = SimpleNamespace(cases=[SimpleNamespace(site="A")] * 4)
    _, shift_s, _ = rehearsal._sites(gathered, part, features, rows, time)  # type: ignore[arg-type]
    assert shift_s == pytest.approx(5 + 0.01 * 999)


def test_a_fixed_length_stays_as_it_is() -> None:
    assert Clock(budget_s=None).left_s(ahead(ending_s=1e6)) == float("inf")


def test_stages_add_up() -> None:
    time = Time()
    clock = Clock(budget_s=None, now=time)
    for _ in range(2):
        with clock.stage("read"):
            time.takes(1.5)
    assert clock.stages == {"read": 3.0}


def affordable(budget_s: float, **asked: object) -> bool:
    """Whether a run with this budget reads further untrained encoders that take 10 s each."""
    plan = Plan.model_construct(
        length=Choice(value=Length(budget_s=budget_s, **asked), reason="--budget"),  # type: ignore[arg-type]
        effort=Choice(value=Effort(), reason="everything"),
    )
    foresight = Foresight(
        clock=Clock(budget_s=budget_s),
        gathered=SimpleNamespace(folds=()),  # type: ignore[arg-type]
        main=plan,
    )
    return foresight.affords(10.0)


def test_T9_a_short_budget_reads_one_untrained_encoder_and_the_plan_says_so() -> None:
    assert affordable(161.0)
    assert not affordable(159.0)
    assert affordable(159.0, steps=100)  # of a resolved plan, which says how many
    everything, brief = Choice(value=Effort(), reason="everything"), Choice(value=BRIEF, reason="a")
    assert with_untrained(everything, 3) is everything
    assert with_untrained(everything, 1).value.untrained == 1
    assert with_untrained(everything, 1).reason == "the budget is short: one untrained encoder"
    assert with_untrained(brief, 1).reason == "a, one untrained encoder"
