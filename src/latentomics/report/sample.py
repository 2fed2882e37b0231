"""One chart drawn ahead: how long a report takes on this machine, before there is one.

In: nothing. Out: nothing; the chart is thrown away. A report takes the time of so many charts.
"""

from __future__ import annotations

from latentomics.report.figures import Curve, learning_curves, svg

CHARTS = 30  # that drawing and writing a report are worth, and what a label adds to that
CHARTS_A_LABEL = 3


def draw_sample() -> None:
    """Draw a chart as reports have them."""
    steps = tuple(float(step) for step in range(20))
    curve = Curve(name="mse", unit="", steps=steps, training=steps, validation=steps)
    svg(learning_curves((curve,) * 2, best_step=10.0, axis="step"))
