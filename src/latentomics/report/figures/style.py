"""The look that every figure shares, and the way from a figure to bytes.

In: a matplotlib ``Figure`` (never pyplot, which keeps state). Out: PNG or SVG bytes, the same bytes
for the same figure. Text is never read as mathematics: names come from manifests.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, ParamSpec

from latentomics.report.page import Encoded
from latentomics.report.words import number

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

INK = "#1d2733"
QUIET = "#5c6773"
RULE = "#c9d1d9"
LEARNED = "#0b5fa5"
BASELINE = "#6b7280"
OUTSIDE = "#d5dae0"  # beyond the image: neither air nor tissue
OUTLINE = "#ffc400"  # mask contour: bright on grey-scale images
# Okabe & Ito's colours, told apart with colour-vision deficiencies; then three greys and browns
CATEGORIES = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7a5c00",
    "#444444",
    "#9467bd",
    "#8c8c8c",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_PREFERRED = ("Inter", "Helvetica Neue", "Helvetica", "Arial", "Liberation Sans")


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Build a figure under the shared settings, without changing anybody else's."""

    @wraps(draw)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        import matplotlib

        with matplotlib.rc_context(_settings()):  # type: ignore[arg-type]
            return draw(*args, **kwargs)

    return wrapped


def png(figure: Figure, dots_per_inch: int = 150) -> Encoded:
    """Return the figure as PNG; for pictures and clouds of points."""
    return _encoded(figure, "png", dpi=dots_per_inch, metadata={"Software": None})


def svg(figure: Figure) -> Encoded:
    """Return the figure as SVG, text kept as text; for charts."""
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    return _encoded(figure, "svg", metadata=nothing)


def columns_for(panels: int) -> int:
    """Return how many panels stand in a row, so that none is left alone in the next.

    Examples
    --------
    >>> [columns_for(panels) for panels in (1, 2, 3, 4, 5)]
    [1, 2, 3, 2, 3]
    """
    return 2 if panels == 4 else min(3, panels)


def plain_logarithmic(axis: Axis) -> None:
    """Make an axis logarithmic with ticks as plain numbers, not as powers in mathematics."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes = axis.axes
    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 300 * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_formatter(NullFormatter())


def _encoded(figure: Figure, suffix: str, **options: object) -> Encoded:
    import matplotlib

    stream = io.BytesIO()
    with warnings.catch_warnings(), matplotlib.rc_context(_settings()):  # type: ignore[arg-type]
        # a name in a script that the font lacks shows boxes here; tables and captions have it whole
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(stream, format=suffix, facecolor="white", **options)  # type: ignore[arg-type]
    width = round(96 * float(figure.get_size_inches()[0]))
    return Encoded(suffix=suffix, content=stream.getvalue(), width=width)


@cache
def _families() -> list[str]:
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return [*[name for name in _PREFERRED if name in known][:1], "DejaVu Sans"]


def _settings() -> dict[str, object]:
    return {
        "font.family": "sans-serif",
        "font.sans-serif": _families(),
        "font.size": 9.0,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelcolor": QUIET,
        "axes.edgecolor": RULE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "grid.color": "#e8ecf0",
        "grid.linewidth": 0.8,
        "text.color": INK,
        "text.parse_math": False,
        "axes.formatter.use_mathtext": False,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelsize": 8.0,
        "ytick.labelsize": 8.0,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "legend.frameon": False,
        "legend.fontsize": 8.0,
        "lines.linewidth": 1.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "latentomics",
    }
