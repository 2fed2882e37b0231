"""latentomics: features learned from unlabelled medical images, with evidence of their worth."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latentomics.api import encode, plan, run

__version__ = "0.1.0"
__all__ = ["__version__", "encode", "plan", "run"]


def __getattr__(name: str) -> object:
    """Import the Python door when it is first used: the commands start without it."""
    if name in ("encode", "plan", "run"):
        found: object = getattr(importlib.import_module("latentomics.api"), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
