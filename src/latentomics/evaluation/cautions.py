"""Further sentences of the first page, each said only where it was looked into.

In: the records of a run. Out: sentences with a status, as the verdict's: whether features repeat
when a case is measured again.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.core import Result
from latentomics.evaluation.hanging import hangs_on
from latentomics.evaluation.judgement import Facts, Sentence, Status

DISTINCT_SHARE = 0.5  # of the latents; below, the code is mostly copies of itself
STABLE_SHARE = 0.5  # of the features; with fewer a table is mostly noise
REPEATS = (
    0.5  # median ICC: below, most of what features say is not about the case (Koo and Li 2016)
)
LATENT = "latent"
LEVEL = 0.05
BESIDE = {"classic": "classic features", "intensity": "pooled intensities"}


def cautions(results: Sequence[Result], facts: Facts | None = None) -> tuple[Sentence, ...]:
    """Return what else belongs on the first page."""
    facts = facts or Facts()
    found = (
        *(hangs_on(results, label, facts) for label in facts.labels),
        _site_variance(results),
        _structure(results),
        _stability(results),
    )
    return tuple(one for one in found if one is not None)


def find(
    results: Sequence[Result], evaluation: str, features: str, metric: str, target: str | None
) -> Result | None:
    """Return the first record with these names."""
    wanted = (evaluation, features, metric, target)
    for one in results:
        if (one.evaluation, one.features, one.metric, one.target) == wanted:
            return one
    return None


def _site_variance(results: Sequence[Result]) -> Sentence | None:
    """Say how much of the learned features goes with the site, where that is more than chance."""
    share = find(results, "site_variance", LATENT, "variance_share_mean", "site")
    shifted = find(results, "ks", LATENT, "share_shifted", "site")
    if share is None or shifted is None:
        return None
    p = share.settings.get("p", 1.0)
    clear = isinstance(p, (int, float)) and p < LEVEL
    if not clear and shifted.value == 0:
        return None
    return Sentence(
        status="warn",
        sentence=f"The site explains {share_of(share)} of the learned features' variance between "
        f"patients, and {share_of(shifted)} of the features differ between sites one by one.",
    )


def _structure(results: Sequence[Result]) -> Sentence | None:
    """Say that many latents repeat each other, where they do."""
    share = find(results, "structure", LATENT, "distinct_share", None)
    count = find(results, "structure", LATENT, "distinct_features", None)
    if share is None or count is None or share.value >= DISTINCT_SHARE:
        return None
    return Sentence(
        status="warn",
        sentence=f"Only {count.value:.0f} of {count.settings.get('varying', 'the')} learned "
        "features say something of their own; the others repeat them (rank correlation above 0.9).",
    )


def _stability(results: Sequence[Result]) -> Sentence | None:
    share = find(results, "stability", LATENT, "share_above_075", "chained")
    median = find(results, "stability", LATENT, "icc_median", "chained")
    if share is None or median is None:
        return None
    beside = [
        f"{share_of(other)} of {words}"
        for name, words in BESIDE.items()
        if (other := find(results, "stability", name, "share_above_075", "chained")) is not None
    ]
    text = (
        f"Measured again (turned, moved, with new noise and contour), {share_of(share)} of the "
        f"learned features repeat well (ICC surely above 0.75; median ICC {_said(median.value)})"
    )
    text += f", beside {' and '.join(beside)}" if beside else ""
    status: Status = "ok" if share.value >= STABLE_SHARE else "warn"
    if not median.value >= REPEATS:  # also where it is not a number
        status = "fail"
        text += ": most of what they say is not about the case"
    return Sentence(status=status, sentence=f"{text}.")


def _said(value: float) -> str:
    return f"{value:.2f}" if value == value else "undefined, for most never vary"


def share_of(result: Result) -> str:
    """Return a share in words.

    Examples
    --------
    >>> share_of(Result(evaluation="", features="", target=None, metric="", value=0.128, low=None,
    ...                 high=None, n=1))
    '13%'
    """
    return f"{result.value:.0%}"
