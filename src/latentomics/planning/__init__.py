"""What the cohort is, and what to do about it."""

from latentomics.planning.fingerprint import Fingerprint, fingerprint_of
from latentomics.planning.hardware import Hardware, available_hardware
from latentomics.planning.plan import Choice, Length, Noise, Plan, Request, load_plan
from latentomics.planning.planner import Wishes, explained_shares, make_plan, pipeline_of

__all__ = [
    "Choice",
    "Fingerprint",
    "Hardware",
    "Length",
    "Noise",
    "Plan",
    "Request",
    "Wishes",
    "available_hardware",
    "explained_shares",
    "fingerprint_of",
    "load_plan",
    "make_plan",
    "pipeline_of",
]
