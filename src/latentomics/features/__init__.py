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
from latentomics.features.generate import decode_codes, nearest_distances
from latentomics.features.harmonise import Combat, fit_combat
from latentomics.features.likelihood import Weighed, importance_weights, noise_log_sd
from latentomics.features.patients import Patients, combined, patients_of
from latentomics.features.posterior import posterior_variances, posteriors, require_posterior
from latentomics.features.reading import CHUNK
from latentomics.features.reference import Likeness, Reference, fit_centre, fit_reference
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
    with_group,
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
    "Patients",
    "Reference",
    "Regions",
    "Repeated",
    "Weighed",
    "build_table",
    "classic_names",
    "combined",
    "decode_codes",
    "encode_store",
    "features_dictionary",
    "fit_centre",
    "fit_combat",
    "fit_patch_pca",
    "fit_reference",
    "importance_weights",
    "input_of",
    "intensity_features",
    "lattice",
    "mean_errors",
    "mean_image",
    "measure_classic",
    "nearest_distances",
    "network_errors",
    "network_regions",
    "noise_log_sd",
    "patch_pca_errors",
    "patch_pca_features",
    "patients_of",
    "pca_errors",
    "pca_features",
    "posterior_variances",
    "posteriors",
    "read_table",
    "regional_statistics",
    "regions_of",
    "repeated_features",
    "require_posterior",
    "require_table_path",
    "signed_distance",
    "size_columns",
    "with_group",
    "write_table",
    "write_with_dictionary",
]
