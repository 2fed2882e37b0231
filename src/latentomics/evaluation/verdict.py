"""The verdict: what a run is worth, in five plain sentences.

In: the records of a run, its history and a few facts of its plan. Out: five sentences, each ``ok``,
``warn`` or ``fail``: reconstruction, code, label, comparison, site (PROMISES T6). A shuffled label,
equal pictures and pictures of noise come out as failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latentomics.core import Result
from latentomics.evaluation.comparison import comparison
from latentomics.evaluation.judgement import (
    Facts,
    Sentence,
    Status,
    Words,
    above_chance,
    listed,
)

NO_BETTER = 0.98  # of the error that a code of this length leaves of white noise
EQUAL_PICTURES = 1e-10  # mean squared error in normalised units
ACTIVE_SHARE = 0.9
COLLAPSED_SHARE = 0.1
LOSES_TO_PCA = 1.01  # ratio of errors; below, the two are said to be equal


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
    words = Words(results=tuple(results), facts=facts)
    return (
        _reconstruction(words, history),
        _code(words),
        _label(words),
        comparison(words),
        _site(words),
    )


def _reconstruction(words: Words, history: Sequence[Mapping[str, object]]) -> Sentence:
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
            sentence=f"{start}, which is {_more(ratio)} PCA of the same size leaves: use method "
            "'linear', or train longer.",
        )
    beats = f"{1 - ratio:.1%} less than PCA" if ratio < 0.99 else "as much as PCA"
    return Sentence(status="ok", sentence=f"{start}, {beats} of the same size leaves.")


def _more(ratio: float) -> str:
    return f"{ratio:.3g} times what" if ratio >= 2 else f"{ratio - 1:.1%} more than"


def _code(words: Words) -> Sentence:
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


def _label(words: Words) -> Sentence:
    if not words.facts.labels:
        return Sentence(
            status="warn",
            sentence="No label was given: what the features are good for is unknown.",
        )
    found = {label: words.main(label) for label in words.facts.labels}
    read = [one for one in found.values() if one is not None and above_chance(one)]
    chance = [one for one in found.values() if one is not None and not above_chance(one)]
    unknown = [label for label, one in found.items() if one is None]
    sentences = []
    if read:
        sentences.append(f"On held-out patients {_told(words, read)}")
    if chance:
        verb = "is" if len(chance) == 1 else "are"
        those = [f"{one.target} with {words.say(one)} from {one.features}" for one in chance]
        sentences.append(f"{listed(those)} {verb} not above chance")
    if unknown:
        sentences.append(f"{listed(unknown)} could not be probed: too few patients in a class")
    status: Status = "fail" if chance else "warn" if unknown else "ok"
    return Sentence(status=status, sentence="; ".join(sentences) + ".")


def _told(words: Words, read: Sequence[Result]) -> str:
    sets = list(dict.fromkeys(one.features for one in read))
    if len(sets) > 1:
        those = [f"{one.target} with {words.say(one)} from {one.features}" for one in read]
        return f"the features tell {listed(those)}"
    return f"{sets[0]} tells {listed([f'{one.target} with {words.say(one)}' for one in read])}"


def _site(words: Words) -> Sentence:
    found = words.find("site", "latent", "auroc")
    shifts = [one for one in words.results if one.evaluation == "mmd" and one.features == "latent"]
    smallest = min((min(1.0, _p(one) * len(shifts)) for one in shifts), default=None)
    silent = smallest is None or words.facts.demonstration is not None
    tested = "" if silent else f" (MMD between sites: {_pairs(len(shifts))} {smallest:.3g})"
    if found is None and smallest is None:
        return Sentence(
            status="warn",
            sentence="Whether the features encode the scanner is unknown: no two sites with 10 "
            "patients each were named.",
        )
    p = _p(found) if found is not None else 1.0
    told = found is not None and above_chance(found) and p < 0.05
    if told or (smallest or 1.0) < 0.05:
        say = words.say(found) if found is not None else "AUROC unknown"
        how = f"The features tell the site: {say}, chance is 0.5{tested}"
        if not told:
            how = f"The features differ between sites{tested}, though a probe does not tell: {say}"
        return Sentence(
            status="warn",
            sentence=f"{how}; a label that goes with the site may be read from the scanner.",
        )
    say = f": {words.say(found)}" if found is not None else ""
    return Sentence(
        status="ok", sentence=f"The features do not tell the site clearly{say}{tested}."
    )


def _pairs(count: int) -> str:
    """Say which p it is: of several pairs the smallest counts, times their number."""
    return "p" if count == 1 else f"smallest p of {count} pairs, times {count}:"


def _p(result: Result) -> float:
    p = result.settings.get("p", 1.0)
    return float(p) if isinstance(p, (int, float)) else 1.0
