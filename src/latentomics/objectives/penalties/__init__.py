"""Penalties on codes, one idea a file."""

from latentomics.core import import_siblings
from latentomics.objectives.penalties.kl import kl_by_latent
from latentomics.objectives.penalties.penalty import PENALTIES, Penalty, penalty

import_siblings(__name__, list(__path__))

__all__ = ["PENALTIES", "Penalty", "kl_by_latent", "penalty"]
