"""Whether a label hangs on more than the picture, in a sentence for the first page.

In: records of the evaluation ``confounding``. Out: what tells the label without a look, whether the
features add to it, and whether the label's prevalence differs between sites.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latentomics.core import Result
from latentomics.evaluation.judgement import Facts, Sentence, Status, above_chance, signed

ALONE = ("site", "size", "age", "sex")
MAIN = ("auroc", "r2")
LEVEL = 0.05
NAMES = {"auroc": "AUROC", "r2": "R2"}


def hangs_on(results: Sequence[Result], label: str, facts: Facts) -> Sentence | None:
    """Return the sentence about one label, None where nothing else is known of the cases."""
    own = [r for r in results if r.evaluation == "confounding" and r.target == label]
    probed = [r for r in own if r.metric in MAIN and r.features in ALONE]
    spread = next((r for r in own if r.metric == "variance_share"), None)
    if not probed and spread is None:
        return None
    parts, warned = [], False
    telling = [r for r in probed if above_chance(r)]
    if telling:
        listed = " and ".join(f"{r.features} ({_value(r)})" for r in telling)
        added, enough = _added(own, telling[0].metric, facts)
        parts.append(f"{label} can be told without a look, from {listed}; {added}")
        warned = not enough
    elif probed:
        names = " or ".join(r.features for r in probed)
        parts.append(f"{label} cannot be told from {names} alone")
    if spread is not None and _p(spread) < LEVEL:
        p = "" if facts.demonstration else f" (p {_p(spread):.2g})"
        parts.append(f"how often it occurs differs between sites{_means(spread)}{p}")
        warned = True
    status: Status = "warn" if warned else "ok"
    return Sentence(status=status, sentence="; ".join(parts) + ".") if parts else None


def _added(own: Sequence[Result], metric: str, facts: Facts) -> tuple[str, bool]:
    """Say what the features add to everything that is known, and whether that is clear."""
    wanted = [r for r in own if r.features == "latent+known" and "_minus_" in r.metric]
    gain = next((r for r in wanted if r.metric == f"{metric}_minus_known"), None)
    gain = gain or next(iter(wanted), None)
    if gain is None:
        return "what the features add to that is unknown", False
    clear = gain.low is not None and gain.low > 0
    span = ""
    if not facts.demonstration and gain.low is not None and gain.high is not None:
        span = f", {signed(gain.low)} to {signed(gain.high)}"
    words = "the features add" + ("" if clear else " nothing clear") + " to all that is known"
    return f"{words} (difference in {NAMES[metric]} {signed(gain.value)}{span})", clear


def _means(spread: Result) -> str:
    """Return the prevalence at the sites that differ most, of a label with one column."""
    means = spread.settings.get("mean_by_site")
    if not isinstance(means, Mapping) or len(means) < 2 or any(len(m) != 1 for m in means.values()):
        return ""
    if not all(0 <= m[0] <= 1 for m in means.values()):
        return ""
    low, *_, high = sorted(means, key=lambda site: float(means[site][0]))
    return f": {means[low][0]:.0%} at {low}, {means[high][0]:.0%} at {high}"


def _value(result: Result) -> str:
    return f"{NAMES[result.metric]} {result.value:.3f}"


def _p(result: Result) -> float:
    p = result.settings.get("p", 1.0)
    return float(p) if isinstance(p, (int, float)) else 1.0
