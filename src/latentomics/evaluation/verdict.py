"""The verdict: what a run is worth, in five plain sentences.

In: the records of a run, its history and a few facts of its plan. Out: five sentences, each ``ok``,
``warn`` or ``fail``: reconstruction, code, label, comparison, site (PROMISES T6). A shuffled label,
equal pictures and pictures of noise come out as failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from latentomics.core import Result

Status = Literal["ok", "warn", "fail"]

LEARNED = ("latent+pooled+size", "latent+size", "latent+pooled", "latent")  # the richest first
NO_BETTER = 0.98  # of the error that a code of this length leaves of white noise
EQUAL_PICTURES = 1e-10  # mean squared error in normalised units
ACTIVE_SHARE = 0.9
COLLAPSED_SHARE = 0.1
ALIKE = 0.02  # in AUROC or R2: a simpler set this near is as good
SIMPLER = {
    "pca": "PCA",
    "random": "untrained encoders",
    "classic": "classic radiomics",
    "size": "size alone",
}
LOSES_TO_PCA = 1.01  # ratio of errors; below, the two are said to be equal


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
    of ``training`` samples of noise leaves 1 + 1 / training of its variance.
    """

    labels: tuple[str, ...] = ()
    outcome: str = "finished"
    code_share: float = 0.0
    training: int | None = None
    demonstration: str | None = None  # intervals are left out of the words


