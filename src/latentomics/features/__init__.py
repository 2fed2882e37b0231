"""From a fitted network and samples to a table of features, and to cases unlike the cohort."""

from latentomics.features.baselines import (
    PATCHES,
    PatchPca,
    Regions,
    fit_patch_pca,
    intensity_features,
    patch_pca_features,
    pca_features,
)
from latentomics.features.classic import (
    AGGREGATIONS,
    Classified,
    classic_names,
    measure_classic,
)
from latentomics.features.encode import (
    CHUNK,
    FLIP_VOXELS,
    Encoded,
    encode_store,
    lattice,
    network_regions,
)
from latentomics.features.errors import (
    mean_errors,
    mean_image,
    network_errors,
    patch_pca_errors,
    pca_errors,
)
from latentomics.features.harmonise import Combat, fit_combat
from latentomics.features.posterior import posteriors
from latentomics.features.reference import Likeness, Reference, fit_reference
from latentomics.features.regional import regional_statistics, signed_distance
from latentomics.features.repeated import CHAINED, Repeated, repeated_features
from latentomics.features.samples import ByCase, input_of, regions_of
from latentomics.features.table import (
    Columns,
    FeatureTable,
    build_table,
    features_dictionary,
    read_table,
    require_table_path,
    size_columns,
    write_table,
    write_with_dictionary,
)

__all__ = [
    "AGGREGATIONS",
    "CHAINED",
    "CHUNK",
    "FLIP_VOXELS",
    "PATCHES",
    "ByCase",
    "Classified",
    "Columns",
    "Combat",
    "Encoded",
    "FeatureTable",
    "Likeness",
    "PatchPca",
    "Reference",
    "Regions",
    "Repeated",
    "build_table",
    "classic_names",
    "encode_store",
    "features_dictionary",
    "fit_combat",
    "fit_patch_pca",
    "fit_reference",
    "input_of",
    "intensity_features",
    "lattice",
    "mean_errors",
    "mean_image",
    "measure_classic",
    "network_errors",
    "network_regions",
    "patch_pca_errors",
    "patch_pca_features",
    "pca_errors",
    "pca_features",
    "posteriors",
    "read_table",
    "regional_statistics",
    "regions_of",
    "repeated_features",
    "require_table_path",
    "signed_distance",
    "size_columns",
    "write_table",
    "write_with_dictionary",
]
