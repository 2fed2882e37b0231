"""Sections of the page, one a file: a run's files in, words, tables and pictures out."""

from collections.abc import Callable

from latentomics.report.page import Section
from latentomics.report.reading import RunFiles
from latentomics.report.sections.cohort import cohort_section
from latentomics.report.sections.confounding import confounding_section
from latentomics.report.sections.evidence import evidence_section
from latentomics.report.sections.features import features_section
from latentomics.report.sections.latent import latent_section
from latentomics.report.sections.limits import limits_section
from latentomics.report.sections.pictures import pictures_section
from latentomics.report.sections.plan import plan_section
from latentomics.report.sections.provenance import provenance_section
from latentomics.report.sections.reconstruction import reconstruction_section
from latentomics.report.sections.rejected import rejected_section
from latentomics.report.sections.shift import shift_section
from latentomics.report.sections.stability import stability_section
from latentomics.report.sections.structure import structure_section
from latentomics.report.sections.training import training_section

SECTIONS: tuple[Callable[[RunFiles], Section], ...] = (
    cohort_section,
    plan_section,
    pictures_section,
    training_section,
    reconstruction_section,
    latent_section,
    structure_section,
    evidence_section,
    confounding_section,
    shift_section,
    stability_section,
    features_section,
    rejected_section,
    limits_section,
    provenance_section,
)

__all__ = ["SECTIONS"]
