"""MNIST as stores: binarised once and for all, or as grey values in [0, 1].

In: ``mnist/mnist.npz`` in LATENTOMICS_DATA. Out: stores of 55,000 training and 5,000 validation
digits (the last of the published training set) and of test digits, (1, 28, 28), and the plan of a
network for them. The binary digits are drawn once, with the grey value as probability, by a fixed
seed, so that every method and every seed sees the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from study import data_folder

from latentomics.core import FloatArray, Frame, Grid, IntArray, NetworkSpec, Sample, stream
from latentomics.dataset import Store, store_of
from latentomics.planning import Choice, Length, Plan, Request
from latentomics.planning.network import choose_batch

EDGE, VALIDATION = 28, 5_000
BINARISED = 0  # seed of the one draw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Digits:
    """Digits (n, 28, 28) float32 by part: train, val and test; ``numbers`` are their labels."""

    values: dict[str, FloatArray]
    numbers: dict[str, IntArray]

    def store(self, part: str) -> Store:
        """Return a part as samples without masks."""
        grid = Grid(spacing=(1.0, 1.0), origin=(0.0, 0.0), direction=(1.0, 0.0, 0.0, 1.0))
        frame = Frame(
            source=grid, source_size=(EDGE, EDGE), target=grid, size=(EDGE, EDGE),
            offset=(0.0,), scale=(1.0,), unit="a.u.",
        )  # fmt: skip
        mask = np.ones((EDGE, EDGE), bool)
        return store_of(
            [
                Sample(values=values[None], mask=mask, frame=frame, case=f"{part}{number:05d}")
                for number, values in enumerate(self.values[part])
            ]
        )


def digits(*, binary: bool, training: int | None = None, test: int | None = None) -> Digits:
    """Read MNIST.

    Parameters
    ----------
    binary : bool
        Draw each pixel once; else grey values between 0 and 1.
    training, test : int, optional
        How many training and test digits, drawn at random; all by default.
    """
    with np.load(data_folder() / "mnist" / "mnist.npz") as read:
        given = {
            name: read[f"{name}_images"].astype(np.float32) / 255 for name in ("train", "test")
        }
        labels = {name: read[f"{name}_labels"].astype(np.int64) for name in ("train", "test")}
    if binary:
        given = {
            name: (stream(BINARISED, "binarised", name).random(grey.shape) < grey).astype(
                np.float32
            )
            for name, grey in given.items()
        }
    rows = {
        "train": _some(len(given["train"]) - VALIDATION, training),
        "val": np.arange(len(given["train"]) - VALIDATION, len(given["train"]))[:training],
        "test": _some(len(given["test"]), test),
    }
    source = {"train": "train", "val": "train", "test": "test"}
    return Digits(
        values={part: given[source[part]][rows[part]] for part in rows},
        numbers={part: labels[source[part]][rows[part]] for part in rows},
    )


def plan_for(
    spec: NetworkSpec, method: str, length: Length, training: int, *, shift: int = 0, seed: int = 0,
    settings: dict[str, float | str | bool] | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a network on digits: batch and rate as the planner chooses them."""
    chosen = {
        "dimension": 2, "view": "whole", "spacing": (1.0, 1.0), "size": (EDGE, EDGE), "margin": 0.0,
        "normalisation": "identity", "window": (0.0, 1.0), "method": method, "network": spec,
        "mask_channel": 0.0, "loss_region": "all", "noise": None, "shift": shift,
        "symmetries": "none", "pooled": False, "batch": choose_batch(training, 2).value,
        "learning_rate": 2e-3, "precision": "float32", "length": length,
        "split": (0.8, 0.1, 0.1), "threads": 1,
    }  # fmt: skip
    choices = {name: Choice(value=value, reason="of the study") for name, value in chosen.items()}
    request = Request(manifest="mnist", seed=seed, settings=settings or {})
    return Plan.model_validate({"request": request, **choices})


def _some(count: int, wanted: int | None) -> IntArray:
    if wanted is None or wanted >= count:
        return np.arange(count)
    return np.sort(stream(0, "some digits", count).permutation(count)[:wanted])
