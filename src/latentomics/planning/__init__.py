"""What the cohort is, and what to do about it."""

from latentomics.planning.classic import choose_classic
from latentomics.planning.fingerprint import Fingerprint, fingerprint_of
from latentomics.planning.hardware import Hardware, available_hardware
from latentomics.planning.memory import COARSER, Need, first_that_fits, smaller_plans
from latentomics.planning.network import Architecture
from latentomics.planning.plan import (
    DEFAULT_BUDGET_S,
    SHARES,
    Aggregation,
    Choice,
    Classic,
    Effort,
    Length,
    Memory,
    Noise,
    Plan,
    Request,
    load_plan,
    request_from,
)
from latentomics.planning.planner import explained_shares, make_plan, pipeline_of

__all__ = [
    "COARSER",
    "DEFAULT_BUDGET_S",
    "SHARES",
    "Aggregation",
    "Architecture",
    "Choice",
    "Classic",
    "Effort",
    "Fingerprint",
    "Hardware",
    "Length",
    "Memory",
    "Need",
    "Noise",
    "Plan",
    "Request",
    "available_hardware",
    "choose_classic",
    "explained_shares",
    "fingerprint_of",
    "first_that_fits",
    "load_plan",
    "make_plan",
    "pipeline_of",
    "request_from",
    "smaller_plans",
]
