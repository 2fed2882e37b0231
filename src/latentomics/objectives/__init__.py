"""What training minimises: a likelihood, penalties and their weights, in nats per sample.

In: one ``StepView`` of a training step. Out: losses (batch,) and every term under its name. Nothing
here imports torch before it computes, so methods can be listed without it.
"""

from latentomics.objectives.likelihoods import LIKELIHOODS, Likelihood
from latentomics.objectives.options import (
    Declared,
    checked_number,
    checked_option,
    usual_options,
)
from latentomics.objectives.penalties import PENALTIES, Penalty
from latentomics.objectives.schedules import SCHEDULES, weights_at
from latentomics.objectives.total import total

__all__ = [
    "LIKELIHOODS",
    "PENALTIES",
    "SCHEDULES",
    "Declared",
    "Likelihood",
    "Penalty",
    "checked_number",
    "checked_option",
    "total",
    "usual_options",
    "weights_at",
]
