"""Likelihoods of the target given the decoder's output, one idea a file."""

from latentomics.core import import_siblings
from latentomics.objectives.likelihoods.likelihood import LIKELIHOODS, Likelihood

import_siblings(__name__, list(__path__))

__all__ = ["LIKELIHOODS", "Likelihood"]
