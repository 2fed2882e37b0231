"""What methods keep from step to step beside their network, one idea a file."""

from latentomics.core import import_siblings
from latentomics.objectives.companions.companion import (
    COMPANIONS,
    Companion,
    CompanionEntry,
    Weights,
)

import_siblings(__name__, list(__path__))

__all__ = ["COMPANIONS", "Companion", "CompanionEntry", "Weights"]
