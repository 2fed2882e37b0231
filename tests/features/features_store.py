"""Stores in memory, of samples of any size, and the plan that a test asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentomics.core import Frame, Grid, NetworkSpec
from latentomics.dataset import Store, near_mm, near_voxels
from latentomics.dataset.samples import Samples
from latentomics.planning import Choice, Length, Plan, Request


def frame_of(size: tuple[int, ...], spacing: float) -> Frame:
    d = len(size)
    grid = Grid(spacing=(spacing,) * d, origin=(0.0,) * d, direction=tuple(np.eye(d).ravel()))
    return Frame(
        source=grid, source_size=size, target=grid, size=size,
        offset=(0.0,), scale=(1.0,), unit="HU",
    )  # fmt: skip


def make_store(
    values: Sequence[np.ndarray],
    masks: Sequence[np.ndarray] | None = None,
    *,
    cases: Sequence[str] | None = None,
    loss_region: str = "all",
    patch: tuple[int, ...] | None = None,
    spacing: float = 1.0,
) -> Store:
    """Build a store of samples (C, *size) and masks (*size)."""
    values = [np.asarray(v, np.float32) for v in values]
    if masks is None:
        masks = [np.ones(v.shape[1:], bool) for v in values]
    sizes = np.array([v.shape[1:] for v in values])
    bytes_of = [np.asarray(m, np.uint8) for m in masks]
    near = bytes_of
    if loss_region == "mask+ring":
        near = [
            near_voxels(m[None])[0] if patch is None
            else near_mm(m.astype(bool), (spacing,) * m.ndim, 4.0).astype(np.uint8)
            for m in bytes_of
        ]  # fmt: skip
    channels = len(values[0])
    samples = Samples(
        cases=tuple(cases or (f"case {number}" for number in range(len(values)))),
        frames=tuple(frame_of(tuple(size.tolist()), spacing) for size in sizes),
        sizes=sizes,
        starts=np.concatenate([[0], np.cumsum(sizes.prod(1))[:-1]]),
        offset=np.zeros((len(values), channels), np.float32),
        scale=np.ones((len(values), channels), np.float32),
        values=np.concatenate([v.ravel() for v in values]),
        masks=np.concatenate([m.ravel() for m in bytes_of]),
        near=np.concatenate([m.ravel() for m in near]),
        boxes=np.zeros((len(values), 2, sizes.shape[1]), np.int64),
    )
    return Store(samples=samples, patch=patch, loss_region=loss_region, mask_channel=1.0)


def make_plan(spec: NetworkSpec, **values: Any) -> Plan:
    given: dict[str, Any] = {
        "dimension": spec.dimension, "view": "whole", "spacing": (1.0,) * spec.dimension,
        "size": spec.size, "margin": 0.0, "normalisation": "identity", "window": (0.0, 1.0),
        "method": "autoencoder", "mask_channel": False, "loss_region": "all", "noise": None,
        "shift": 0, "symmetries": "none", "pooled": False, "batch": 8, "learning_rate": 0.003,
        "precision": "float32", "length": Length(epochs=1), "split": (0.7, 0.15, 0.15),
        "threads": 1, "network": spec,
    }  # fmt: skip
    choices = {k: Choice(value=v, reason="test") for k, v in (given | values).items()}
    return Plan.model_validate({"request": Request(manifest="x.csv"), **choices})


def ball(size: tuple[int, ...], radius: float, centre: Sequence[float] | None = None) -> np.ndarray:
    middle = [(n - 1) / 2 for n in size] if centre is None else centre
    axes = np.meshgrid(
        *(np.arange(n) - m for n, m in zip(size, middle, strict=True)), indexing="ij"
    )
    return sum(axis**2 for axis in axes) <= radius**2
