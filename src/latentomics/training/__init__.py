"""One readable loop, its checkpoints, and the measure of the hardware it runs on."""

from latentomics.training.checkpoint import (
    load_model,
    load_weights,
    save_model,
    weights_sha256,
)
from latentomics.training.examples import Labelled
from latentomics.training.feed import epoch_rows
from latentomics.training.fit import OwnNetwork, fit
from latentomics.training.lock import lock_folder, refuse_held
from latentomics.training.loop import train_network
from latentomics.training.precision import Pace, estimate_step_seconds, measure_pace
from latentomics.training.records import EpochRecord, Fitted, Optimisation, Progress, Task, Trained
from latentomics.training.supervised import Taught, teach, told

__all__ = [
    "EpochRecord",
    "Fitted",
    "Labelled",
    "Optimisation",
    "OwnNetwork",
    "Pace",
    "Progress",
    "Task",
    "Taught",
    "Trained",
    "epoch_rows",
    "estimate_step_seconds",
    "fit",
    "load_model",
    "load_weights",
    "lock_folder",
    "measure_pace",
    "refuse_held",
    "save_model",
    "teach",
    "told",
    "train_network",
    "weights_sha256",
]
