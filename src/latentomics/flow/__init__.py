"""The main job as a list of stages, and what else is done with cohorts and runs.

Names are imported when they are asked for: a command that needs no network does not load one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from latentomics.flow.records import (
    ClassicRecord,
    CurateRecord,
    EncodeRecord,
    Event,
    ExportRecord,
    OnEvent,
    Outlook,
    RunRecord,
    SampleRecord,
)

if TYPE_CHECKING:
    from latentomics.flow.asking import ask, ask_elsewhere
    from latentomics.flow.checking import check, make_plan
    from latentomics.flow.comparing import Compared, compare
    from latentomics.flow.contesting import Contest, contest
    from latentomics.flow.curating import curate
    from latentomics.flow.encoding import encode
    from latentomics.flow.exporting import export
    from latentomics.flow.foreseen import outlook
    from latentomics.flow.job import run
    from latentomics.flow.learning import Learned, latents, learn
    from latentomics.flow.measuring import classic
    from latentomics.flow.sampling import sample
    from latentomics.flow.sealing import report, verify
    from latentomics.flow.sweeping import Swept, sweep
    from latentomics.flow.uncertainty import posterior

_PLACES = {
    "Compared": "comparing",
    "Contest": "contesting",
    "Swept": "sweeping",
    "Learned": "learning",
    "ask": "asking",
    "ask_elsewhere": "asking",
    "check": "checking",
    "classic": "measuring",
    "compare": "comparing",
    "contest": "contesting",
    "curate": "curating",
    "encode": "encoding",
    "export": "exporting",
    "latents": "learning",
    "learn": "learning",
    "make_plan": "checking",
    "outlook": "foreseen",
    "posterior": "uncertainty",
    "run": "job",
    "report": "sealing",
    "sample": "sampling",
    "sweep": "sweeping",
    "verify": "sealing",
}

__all__ = [
    "ClassicRecord",
    "Compared",
    "Contest",
    "CurateRecord",
    "EncodeRecord",
    "Event",
    "ExportRecord",
    "Learned",
    "OnEvent",
    "Outlook",
    "RunRecord",
    "SampleRecord",
    "Swept",
    "ask",
    "ask_elsewhere",
    "check",
    "classic",
    "compare",
    "contest",
    "curate",
    "encode",
    "export",
    "latents",
    "learn",
    "make_plan",
    "outlook",
    "posterior",
    "report",
    "run",
    "sample",
    "sweep",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"latentomics.flow.{_PLACES[name]}")
    found = getattr(module, name)
    globals()[name] = found
    return found
