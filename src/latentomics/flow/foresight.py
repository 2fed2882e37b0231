"""What a run foresees of its own time, before it trains: measured here and now, never assumed.

In: what is there before a training: samples, baselines, labels. Out: the plan with the wall time
that training gets, and with less evidence where the budget is too short for all of it. The resolved
plan holds what came of it (PROMISES D1, T9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from latentomics.features import Classified, network_errors
from latentomics.flow.baselines import Baselines, Unfitted, untrained
from latentomics.flow.clock import Ahead, Clock
from latentomics.flow.fitting import Stores, alike
from latentomics.flow.gather import Gathered, Split
from latentomics.flow.records import Event, OnEvent, ignore
from latentomics.flow.rehearsal import Now, Rehearsed, rehearse
from latentomics.flow.stability import remeasuring_s
from latentomics.models import Network
from latentomics.planning import Choice, Effort, Length, Plan

BRIEF = Effort(draws=500, few_labels=(), remeasured=False)
ERRORS_OF = 16  # cases whose errors are measured ahead


@dataclass(slots=True, kw_only=True, eq=False)
class Foresight:
    """Says how long each training of a run may take; keeps what the run has measured.

    Attributes
    ----------
    main : Plan
        Of the run's own split.
    folds : sequence of Plan
    classic : Classified, optional
        Of the run's own split.
    later, begun_s : sequence of Plan, float
        Of the fittings that follow the present one, and when that began, since the run began.
    """

    clock: Clock
    gathered: Gathered
    main: Plan
    folds: Sequence[Plan] = ()
    classic: Classified | None = None
    on_event: OnEvent = ignore
    later: Sequence[Plan] = ()
    begun_s: float = 0.0
    rehearsed: Rehearsed | None = None
    effort: Choice[Effort] | None = None

    def begin(self, fold: int | None = None) -> None:
        """Note that the fitting of a fold begins, or that of the run's own split."""
        self.later = self.folds[0 if fold is None else fold + 1 :]
        self.begun_s = self.clock.elapsed_s

    def sharing(self) -> list[Split]:
        """Return the splits of the folds that share what learns nothing with the run's own."""
        each = zip(self.gathered.folds, self.folds, strict=True)
        return [split for split, plan in each if alike(self.main, plan)]

    def affords(self, encoding_s: float) -> bool:
        """Whether further untrained encoders can be read, each in so many seconds."""
        if self.effort is not None:
            return self.effort.value.untrained > 1  # as the run's own split had
        if self.main.length.value.steps is not None:
            return True  # a resolved plan says how many
        parts = 1 + sum(not alike(self.main, one) for one in self.later)
        return self.clock.affords(parts * (Effort().untrained + 1) * encoding_s)

    def allow(self, plan: Plan, stores: Stores, beside: Unfitted, fixed: Baselines) -> Plan:
        """Return the plan with the time that training gets now, and with its effort."""
        before_s = self.clock.elapsed_s - self.begun_s
        errors_s = 0.0
        rehearsed = self.rehearsed
        if rehearsed is None:  # the run's own split
            before_s -= beside.took_s
            self.on_event(Event(stage="rehearsal", done=0, total=1, message="timing the evidence"))
            features, now = fixed.features, self.clock.now
            rehearsed = rehearse(self.gathered, stores.split, features, self.classic, now)
            network = untrained(plan.network.value, 0)
            again_s = remeasuring_s(self.gathered, plan, network, stores.split, now)
            rehearsed = replace(rehearsed, again_s=again_s)
            errors_s = _errors_s(network, stores, now)
            self.rehearsed = rehearsed
        elif not alike(self.main, plan):
            before_s -= beside.took_s
        others = [0.0 if alike(self.main, one) else beside.took_s for one in self.later]
        ahead = Ahead(
            describing_s=beside.encoding_s + errors_s,
            fittings=len(others),
            fittings_s=sum(max(0.0, before_s) + beside.encoding_s + took_s for took_s in others),
            ending_s=0.0,
        )
        if self.effort is None:
            chosen = self._chosen(plan.effort, ahead, rehearsed)
            self.effort = with_untrained(chosen, len(beside.encoded))
        ahead = replace(ahead, ending_s=self._ending_s(self.effort.value, rehearsed))
        plan = plan.model_copy(update={"effort": self.effort})
        return with_time(plan, self.clock, ahead, self.on_event)

    def _chosen(self, asked: Choice[Effort], ahead: Ahead, rehearsed: Rehearsed) -> Choice[Effort]:
        """Leave out what is optional where training would get too little."""
        ending_s = self._ending_s(asked.value, rehearsed)
        if asked.value != Effort() or self.clock.worthwhile(replace(ahead, ending_s=ending_s)):
            return asked
        return Choice(
            value=BRIEF,
            reason=f"the budget is short and all of it would take {ending_s:.0f} s: fewer "
            "resamples, no curve of few labels, no test case measured again",
        )

    def _ending_s(self, effort: Effort, rehearsed: Rehearsed) -> float:
        """Return the seconds from the last training's features to the report."""
        parts = max(1, len(self.gathered.folds))
        return rehearsed.evidence_s(parts, effort) + rehearsed.report_s


def _errors_s(network: Network, stores: Stores, now: Now) -> float:
    """Return the seconds that a network's errors of all cases take, from some of them."""
    cases = list(dict.fromkeys(stores.every.cases))
    network_errors(network, stores.every.of(cases[:1]))  # the first also chooses kernels
    some = stores.every.of(cases[:ERRORS_OF])
    begun = now()
    network_errors(network, some)
    return (now() - begun) * len(stores.every) / len(some)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alone:
    """Says how long a training may take that nothing follows but encoding and its errors."""

    clock: Clock

    def affords(self, _: float) -> bool:
        """Whether further untrained encoders are read: nobody asks for them here."""
        return False

    def allow(self, plan: Plan, _: Stores, beside: Unfitted, __: Baselines) -> Plan:
        """Return the plan with the time that training gets."""
        describing_s = 2 * beside.encoding_s
        ahead = Ahead(describing_s=describing_s, fittings=0, fittings_s=0.0, ending_s=0.0)
        return with_time(plan, self.clock, ahead, ignore)


def with_untrained(effort: Choice[Effort], count: int) -> Choice[Effort]:
    """Return the effort with the untrained encoders that there was time for."""
    if count == effort.value.untrained:
        return effort
    few = "the budget is short: one untrained encoder"
    reason = few if effort.value == Effort() else f"{effort.reason}, {few.split(': ')[1]}"
    return Choice(value=effort.value.model_copy(update={"untrained": count}), reason=reason)


def with_time(plan: Plan, clock: Clock, ahead: Ahead, on_event: OnEvent) -> Plan:
    """Return the plan with the wall time of its training, and with how that came about."""
    length = plan.length.value
    if clock.budget_s is None or length.steps is not None or length.epochs is not None:
        return plan
    spent = clock.elapsed_s + ahead.total_s
    reason = (
        f"a budget of {clock.budget_s:.0f} s, of which all but training takes about {spent:.0f} s"
    )
    if not clock.worthwhile(ahead):
        enough = clock.enough_s(ahead)
        reason += f"; that is too short to train well: give {enough:.0f} s or more"
        on_event(Event(stage="budget", done=1, total=1, message=reason))
    choice = Choice[Length](value=Length(budget_s=clock.training_s(ahead)), reason=reason)
    return plan.model_copy(update={"length": choice})
