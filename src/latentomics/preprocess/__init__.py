"""Steps in physical units: what was measured becomes samples of one size and one unit."""

from latentomics.preprocess.lattice import occupied
from latentomics.preprocess.normalise import NORMALISATIONS, Scaling
from latentomics.preprocess.pipeline import Normalisation, Padding, Pipeline, View
from latentomics.preprocess.prepare import prepare, to_source, to_units
from latentomics.preprocess.resample import affine_between, inside, resample
from latentomics.preprocess.views import VIEWS

__all__ = [
    "NORMALISATIONS",
    "VIEWS",
    "Normalisation",
    "Padding",
    "Pipeline",
    "Scaling",
    "View",
    "affine_between",
    "inside",
    "occupied",
    "prepare",
    "resample",
    "to_source",
    "to_units",
]
