"""What training minimises: a likelihood, penalties and their weights, in nats per sample.

In: one ``StepView`` of a training step. Out: losses (batch,) and every term under its name. Nothing
here imports torch before it computes, so methods can be listed without it.
"""

from latentomics.objectives.companions import COMPANIONS, Companion, CompanionEntry, Weights
from latentomics.objectives.likelihoods import LIKELIHOODS, Likelihood
from latentomics.objectives.likelihoods.gaussian import FIXED_VARIANCE, SMALLEST_LOG_SCALE
from latentomics.objectives.options import (
    Declared,
    checked_number,
    checked_option,
    usual_options,
)
from latentomics.objectives.penalties import PENALTIES, Penalty, kl_by_latent, penalty
from latentomics.objectives.schedules import SCHEDULES, weights_at
from latentomics.objectives.total import total
from latentomics.objectives.weight import beta_norm

__all__ = [
    "COMPANIONS",
    "FIXED_VARIANCE",
    "LIKELIHOODS",
    "PENALTIES",
    "SCHEDULES",
    "SMALLEST_LOG_SCALE",
    "Companion",
    "CompanionEntry",
    "Declared",
    "Likelihood",
    "Penalty",
    "Weights",
    "beta_norm",
    "checked_number",
    "checked_option",
    "kl_by_latent",
    "penalty",
    "total",
    "usual_options",
    "weights_at",
]
