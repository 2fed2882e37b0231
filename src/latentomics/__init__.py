"""latentomics: features learned from unlabelled medical images, with evidence of their worth."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latentomics.api import (
        compare,
        curate,
        encode,
        evaluate,
        export,
        plan,
        posterior,
        run,
        sample,
    )
    from latentomics.learned import LearnedFeatures

__version__ = "0.1.0"
_DOOR = ("compare", "curate", "encode", "evaluate", "export", "plan", "posterior", "run", "sample")
_PLACES = {**dict.fromkeys(_DOOR, "api"), "LearnedFeatures": "learned"}
__all__ = [
    "LearnedFeatures",
    "__version__",
    "compare",
    "curate",
    "encode",
    "evaluate",
    "export",
    "plan",
    "posterior",
    "run",
    "sample",
]


def __getattr__(name: str) -> object:
    """Import the Python door when it is first used: the commands start without it."""
    if name in _PLACES:
        module = importlib.import_module(f"latentomics.{_PLACES[name]}")
        found: object = getattr(module, name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
