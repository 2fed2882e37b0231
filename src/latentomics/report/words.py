"""Numbers and names as words: one place for signs, digits, units and names of features.

In: numbers and identifiers. Out: short strings for tables, captions and axis labels.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping

NONE = "–"

FEATURE_NAMES = {
    "latent": "latent",
    "pooled": "pooled maps",
    "pca": "PCA",
    "random": "untrained",
    "size": "size",
    "mean": "mean image",
    "intensity": "intensities",
    "classic": "classic",
    "known": "all that is known",
}

METRIC_NAMES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier score",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept (log odds)",
    "calibration_error": "calibration error",
    "r2": "R²",
    "spearman": "Spearman ρ",
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "rmse": "root mean squared error",
    "mmd2": "MMD²",
    "active_latents": "latents in use",
    "active_share": "share of latents in use",
    "collapsed_share": "share of collapsed latents",
    "participation_ratio": "effective dimension (participation ratio)",
    "kl_nats": "KL (nats)",
    "nll": "negative log-likelihood (nats a sample)",
    "nll_bound": "its bound, NLL + KL (nats a sample)",
    "nll_per_voxel": "negative log-likelihood (nats a voxel)",
    "bits_per_voxel": "length of a description (bits a voxel)",
    "effective_draws": "effective draws",
}

UP_TO_ONE = (
    "auroc",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "calibration_error",
    "r2",
    "spearman",
)

ABOUT_ONE = ("calibration_slope", "calibration_intercept")

TERM_NAMES = {
    "gradient": "norm of the gradient",
    "total": "objective",
    "loss": "objective",
    "nll": "negative log-likelihood",
    "kl": "KL divergence",
    "mse": "squared error per voxel",
    "nll_per_voxel": "negative log-likelihood per voxel",
    "active_latents": "latents in use",
    "beta": "weight of the KL (beta)",
}


def printable(text: str) -> str:
    r"""Return text without control characters, direction overrides and lone surrogates.

    They are legal in a manifest and illegal in XML, or turn a line around in a page.

    Examples
    --------
    >>> printable("a\x00b")
    'a�b'
    """
    if text.isprintable():  # nearly always, and a data URI has a million characters
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\t":
        return " "
    hidden = unicodedata.category(character) in ("Cc", "Cs", "Cf")
    return "\ufffd" if hidden else character


def short(text: str, length: int = 28) -> str:
    """Return printable text of at most ``length`` characters, for a label in a picture."""
    clean = printable(text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def number(value: object, digits: int = 3) -> str:
    """Return a number with ``digits`` significant digits (counts in full), a true minus sign.

    Examples
    --------
    >>> number(0.91349), number(12345), number(None), number(-0.5), number(353219.4)
    ('0.913', '12,345', '–', '−0.5', '353,000')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return NONE if value is None else str(value)
    if not math.isfinite(value):
        return NONE if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e6):
        text = f"{int(value):,}"
    elif 1e5 <= abs(value) < 1e9:
        text = f"{float(f'{value:.{digits}g}'):,.0f}"
    elif 1e-3 <= abs(value) < 1e5:
        text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:.{digits}g}"
    return text.replace("-", "−")


def fixed(value: float | None, places: int = 3, *, sign: bool = False) -> str:
    """Return a number with ``places`` decimals; a column of them lines up.

    Examples
    --------
    >>> fixed(0.5), fixed(0.02, sign=True), fixed(-0.02), fixed(-0.0001, sign=True), fixed(None)
    ('0.500', '+0.020', '−0.020', '0.000', '–')
    """
    if value is None or not math.isfinite(value):
        return NONE
    rounded = round(value, places) + 0.0  # adding zero takes the sign from minus zero
    return f"{rounded:{'+' if sign and rounded else ''}.{places}f}".replace("-", "−")


def interval(low: float | None, high: float | None, metric: str, *, sign: bool = False) -> str:
    """Return ``0.870 to 0.940``, or a dash where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NONE
    return f"{scored(low, metric, sign=sign)} to {scored(high, metric, sign=sign)}"


def scored(value: float | None, metric: str, *, sign: bool = False) -> str:
    """Return a score: three decimals on a scale of about one, else significant digits.

    Examples
    --------
    >>> scored(0.9, "auroc"), scored(0.01, "auroc_minus_pca", sign=True), scored(0.00713, "mse")
    ('0.900', '+0.010', '0.00713')
    >>> scored(-0.1002, "calibration_intercept"), scored(-0.06994, "calibration_intercept")
    ('−0.100', '−0.070')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if metric.split("_minus_")[0] in (*UP_TO_ONE, *ABOUT_ONE):
        return fixed(value, sign=sign)
    return ("+" if sign and value > 0 else "") + number(value)


def p_value(value: object) -> str:
    """Return a p value; very small ones as a bound."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return NONE
    return "< 0.001" if value < 0.001 else fixed(float(value))


def seconds(value: float) -> str:
    """Return a duration in the unit that people use for it.

    Examples
    --------
    >>> seconds(4.21), seconds(75), seconds(7322)
    ('4.2 s', '1 min 15 s', '2 h 2 min')
    """
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def feature_name(name: str) -> str:
    """Return the name of a set of features as people say it.

    Examples
    --------
    >>> feature_name("pca+size"), feature_name("my_own")
    ('PCA + size', 'my own')
    """
    parts = [FEATURE_NAMES.get(part, part.replace("_", " ")) for part in name.split("+")]
    return " + ".join(parts)


def metric_name(name: str) -> str:
    """Return the name of a metric as people say it."""
    return METRIC_NAMES.get(name, name.replace("_", " "))


def target_name(name: str | None) -> str:
    """Return the name of a target; the prefix of the cohort's table goes."""
    return NONE if name is None else name.removeprefix("target_")


def said(value: object, name: str = "") -> str:
    """Return any plain value (of a plan, of settings) in words; ``name`` is what it is called.

    Examples
    --------
    >>> said((40, 56), "size"), said({"sigma": 0.05, "unit": "scale"}), said(True), said([])
    ('40 × 56', 'sigma 0.05, unit scale', 'yes', 'none')
    >>> said({"peak_bytes": 1_340_000_000, "workers": 2})
    'peak 1.34 GB, workers 2'
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value / 1e9:.3g} GB" if name.endswith("_bytes") else number(value, 4)
    if isinstance(value, Mapping):
        parts = (_pair(str(key), value[key]) for key in value if value[key] is not None)
        return ", ".join(parts) or "none"
    if isinstance(value, (list, tuple)):
        words = _BETWEEN.get(name, ", ").join(said(entry) for entry in value[:_LISTED]) or "none"
        return f"{words}, … ({len(value)} in all)" if len(value) > _LISTED else words
    return str(value)


def _pair(name: str, value: object) -> str:
    if name.endswith("_s") and isinstance(value, (int, float)):
        return f"{name[:-2].replace('_', ' ')} {seconds(float(value))}"
    if name.endswith("_bytes"):
        return f"{name[:-6].replace('_', ' ')} {said(value, name)}"
    return f"{name.replace('_', ' ')} {said(value, name)}"


_LISTED = 12  # entries of a list that a sentence names
_BETWEEN = {"size": " × ", "spacing": " × ", "window": " to "}
