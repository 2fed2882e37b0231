"""What the cohort is, and what to do about it."""

from latentomics.planning.plan import Choice, Length, Noise, Plan, Request, load_plan

__all__ = ["Choice", "Length", "Noise", "Plan", "Request", "load_plan"]
