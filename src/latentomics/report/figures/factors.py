"""What each latent holds of each known factor, as a matrix.

In: shares from 0 to 1, (latents, factors), and their names. Out: a figure; of many latents those
that hold most of a factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray
from latentomics.report.figures.style import styled
from latentomics.report.words import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 24  # latents whose names can be read
ROW, COLUMN = 0.21, 0.42  # inches


def strongest(shares: DoubleArray, most: int = MOST) -> list[int]:
    """Return the latents that hold most of any factor, ordered by the factor they hold most of.

    Examples
    --------
    >>> strongest(np.array([[0.1, 0.6], [0.1, 0.0], [0.7, 0.2]]), 2)
    [2, 0]
    """
    kept = np.argsort(-shares.max(axis=1), kind="stable")[:most]
    return sorted(map(int, kept), key=lambda row: (shares[row].argmax(), -shares[row].max()))


@styled
def factor_matrix(
    shares: DoubleArray,
    latents: Sequence[str],
    factors: Sequence[str],
    *,
    chance: float,
    legend: str,
) -> Figure:
    """Draw the matrix with latents as rows, in the order of ``strongest``; white is chance."""
    from matplotlib.figure import Figure

    rows = strongest(shares)
    size = (2.4 + COLUMN * len(factors), 1.3 + ROW * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    drawn = axes.imshow(
        shares[rows],
        cmap="Blues",
        vmin=min(chance, 0.99),
        vmax=1,
        interpolation="nearest",
        aspect="auto",
    )
    axes.set_xticks(range(len(factors)), [short(name, 18) for name in factors], rotation=45,
                    ha="right", rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(len(rows)), [short(latents[row], 18) for row in rows])
    axes.tick_params(length=0)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=25)
    bar.set_label(legend)
    bar.outline.set_visible(False)
    return figure
