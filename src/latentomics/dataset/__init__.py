"""Samples by the batch: the cache, patient-safe splits, stores, and principal components."""

from latentomics.dataset.cache import content_of
from latentomics.dataset.collect import Entry, Prepared, prepare_cohort
from latentomics.dataset.copies import copies_for, deformed_rows, shifted_rows
from latentomics.dataset.deform import Deformation, deform, draw_control_points
from latentomics.dataset.given import store_of
from latentomics.dataset.pca import Pca, fit_pca
from latentomics.dataset.region import near_mm, near_voxels
from latentomics.dataset.split import (
    Part,
    Split,
    drop_duplicates,
    fold_cases,
    left_out,
    split_cases,
)
from latentomics.dataset.store import Batch, LossRegion, Store, open_store

__all__ = [
    "Batch",
    "Deformation",
    "Entry",
    "LossRegion",
    "Part",
    "Pca",
    "Prepared",
    "Split",
    "Store",
    "content_of",
    "copies_for",
    "deform",
    "deformed_rows",
    "draw_control_points",
    "drop_duplicates",
    "fit_pca",
    "fold_cases",
    "left_out",
    "near_mm",
    "near_voxels",
    "open_store",
    "prepare_cohort",
    "shifted_rows",
    "split_cases",
    "store_of",
]
