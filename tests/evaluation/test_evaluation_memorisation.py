"""Whether generated images repeat training cases."""

import math

import numpy as np
import pytest

from latentomics.evaluation import memorisation, memorisation_sentence


def test_repeats_lie_at_nothing_and_unseen_cases_at_one() -> None:
    unseen = np.array([1.0, 2.0, 4.0])
    assert memorisation(np.zeros(5), unseen) == 0
    assert memorisation(unseen, unseen) == 1
    assert math.isnan(memorisation(np.zeros(5), np.zeros(3)))


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.2, "may repeat"), (0.71, "no sign"), (1.3, "no sign"), (math.nan, "nothing is known")],
)
def test_a_ratio_well_below_one_is_said(ratio: float, words: str) -> None:
    assert words in memorisation_sentence(ratio)
