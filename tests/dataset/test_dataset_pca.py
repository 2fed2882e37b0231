"""PCA: the discarded eigenvalues are the loss, by every solver."""

import numpy as np
import pytest

from latentomics.dataset import fit_pca, pca


def known(n: int, length: int, eigenvalues: list[float]) -> np.ndarray:
    """Values whose covariance (denominator n) has exactly these eigenvalues."""
    generator = np.random.default_rng(1)
    raw = generator.normal(size=(n, len(eigenvalues)))
    raw -= raw.mean(0)
    scores = np.linalg.svd(raw, full_matrices=False)[0] * np.sqrt(n)
    axes = np.linalg.qr(generator.normal(size=(length, len(eigenvalues))))[0]
    return (scores * np.sqrt(eigenvalues) @ axes.T + 3.0).astype(np.float32)


@pytest.mark.parametrize(("n", "length"), [(50, 400), (400, 50), (60, 5)])
@pytest.mark.parametrize(("k", "loss"), [(3, 0.7), (2, 1.7)])
@pytest.mark.parametrize("exact", [True, False])
def test_KA_2_1_loss_is_the_sum_of_discarded_eigenvalues(monkeypatch, n, length, k, loss, exact):
    if not exact:
        monkeypatch.setattr(pca, "EXACT_UP_TO", 0)
    values = known(n, length, [10, 4, 1, 0.5, 0.2])
    fitted = fit_pca(values, k, seed=0)
    error = ((fitted.decode(fitted.encode(values)) - values) ** 2).sum(1).mean()
    assert error == pytest.approx(loss, rel=1e-4)
    assert fitted.total_variance - fitted.variances.sum() == pytest.approx(loss, rel=1e-4)
    np.testing.assert_allclose(fitted.components @ fitted.components.T, np.eye(k), atol=1e-5)
    np.testing.assert_allclose(fitted.encode(values).var(0), fitted.variances, rtol=1e-4)


def test_more_components_than_samples_are_cut(monkeypatch):
    values = known(6, 40, [3, 2, 1])
    fitted = fit_pca(values, 64, seed=0)
    assert fitted.components.shape == (5, 40)
    np.testing.assert_allclose(fitted.variances, [3, 2, 1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(fitted.components @ fitted.components.T, np.eye(5), atol=1e-5)
    np.testing.assert_allclose(fitted.decode(fitted.encode(values)), values, atol=1e-4)
    assert fitted.first(2).components.shape == (2, 40)


def test_blocks_change_nothing(monkeypatch):
    values = known(30, 200, [5, 2, 1])
    whole = fit_pca(values, 3, seed=0)
    monkeypatch.setattr(pca, "CHUNK", 100)
    parts = fit_pca(values, 3, seed=0)
    np.testing.assert_allclose(parts.components, whole.components, atol=1e-5)
    assert parts.total_variance == pytest.approx(whole.total_variance)
