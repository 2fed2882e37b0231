"""What a judgement is made of: its sentences, the facts beside the records, and how they are read.

In: the records of a run. Out: records found by name, and figures in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from latentomics.core import Result

Status = Literal["ok", "warn", "fail"]

LEARNED = ("latent+pooled+size", "latent+size", "latent+pooled", "latent")  # the richest first
NAMES = {"auroc": "AUROC", "r2": "R2"}
MANY_LABELS = 3  # from here on a sentence for each label would be a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One point of the verdict."""

    status: Status
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the verdict needs to know besides the records.

    ``code_share`` is the length of the code over the number of values it stands for: with it, white
    noise can be rebuilt to 1 - code_share of its variance, which is no achievement. The mean image
    of ``training`` samples of noise leaves 1 + 1 / training of its variance. ``remeasured`` is
    whether test cases were to be measured again, and ``untrained`` how many untrained encoders were
    read; None where it is not known.
    """

    labels: tuple[str, ...] = ()
    outcome: str = "finished"
    code_share: float = 0.0
    training: int | None = None
    demonstration: str | None = None  # intervals are left out of the words
    remeasured: bool | None = None
    untrained: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The records of a run, and how the verdict speaks of them."""

    results: tuple[Result, ...]
    facts: Facts

    @property
    def many(self) -> bool:
        """Whether there are so many labels that each gets few words."""
        return len(self.facts.labels) >= MANY_LABELS

    def find(
        self, evaluation: str, features: str, metric: str, target: str | None = None
    ) -> Result | None:
        """Return the first record of that name, of held-out cases."""
        for one in self.results:
            if (one.evaluation, one.features, one.metric) != (evaluation, features, metric):
                continue
            split = one.settings.get("split", "test")
            if split == "test" and target in (None, one.target):
                return one
        return None

    def main(self, target: str) -> Result | None:
        """Return the label's main metric from the richest learned set."""
        for name in LEARNED:
            for metric in ("auroc", "r2"):
                if found := self.find("probe", name, metric, target):
                    return found
        return None

    def gains(self, main: Result) -> list[Result]:
        """Return the differences of a label's main metric to its baselines."""
        key = (main.evaluation, main.features, main.target)
        return [
            one
            for one in self.results
            if (one.evaluation, one.features, one.target) == key
            and one.metric.startswith(f"{main.metric}_minus_")
        ]

    def say(self, result: Result) -> str:
        """Return a figure with its interval, where there is room for one and a meaning."""
        text = f"{NAMES.get(result.metric, result.metric)} {result.value:.3f}"
        if self.many or result.low is None or result.high is None or self.facts.demonstration:
            return text
        return f"{text} ({result.low:.3f} to {result.high:.3f})"


def spanned(result: Result, facts: Facts, places: int = 3) -> str:
    """Return the interval after a comma; nothing where there is none or it would lie."""
    if facts.demonstration or result.low is None or result.high is None:
        return ""
    return f", {result.low:.{places}f} to {result.high:.{places}f}"


def above_chance(result: Result) -> bool:
    """Whether the lower end of the interval lies above what guessing gives."""
    chance = 0.5 if result.metric == "auroc" else 0.0
    return result.low is not None and result.low > chance


def signed(value: float) -> str:
    """Return a difference with its sign and three digits; one that rounds to nothing has none.

    Examples
    --------
    >>> signed(0.0136), signed(-0.0004)
    ('+0.014', '0.000')
    """
    return f"{value:+.3f}" if abs(value) >= 0.0005 else "0.000"


def listed(items: Sequence[str]) -> str:
    """Return items with commas and an and."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
