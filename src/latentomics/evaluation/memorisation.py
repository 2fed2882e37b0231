"""Whether generated images repeat training cases.

In: distances of generated images and of held-out cases to the nearest training case, in one unit.
Out: their ratio, and what it means in a sentence.
"""

from __future__ import annotations

import math

import numpy as np

from latentomics.core import DoubleArray

# The decoder gives means, without a scan's noise: on pure noise the ratio would be 1/sqrt(2) = .71
# for an honest model. Half is well below that.
NEAR = 0.5


def memorisation(generated: DoubleArray, held_out: DoubleArray) -> float:
    """Return how far generated images lie from training cases where held-out cases lie at 1.

    Parameters
    ----------
    generated, held_out : DoubleArray of shape (n,)
        Distance of each to the nearest training case; medians are compared. NaN where every
        held-out case equals a training case.

    References
    ----------
    METHODS, section 29.
    """
    reference = float(np.median(held_out))
    return float(np.median(generated)) / reference if reference > 0 else math.nan


def memorisation_sentence(ratio: float) -> str:
    """Say what a ratio means.

    Examples
    --------
    >>> memorisation_sentence(0.2).partition(":")[0]
    'The model may repeat its training cases'
    """
    if math.isnan(ratio):
        return "No held-out case differs from the training cases, so nothing is known of repeats."
    if ratio < NEAR:
        return (
            "The model may repeat its training cases: generated images lie only "
            f"{ratio:.2f} times as far from the nearest one as cases it has not seen. "
            "Treat them as patient data."
        )
    return (
        f"Generated images lie {ratio:.2f} times as far from the nearest training case as cases "
        "that the model has not seen: no sign that it repeats them."
    )
