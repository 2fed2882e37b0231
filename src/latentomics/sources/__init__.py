"""Who was studied and what was measured: manifests, readers, labels, and a check of it all."""

from latentomics.sources import examples, synthetic
from latentomics.sources.check import Balance, CohortCheck, check_cohort, measure_cases
from latentomics.sources.cohort import Cohort, rejection_of
from latentomics.sources.confounds import Predictability, predictability
from latentomics.sources.duplicates import duplicates
from latentomics.sources.facts import CaseFacts, ChannelFacts, measure_case, voxel_hash
from latentomics.sources.formats import FORMATS, is_axis_aligned, read_volume
from latentomics.sources.labels import Label, label_of
from latentomics.sources.manifest import cohort_of_frame, read_cohort
from latentomics.sources.reading import read_case
from latentomics.sources.step import stored_steps
from latentomics.sources.summary import mask_rules

__all__ = [
    "FORMATS",
    "Balance",
    "CaseFacts",
    "ChannelFacts",
    "Cohort",
    "CohortCheck",
    "Label",
    "Predictability",
    "check_cohort",
    "cohort_of_frame",
    "duplicates",
    "examples",
    "is_axis_aligned",
    "label_of",
    "mask_rules",
    "measure_case",
    "measure_cases",
    "predictability",
    "read_case",
    "read_cohort",
    "read_volume",
    "rejection_of",
    "stored_steps",
    "synthetic",
    "voxel_hash",
]
