"""Principal components: the linear autoencoder in closed form, and the baseline of every code.

In: values (n, D) float32. Out: mean (D,), orthonormal components (k, D), variances (k,) with
denominator n, so that the mean squared error (sum over D) of k components on the training values is
``total_variance - variances[:k].sum()`` (METHODS 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentomics.core import DoubleArray, FloatArray

EXACT_UP_TO = 2000  # min(n, D); METHODS 2
OVERSAMPLING = 10
POWER_ITERATIONS = 4
CHUNK = 2**22  # values centred at a time, so that no second copy of a cohort is made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pca:
    """A fitted principal component analysis, variances in falling order."""

    mean: FloatArray  # (D,)
    components: FloatArray  # (k, D), orthonormal rows
    variances: DoubleArray  # (k,)
    total_variance: float

    @property
    def discarded_variance(self) -> float:
        """Mean variance of the D - k directions left out: the noise of PPCA (METHODS 2)."""
        left = self.mean.size - len(self.variances)
        return max(0.0, self.total_variance - float(self.variances.sum())) / max(1, left)

    def encode(self, values: FloatArray) -> FloatArray:
        """Return the codes (n, k) of values (n, D)."""
        codes: FloatArray = values @ self.components.T - self.mean @ self.components.T
        return codes

    def decode(self, codes: FloatArray) -> FloatArray:
        """Return the reconstructions (n, D) of codes (n, k)."""
        values: FloatArray = codes @ self.components + self.mean
        return values

    def first(self, k: int) -> Pca:
        """Return the same analysis with the first ``k`` components only."""
        return Pca(
            mean=self.mean,
            components=self.components[:k],
            variances=self.variances[:k],
            total_variance=self.total_variance,
        )


def fit_pca(values: FloatArray, k: int, seed: int) -> Pca:
    """Fit ``k`` principal components, exactly when the smaller side has at most 2,000 elements.

    Parameters
    ----------
    values : (n, D) float32
        One row a sample; not changed, and not copied as a whole when D > n.
    k : int
        Number of components; at most ``min(n - 1, D)`` are returned, the rest has no variance.
    seed : int
        Of the random projections of the randomised solver.

    References
    ----------
    Halko et al., 2011; exact by the eigenvectors of the smaller Gram matrix, in float64.
    """
    n, length = values.shape
    k = max(1, min(k, n - 1, length))
    mean = values.mean(0, dtype=np.float64)
    if min(n, length) > EXACT_UP_TO:
        total = _total_variance(values, mean)
        variances, components = _randomised(values, mean, k, seed)
    elif n <= length:
        gram = _sample_gram(values, mean)
        total = float(np.trace(gram)) / n
        variances, components = _from_sample_gram(values, gram, k)
    else:
        covariance = _covariance(values, mean)
        total = float(np.trace(covariance))
        variances, components = _largest(covariance, k)
    return Pca(
        mean=mean.astype(np.float32),
        components=_signed(components).astype(np.float32),
        variances=np.maximum(variances, 0.0),
        total_variance=total,
    )


def _columns(values: FloatArray, mean: DoubleArray) -> list[tuple[slice, DoubleArray]]:
    step = max(1, CHUNK // len(values))
    return [
        (slice(i, i + step), mean[i : i + step]) for i in range(0, values.shape[1], step)
    ]  # blocks of columns, so that centring in float64 never copies everything


def _total_variance(values: FloatArray, mean: DoubleArray) -> float:
    blocks = _columns(values, mean)
    return float(sum(((values[:, at] - part) ** 2).sum() for at, part in blocks)) / len(values)


def _sample_gram(values: FloatArray, mean: DoubleArray) -> DoubleArray:
    gram = np.zeros((len(values), len(values)))
    for at, part in _columns(values, mean):
        centred = values[:, at] - part
        gram += centred @ centred.T
    return gram


def _covariance(values: FloatArray, mean: DoubleArray) -> DoubleArray:
    covariance = np.zeros((len(mean), len(mean)))
    step = max(1, CHUNK // len(mean))
    for i in range(0, len(values), step):
        centred = values[i : i + step] - mean
        covariance += centred.T @ centred
    return covariance / len(values)


def _from_sample_gram(
    values: FloatArray, gram: DoubleArray, k: int
) -> tuple[DoubleArray, DoubleArray]:
    eigenvalues, left = _largest(gram, k)  # left: (k, n)
    # eigenvectors of a centred Gram matrix add up to zero, so the values need not be centred again
    norms = np.sqrt(np.maximum(eigenvalues, np.finfo(float).tiny))
    projected = (left.astype(np.float32) @ values).astype(np.float64)
    components = _orthonormal(projected / norms[:, None])
    return eigenvalues / len(values), components


def _randomised(
    values: FloatArray, mean: DoubleArray, k: int, seed: int
) -> tuple[DoubleArray, DoubleArray]:
    from sklearn.utils.extmath import randomized_svd

    centred = values - mean.astype(np.float32)
    _, singular, components = randomized_svd(
        centred,
        k,
        n_oversamples=OVERSAMPLING,
        n_iter=POWER_ITERATIONS,
        random_state=seed % 2**32,
    )
    return singular.astype(np.float64) ** 2 / len(values), components.astype(np.float64)


def _largest(matrix: DoubleArray, k: int) -> tuple[DoubleArray, DoubleArray]:
    from scipy.linalg import eigh

    n = len(matrix)
    eigenvalues, vectors = eigh(matrix, subset_by_index=(n - k, n - 1))
    return eigenvalues[::-1], vectors.T[::-1]


def _orthonormal(rows: DoubleArray) -> DoubleArray:
    from scipy.linalg import qr

    # float32 projections are orthonormal to 1e-6 only, and not at all without variance
    basis, triangle = qr(rows.T, mode="economic")
    return np.asarray(basis.T * np.where(np.diag(triangle) < 0, -1.0, 1.0)[:, None])


def _signed(components: DoubleArray) -> DoubleArray:
    # a sign of its own for each component, so that two solvers agree
    largest = np.abs(components).argmax(1)
    signs: DoubleArray = np.sign(components[np.arange(len(components)), largest])
    return components * signs[:, None]
