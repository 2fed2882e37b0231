"""Smooth random deformations: anatomy seen turned, scaled, bent and moved by parts of a voxel.

In: tensors (batch, channels, *size) in two or three dimensions, and control points that were drawn
apart. Out: tensors of the same shape. A few control points an axis carry the whole deformation:
linear interpolation between them is exact for what is affine, and smooth for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import DoubleArray, FloatArray

if TYPE_CHECKING:
    from torch import Tensor

CONTROL_POINTS = 4  # an axis
INTERPOLATION = {2: "bilinear", 3: "trilinear"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deformation:
    """How far samples are deformed; angles and factors are uniform up to these limits."""

    rotation_degrees: float = 0.0  # about any axis
    scaling: float = 0.0  # of each axis, relative
    shift: float = 0.0  # voxels along each axis
    bending: float = 0.0  # SD of the control points' places, voxels

    def gentle(self) -> Deformation:
        """Return the half of it, at the same shift."""
        return replace(
            self,
            rotation_degrees=self.rotation_degrees / 2,
            scaling=self.scaling / 2,
            bending=self.bending / 2,
        )


def draw_control_points(
    generator: np.random.Generator,
    count: int,
    size: Sequence[int],
    spacing: Sequence[float],
    how: Deformation,
) -> FloatArray:
    """Draw where the control points of each sample lie in the sample that is read.

    Parameters
    ----------
    count : int
        Samples.
    size, spacing : sequence
        Of a sample: voxels, and the physical length of one along each axis.

    Returns
    -------
    FloatArray (count, d, *control points)
        Last axis first, in units of half the sample from its middle, as torch reads grids.
    """
    d = len(size)
    half = (np.array(size) - 1) / 2
    matrices = rotations(generator, count, d, how.rotation_degrees)
    factors = 1 + generator.uniform(-how.scaling, how.scaling, (count, 1, d))
    matrices = matrices * factors * np.array(spacing) / np.array(spacing)[:, None]
    line = np.linspace(-1, 1, CONTROL_POINTS)
    places = np.stack(np.meshgrid(*[line] * d, indexing="ij")).reshape(d, -1) * half[:, None]
    moved = matrices @ places + generator.uniform(-how.shift, how.shift, (count, d, 1))
    moved += how.bending * generator.standard_normal(moved.shape)
    units = moved / np.maximum(half, 0.5)[:, None]
    shape = (count, d, *[CONTROL_POINTS] * d)
    return np.ascontiguousarray(units[:, ::-1], np.float32).reshape(shape)


def deform(values: Tensor, control_points: FloatArray) -> Tensor:
    """Read samples (batch, channels, *size) where the control points say; the edge goes on beyond.

    Examples
    --------
    >>> import numpy as np, torch
    >>> still = draw_control_points(np.random.default_rng(0), 1, (4, 5), (1, 1), Deformation())
    >>> image = torch.arange(20.0).reshape(1, 1, 4, 5)
    >>> torch.allclose(deform(image, still), image, atol=1e-5)
    True
    """
    import torch
    from torch.nn.functional import grid_sample, interpolate

    control = torch.from_numpy(control_points).to(values.device)
    mode = INTERPOLATION[values.ndim - 2]
    grid = interpolate(control, size=values.shape[2:], mode=mode, align_corners=True)
    return grid_sample(values, grid.movedim(1, -1), padding_mode="border", align_corners=True)


def rotations(
    generator: np.random.Generator, count: int, dimension: int, limit_degrees: float
) -> DoubleArray:
    """Return matrices (count, dimension, dimension) of angles within the limit, about any axis."""
    from scipy.spatial.transform import Rotation

    angles = generator.uniform(-limit_degrees, limit_degrees, count)
    axes = np.tile([0.0, 0.0, 1.0], (count, 1))
    if dimension == 3:
        axes = generator.standard_normal((count, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    matrices = Rotation.from_rotvec(axes * np.radians(angles)[:, None]).as_matrix()
    return np.asarray(matrices[:, :dimension, :dimension], np.float64)
