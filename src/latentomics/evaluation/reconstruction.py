"""Reconstruction error beside the mean image and PCA of the same size.

In: the squared error of each sample, one array a model (latent, pca, mean), and the split and
patient of each sample. Out: one record for each model and split, with its interval over patients,
and on every split the paired ratio of the network's error to each baseline's (below 1 is better).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation import statistics
from latentomics.evaluation.ranks import divide

DRAWS = 2000


def sample_errors(
    target: npt.NDArray[np.floating],
    output: npt.NDArray[np.floating],
    weight: npt.NDArray[np.floating] | None = None,
) -> DoubleArray:
    """Return the weighted mean squared error a voxel of each sample, (n,) (METHODS, section 1).

    Shapes
    ------
    target, output : (n, C, *size); weight : (n, 1, *size), 0 outside the region that counts
    """
    squared = (np.asarray(target, np.float64) - output) ** 2
    squared = squared.mean(axis=1).reshape(len(squared), -1)  # (n, voxels), channels averaged
    if weight is None:
        return np.asarray(squared.mean(axis=1))
    flat = np.asarray(weight, np.float64).reshape(len(squared), -1)
    errors: DoubleArray = (flat * squared).sum(axis=1) / np.maximum(flat.sum(axis=1), 1e-12)
    return errors


def reconstruction(
    errors: Mapping[str, DoubleArray],
    split: Sequence[str],
    patients: IntArray,
    *,
    region: str = "all",
    unit: str = "",
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Result]:
    """Summarise the errors of several models on the same samples.

    Parameters
    ----------
    errors : mapping of str to DoubleArray of shape (n,)
        Mean squared error of each sample, by model; ``latent`` is compared with the others.
    split : sequence of str
        train, val or test, one a sample.
    region, unit : str
        Where the error was taken and its unit, for ``settings``.

    Returns
    -------
    list of Result
        Metrics ``mse`` and ``mse_ratio_to_<model>``, with ``settings.split``.
    """
    results: list[Result] = []
    where = np.array(split)
    for name in dict.fromkeys(split):
        rows = np.flatnonzero(where == name)
        count = statistics.draws_for(len(rows), draws)
        weights = statistics.with_resamples(patients[rows], count, seed)
        means = {model: weights @ e[rows] / weights.sum(axis=1) for model, e in errors.items()}
        shared: dict[str, Any] = {
            "evaluation": "reconstruction",
            "target": None,
            "n": len(np.unique(patients[rows])),
            "settings": {"split": name, "samples": len(rows), "region": region, "unit": unit},
        }
        rows_of = [(model, "mse", values) for model, values in means.items()]
        if "latent" in means:
            rows_of += [
                ("latent", f"mse_ratio_to_{model}", divide(means["latent"], values))
                for model, values in means.items()
                if model != "latent" and values[0] > 0
            ]
        for model, metric, values in rows_of:
            low, high = statistics.interval(values[1:])
            results.append(
                Result(features=model, metric=metric, value=float(values[0]), low=low, high=high,
                       **shared)
            )  # fmt: skip
    return results
