"""Noise models in physical units, and estimators of their level.

In: clean values and given draws, numpy or torch. Out: noisy values of the same shape and unit.
"""

from latentomics.core import import_siblings
from latentomics.noise.model import NOISES, NoiseModel
from latentomics.noise.poisson import sigma_poisson
from latentomics.noise.settings import noise_setting_names
from latentomics.noise.sigma import sigma_mad, sigma_rayleigh, sigma_roi

import_siblings(__name__, list(__path__))

__all__ = [
    "NOISES",
    "NoiseModel",
    "noise_setting_names",
    "sigma_mad",
    "sigma_poisson",
    "sigma_rayleigh",
    "sigma_roi",
]