def verdict(
    results: Sequence[Result], history: Sequence[Mapping[str, object]], facts: Facts
) -> tuple[Sentence, ...]:
    """Judge a run by its own records.

    Parameters
    ----------
    results : sequence of Result
        Of every evaluation; those of held-out cases count.
    history : sequence of mapping
        Lines of history.jsonl; an empty one is right for a method in closed form.
    facts : Facts
        Labels asked for, how training ended, length of the code.

    Returns
    -------
    tuple of Sentence
        Five, in the order reconstruction, code, label, comparison, site.
    """
    words = _Words(results=tuple(results), facts=facts)
    return (
        _reconstruction(words, history),
        _code(words),
        _label(words),
        _comparison(words),
        _site(words),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    results: tuple[Result, ...]
    facts: Facts

    def find(
        self, evaluation: str, features: str, metric: str, target: str | None = None
    ) -> Result | None:
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
        name = {"auroc": "AUROC", "r2": "R2"}.get(result.metric, result.metric)
        text = f"{name} {result.value:.3f}"
        if result.low is None or result.high is None or self.facts.demonstration:
            return text
        return f"{text} ({result.low:.3f} to {result.high:.3f})"


def above_chance(result: Result) -> bool:
    """Whether the lower end of the interval lies above what guessing gives."""
    chance = 0.5 if result.metric == "auroc" else 0.0
    return result.low is not None and result.low > chance


def _reconstruction(words: _Words, history: Sequence[Mapping[str, object]]) -> Sentence:
    if words.facts.outcome != "finished":
        return Sentence(
            status="fail",
            sentence=f"Training {words.facts.outcome} after {len(history)} recorded epochs; what "
            "follows holds for the best weights before that.",
        )
    found = {name: words.find("reconstruction", name, "mse") for name in ("latent", "mean", "pca")}
    latent, mean, pca = (found[name] for name in ("latent", "mean", "pca"))
    if latent is None or mean is None:
        return Sentence(
            status="warn", sentence="How well held-out pictures are rebuilt is unknown."
        )
    if mean.value < EQUAL_PICTURES:
        return Sentence(
            status="fail", sentence="All pictures are equal: there is nothing to learn from them."
        )
    left = latent.value / mean.value
    estimated = 1.0 if words.facts.training is None else 1 + 1 / words.facts.training
    if left > NO_BETTER * (1 - words.facts.code_share) / estimated:
        return Sentence(
            status="fail",
            sentence=f"On held-out pictures the model leaves {left:.0%} of the mean image's error, "
            "no better than on noise: it has learned nothing that the pictures share.",
        )
    start = f"Held-out pictures are rebuilt with {left:.1%} of the mean image's error"
    if pca is None:
        return Sentence(status="ok", sentence=f"{start}.")
    ratio = latent.value / pca.value if pca.value > 0 else float("inf")
    if ratio > LOSES_TO_PCA:
        return Sentence(
            status="fail",
            sentence=f"{start}, which is {ratio - 1:.1%} more than PCA of the same size leaves: "
            "use method 'linear', or train longer.",
        )
    beats = f"{1 - ratio:.1%} less than PCA" if ratio < 0.99 else "as much as PCA"
    return Sentence(status="ok", sentence=f"{start}, {beats} of the same size leaves.")


def _code(words: _Words) -> Sentence:
    share = words.find("collapse", "latent", "active_share")
    if share is None:
        return Sentence(status="warn", sentence="How much of the code is in use is unknown.")
    total = share.settings.get("latent", "the")
    text = f"{share.value:.0%} of {total} latents vary between pictures"
    if share.value <= COLLAPSED_SHARE:
        return Sentence(
            status="fail", sentence=f"The code has collapsed: only {text}; lower the weight of its "
            "penalty or train longer.",
        )  # fmt: skip
    if share.value < ACTIVE_SHARE:
        return Sentence(status="warn", sentence=f"Only {text}; a shorter code would do.")
    return Sentence(status="ok", sentence=f"The code is in use: {text}.")


def _label(words: _Words) -> Sentence:
    if not words.facts.labels:
        return Sentence(
            status="warn",
            sentence="No label was given: what the features are good for is unknown.",
        )
    read: list[str] = []
    chance: list[str] = []
    unknown: list[str] = []
    for label in words.facts.labels:
        found = words.main(label)
        if found is None:
            unknown.append(label)
        else:
            side = read if above_chance(found) else chance
            side.append(f"{label} with {words.say(found)} from {found.features}")
    sentences = []
    if read:
        sentences.append(f"On held-out patients the features tell {_list(read)}")
    if chance:
        sentences.append(f"{_list(chance)} {'is' if len(chance) == 1 else 'are'} not above chance")
    if unknown:
        sentences.append(f"{_list(unknown)} could not be probed for want of patients in each class")
    status: Status = "fail" if chance else "warn" if unknown else "ok"
    return Sentence(status=status, sentence="; ".join(sentences) + ".")


def _comparison(words: _Words) -> Sentence:
    sentences, worst = [], False
    for label in words.facts.labels:
        main = words.main(label)
        if main is None or not above_chance(main):
            continue
        better: list[str] = []
        alike: list[str] = []
        for gain in words.gains(main):
            base = gain.metric.split("_minus_")[1]
            name = SIMPLER.get(base.split("+")[0])
            if name is not None:
                clear = gain.low is not None and gain.low > 0
                (better if clear else alike).append(f"{name} ({gain.value:+.3f})")
        site = words.find("probe", "site", main.metric, label)
        if site is not None and above_chance(site) and site.value > main.value - ALIKE:
            alike.append(f"the site alone ({words.say(site)})")
        if better or alike:
            worst = worst or bool(alike)
            parts = [f"clearly better than {_list(better)}"] if better else []
            parts += [f"no clear gain over {_list(alike)}"] if alike else []
            parts += _added(words, main, label)
            sentences.append(f"{label}: {', '.join(parts)}")
    if not sentences:
        return Sentence(
            status="warn",
            sentence="There is nothing above chance to compare with simpler features.",
        )
    return Sentence(status="warn" if worst else "ok", sentence="; ".join(sentences) + ".")


def _added(words: _Words, main: Result, label: str) -> list[str]:
    """Say what the code adds to classic radiomics, where both were measured."""
    gain = words.find("probe", "latent+classic", f"{main.metric}_minus_classic", label)
    if gain is None:
        return []
    clear = gain.low is not None and gain.low > 0
    amount = "clearly more" if clear else "not clearly more"
    return [f"with classic radiomics, {amount} than those alone ({gain.value:+.3f})"]


def _site(words: _Words) -> Sentence:
    found = words.find("site", "latent", "auroc")
    shifts = [one for one in words.results if one.evaluation == "mmd" and one.features == "latent"]
    smallest = min((min(1.0, _p(one) * len(shifts)) for one in shifts), default=None)
    silent = smallest is None or words.facts.demonstration is not None
    tested = "" if silent else f" (MMD between sites: p {smallest:.3g})"
    if found is None and smallest is None:
        return Sentence(
            status="warn",
            sentence="Whether the features encode the scanner is unknown: no two sites with 10 "
            "patients each were named.",
        )
    p = _p(found) if found is not None else 1.0
    if (found is not None and above_chance(found) and p < 0.05) or (smallest or 1.0) < 0.05:
        say = words.say(found) if found is not None else "unknown AUROC"
        return Sentence(
            status="warn",
            sentence=f"The features tell the site: {say}, chance is 0.5{tested}; a label that goes "
            "with the site may be read from the scanner.",
        )
    say = f": {words.say(found)}" if found is not None else ""
    return Sentence(
        status="ok", sentence=f"The features do not tell the site clearly{say}{tested}."
    )


def _p(result: Result) -> float:
    p = result.settings.get("p", 1.0)
    return float(p) if isinstance(p, (int, float)) else 1.0


def _list(items: Sequence[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
