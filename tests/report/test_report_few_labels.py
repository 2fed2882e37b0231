"""What the section on few labels says of a ratio."""

from __future__ import annotations

import pytest

from latentomics.core import Result
from latentomics.report.page import Fold, Table
from latentomics.report.sections.few_labels import _never, _remark, few_label_blocks


@pytest.mark.parametrize(("own", "extrapolated"), [(60.0, False), (512.4, True)])
def test_labels_that_nobody_had_are_called_so(own: float, extrapolated: bool) -> None:
    ratio = Result(
        evaluation="label_efficiency", features="latent", target="grade", metric="labels_over_pca",
        value=own / 100, low=None, high=None, n=30,
        settings={"labels": [own, 100.0], "level": 0.8, "measured_to": 240},
    )  # fmt: skip
    assert ("beyond the 240 measured" in _remark(ratio)) == extrapolated


def test_a_level_that_is_never_reached_is_said() -> None:
    def of(features: str, metric: str) -> Result:
        return Result(
            evaluation="label_efficiency",
            features=features,
            target="grade",
            metric=metric,
            value=40.0,
            low=None,
            high=None,
            n=50,
        )

    needed = [of(name, "labels_for_95") for name in ("latent", "classic", "pca")]
    said = _never([*needed, of("latent", "labels_over_pca")])
    assert len(said) == 1
    assert "classic" in said[0]
    assert "PCA" not in said[0]
    assert (
        _never([*needed, of("latent", "labels_over_pca"), of("latent", "labels_over_classic")])
        == []
    )


def test_draws_of_labels_and_resamples_are_numbers() -> None:
    def of(features: str, metric: str) -> Result:
        return Result(
            evaluation="label_efficiency", features=features, target="grade", metric=metric,
            value=0.1, low=0.0, high=0.2, n=50,
            settings={"n_labels": 20, "draws_of_labels": 7, "interval": "95 %, 300 resamples"},
        )  # fmt: skip

    records = [of("latent", "auroc"), of("latent", "auroc_minus_pca")]
    _, every, paired = few_label_blocks(records, intervals=True)
    assert isinstance(every, Table)
    assert "mean over 7 draws of them" in str(every.caption)
    assert isinstance(paired, Fold)
    assert "300 resamples" in str(paired.blocks)
    assert "300" not in str(few_label_blocks(records, intervals=False))
