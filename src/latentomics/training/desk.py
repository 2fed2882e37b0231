"""The paperwork of a run: its clock, checkpoints, history.jsonl and progress.

In: the state of the loop. Out: files in the run folder and calls of the display; nothing here
changes what a step does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import plain, write_atomic
from latentomics.training.records import Optimisation, Progress, Terms
from latentomics.training.schedule import last_step
from latentomics.training.state import State, save_state

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import AdamW

    from latentomics.objectives import Companion

HISTORY = "history.jsonl"
SHOW_S = 0.2  # least time between two calls of the display
PAUSE = 20  # a checkpoint that took t seconds is followed by the next after about 20 t


@dataclass(slots=True, kw_only=True)
class Desk:
    """Reads the clock into the state, and writes and shows the state."""

    folder: Path | None
    how: Optimisation
    state: State
    network: nn.Module
    optimiser: AdamW
    companion: Companion | None
    on_progress: Callable[[Progress], None] | None
    clock: Callable[[], float]
    begin: float = 0.0
    saved: float = 0.0
    saving_took: float = 0.0
    shown: float = -math.inf

    def __post_init__(self) -> None:
        self.begin = self.clock() - self.state.seconds  # a resumed run has used that much already
        self.saved = self.state.seconds
        if self.folder is not None:
            for part in self.folder.glob(f".{HISTORY}.*.part"):
                part.unlink()  # of a writer that was killed

    def read_clock(self) -> None:
        """Set the state's seconds."""
        self.state.seconds = self.clock() - self.begin

    def save(self) -> None:
        """Write a checkpoint now."""
        if self.folder is None:
            return
        before = self.clock()
        save_state(self.folder, self.how, self.state, self.network, self.optimiser, self.companion)
        self.saving_took = self.clock() - before
        self.read_clock()
        self.saved = self.state.seconds

    def save_sometimes(self) -> None:
        """Write a checkpoint when the last one is old enough to be worth the time."""
        least = self.how.checkpoint_s
        pause = max(least, PAUSE * min(least, self.saving_took))
        if self.state.seconds - self.saved >= pause:
            self.save()

    def write_history(self) -> None:
        """Write one JSON line for each record; a value that is not finite becomes null."""
        if self.folder is None:
            return
        lines = [json.dumps(_finite(plain(asdict(record)))) for record in self.state.history]
        write_atomic(self.folder / HISTORY, "".join(line + "\n" for line in lines))

    def show(self, terms: Terms, *, timed: bool, remark: str = "") -> None:
        """Tell the display where training stands, a few times a second at most; a remark always."""
        state = self.state
        if self.on_progress is None or (not remark and state.seconds - self.shown < SHOW_S):
            return
        self.shown = state.seconds
        if timed and state.length.budget_s is not None:
            left = max(0.0, state.length.budget_s - state.seconds)
        else:
            left = state.seconds / max(1, state.step) * (last_step(state.length) - state.step)
        progress = Progress(
            step=state.step,
            steps=state.length.steps,
            fraction=state.seconds / max(1e-9, state.seconds + left),
            seconds=state.seconds,
            seconds_left=left,
            terms=terms,
            remark=remark,
        )
        self.on_progress(progress)


def _finite(content: object) -> object:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    return content
