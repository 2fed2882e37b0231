"""Whether the code beats what is simpler: PCA, untrained encoders, intensities, classic, size.

In: the probe's paired differences. Out: one sentence of the verdict. Up to two labels are taken one
by one; with more of them each baseline is, so that the sentence stays one that is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from latentomics.core import Result
from latentomics.evaluation.judgement import (
    Sentence,
    Words,
    above_chance,
    listed,
    signed,
)

ALIKE = 0.02  # in AUROC or R2: a simpler set this near is as good
SIMPLER = {
    "pca": "PCA",
    "random": "untrained encoders",
    "intensity": "pooled intensities",
    "classic": "classic radiomics",
    "size": "size alone",
}
ADDED = {"classic": "classic radiomics", "size": "size"}  # nested: with the code against without
SITE = "the site alone"
Outcome = Literal["better", "alike", "worse"]
AMOUNTS: dict[Outcome, str] = {
    "better": "clearly more",
    "alike": "not clearly more",
    "worse": "clearly less",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The code (``features``) against one baseline on one label; ``figure`` in words."""

    label: str
    features: str
    baseline: str
    outcome: Outcome
    figure: str


def comparison(words: Words) -> Sentence:
    """Say where the code is clearly better, alike and worse than what is simpler."""
    contests: list[Contest] = []
    added: list[Contest] = []
    for label in words.facts.labels:
        main = words.main(label)
        if main is not None and above_chance(main):
            contests += _contests(words, main, label)
            added += _added(words, main, label)
    if not contests:
        return Sentence(
            status="warn",
            sentence="There is nothing above chance to compare with simpler features.",
        )
    sentences = (
        [*_by_baseline(contests), *_added_by_baseline(added)]
        if words.many
        else [*_by_label(contests), *_added_by_label(added)]
    )
    won = all(contest.outcome == "better" for contest in contests)
    return Sentence(status="ok" if won else "warn", sentence="; ".join(sentences) + ".")


def _contests(words: Words, main: Result, label: str) -> list[Contest]:
    found = []
    for gain in words.gains(main):
        against = gain.metric.split("_minus_")[1]
        if against.split("+")[0] in SIMPLER:
            found.append(_contest(label, gain, _named(against, words.facts.untrained)))
    site = words.find("probe", "site", main.metric, label)
    if site is not None and above_chance(site) and site.value > main.value - ALIKE:
        found.append(
            Contest(label=label, features=main.features, baseline=SITE, outcome="alike",
                    figure=words.say(site))
        )  # fmt: skip
    return found


def _named(against: str, untrained: int | None) -> str:
    """Return a baseline in words, with how many untrained encoders it is.

    Examples
    --------
    >>> _named("random+size", 1), _named("pca", 1), _named("random", None)
    ('one untrained encoder with size', 'PCA', 'untrained encoders')
    """
    first, *others = against.split("+")
    name = SIMPLER[first]
    if first == "random" and untrained is not None:
        name = "one untrained encoder" if untrained == 1 else f"{untrained} {name}"
    return f"{name} with {' and '.join(others)}" if others else name


def _contest(label: str, gain: Result, baseline: str) -> Contest:
    return Contest(label=label, features=gain.features, baseline=baseline, outcome=_outcome(gain),
                   figure=signed(gain.value))  # fmt: skip


def _outcome(gain: Result) -> Outcome:
    if gain.low is not None and gain.low > 0:
        return "better"
    return "worse" if gain.high is not None and gain.high < 0 else "alike"


def _by_label(contests: list[Contest]) -> list[str]:
    sentences = []
    for label in dict.fromkeys(contest.label for contest in contests):
        own = [contest for contest in contests if contest.label == label]
        parts = []
        for outcome, start in (
            ("better", "clearly better than"),
            ("alike", "no clear gain over"),
            ("worse", "clearly worse than"),
        ):
            those = [f"{c.baseline} ({c.figure})" for c in own if c.outcome == outcome]
            parts += [f"{start} {listed(those)}"] if those else []
        sentences.append(f"{label} from {own[0].features}: {', '.join(parts)}")
    return sentences


def _by_baseline(contests: list[Contest]) -> list[str]:
    sentences = []
    for baseline in dict.fromkeys(contest.baseline for contest in contests):
        own = [contest for contest in contests if contest.baseline == baseline]
        parts = []
        for outcome in ("better", "worse"):
            those = [f"{c.label} ({c.figure})" for c in own if c.outcome == outcome]
            if len(those) == len(own) > 1:
                those = [f"all {len(own)} labels"]
            parts += [f"clearly {outcome} on {listed(those)}"] if those else []
        said = " and ".join(parts) or f"no clear difference on {len(own)} label(s)"
        sentences.append(f"against {baseline}: {said}")
    return [sentences[0].replace("against", "Against", 1), *sentences[1:]]


def _added(words: Words, main: Result, label: str) -> list[Contest]:
    """Return what the code adds to classic radiomics and to size, where that was not said."""
    found = []
    for base, name in ADDED.items():
        gain = words.find("probe", f"latent+{base}", f"{main.metric}_minus_{base}", label)
        if gain is None or base in main.features.split("+"):
            continue
        found.append(_contest(label, gain, name))
    return found


def _added_by_label(contests: list[Contest]) -> list[str]:
    return [
        f"with {contest.baseline}, {AMOUNTS[contest.outcome]} than with that alone "
        f"({contest.figure})"
        for contest in contests
    ]


def _added_by_baseline(contests: list[Contest]) -> list[str]:
    sentences = []
    for baseline in dict.fromkeys(contest.baseline for contest in contests):
        own = [contest for contest in contests if contest.baseline == baseline]
        parts = []
        for outcome in ("better", "worse", "alike"):
            those = [f"{c.label} ({c.figure})" for c in own if c.outcome == outcome]
            where = f"{len(those)} label(s)" if outcome == "alike" else listed(those or [""])
            parts += [f"{AMOUNTS[outcome]} on {where}"] if those else []
        sentences.append(f"with {baseline} than with that alone: {', '.join(parts)}")
    return sentences
