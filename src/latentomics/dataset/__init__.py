"""Samples by the batch: the cache, patient-safe splits, stores, and principal components."""

from latentomics.dataset.pca import Pca, fit_pca

__all__ = ["Pca", "fit_pca"]
