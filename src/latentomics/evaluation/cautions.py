"""Further sentences of the first page, each said only where it was looked into.

In: the records of a run. Out: sentences with a status, as the verdict's: whether features repeat
when a case is measured again, or that this is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from latentomics.core import Result
from latentomics.evaluation.hanging import hangs_on
from latentomics.evaluation.judgement import Facts, Sentence, Status, spanned

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
        _site_variance(results, facts),
        _structure(results),
        _stability(results, facts),
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


def _site_variance(results: Sequence[Result], facts: Facts) -> Sentence | None:
    """Say how much of the learned features goes with the site, where that is more than chance."""
    share = find(results, "site_variance", LATENT, "variance_share_mean", "site")
    shifted = find(results, "ks", LATENT, "share_shifted", "site")
    if share is None or shifted is None:
        return None
    p = share.settings.get("p", 1.0)
    clear = isinstance(p, (int, float)) and p < LEVEL
    if not clear and shifted.value == 0:
        return None
    told = "" if facts.demonstration else f" ({_tested(share, p)})"
    return Sentence(
        status="warn",
        sentence=f"The site explains {share.value:.1%} of the learned features' variance between "
        f"patients{told}, and {share_of(shifted)} of the features differ between sites one by one.",
    )


def _tested(share: Result, p: object) -> str:
    """Return the interval and the p of a share: a small one may be more than chance."""
    tested = f"p {p:.3g}" if isinstance(p, (int, float)) else "p unknown"
    if share.low is None or share.high is None:
        return tested
    return f"{share.low:.1%} to {share.high:.1%}, {tested}"


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


def _stability(results: Sequence[Result], facts: Facts) -> Sentence | None:
    share = find(results, "stability", LATENT, "share_above_075", "chained")
    median = find(results, "stability", LATENT, "icc_median", "chained")
    if share is None or median is None:
        return _unmeasured(facts)
    beside = [
        f"{share_of(other)} of {words}"
        for name, words in BESIDE.items()
        if (other := find(results, "stability", name, "share_above_075", "chained")) is not None
    ]
    text = (
        f"In {_cases(median)} measured again (turned, moved, with new noise and contour), "
        f"{share_of(share)} of the learned features repeat well (ICC surely above 0.75; median ICC "
        f"{_said(median.value)}{spanned(median, facts, places=2)})"
    )
    text += f", beside {' and '.join(beside)}" if beside else ""
    status: Status = "ok" if share.value >= STABLE_SHARE else "warn"
    if not median.value >= REPEATS:  # also where it is not a number
        status = "fail"
        text += ": most of what they say is not about the case"
    return Sentence(status=status, sentence=f"{text}.")


def _unmeasured(facts: Facts) -> Sentence | None:
    """Say that nothing is known, and why, where it is known why."""
    if facts.remeasured is None:
        return None
    why = (
        "fewer than five test cases could be measured again"
        if facts.remeasured
        else "the plan's effort left it out; ask: 'latentomics evaluate RUN --only stability'"
    )
    return Sentence(status="warn", sentence=f"Whether the features repeat is unknown: {why}.")


def _cases(result: Result) -> str:
    cases = result.settings.get("cases")
    return f"{cases} test cases" if isinstance(cases, int) else "test cases"


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
