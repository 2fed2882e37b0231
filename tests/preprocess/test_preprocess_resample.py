"""Resampling: ramps exactly, SimpleITK's values, the Gaussian before going coarser."""

from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK
from scipy.ndimage import gaussian_filter1d

from latentomics.core import Grid
from latentomics.preprocess import resample
from latentomics.preprocess.resample import FWHM, inside

UPRIGHT = tuple(np.eye(3).ravel())
TARGET = Grid(spacing=(1.1, 0.8, 1.3), origin=(-3.0, 2.0, 1.0), direction=UPRIGHT)
SIZE = (9, 14, 8)


def turned(axes: tuple[int, ...], signs: tuple[int, ...]) -> Grid:
    """A grid whose axes are permuted and flipped, and which covers TARGET and its surroundings."""
    direction = np.zeros((3, 3))
    direction[list(axes), range(3)] = signs
    spacing = np.array([0.9, 0.7, 1.2])
    centre = np.array([1.0, 7.0, 6.0])
    origin = centre - direction @ (spacing * 14.5)
    return Grid(spacing=tuple(spacing), origin=tuple(origin), direction=tuple(direction.ravel()))


def oblique(angle: float = 0.3) -> Grid:
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    tilt = np.array([[1, 0, 0], [0, np.cos(0.2), -np.sin(0.2)], [0, np.sin(0.2), np.cos(0.2)]])
    direction = turn @ tilt
    spacing = np.array([0.9, 0.7, 1.2])
    origin = np.array([1.0, 7.0, 6.0]) - direction @ (spacing * 14.5)
    return Grid(spacing=tuple(spacing), origin=tuple(origin), direction=tuple(direction.ravel()))


def reference(values: np.ndarray, source: Grid, target: Grid, size: tuple[int, ...]) -> np.ndarray:
    image = SimpleITK.GetImageFromArray(values.T)
    image.SetSpacing(source.spacing)
    image.SetOrigin(source.origin)
    image.SetDirection(source.direction)
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetSize(size)
    resampler.SetOutputSpacing(target.spacing)
    resampler.SetOutputOrigin(target.origin)
    resampler.SetOutputDirection(target.direction)
    resampler.SetInterpolator(SimpleITK.sitkLinear)
    resampler.SetUseNearestNeighborExtrapolator(True)
    return SimpleITK.GetArrayFromImage(resampler.Execute(image)).T


def positions(grid: Grid, size: tuple[int, ...]) -> np.ndarray:
    index = np.indices(size).reshape(3, -1) * np.array(grid.spacing)[:, None]
    place = np.reshape(grid.direction, (3, 3)) @ index + np.array(grid.origin)[:, None]
    return place.reshape(3, *size)


GRIDS = [
    turned(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)
]


@pytest.mark.parametrize("source", [*GRIDS[::5], oblique()])
def test_a_linear_ramp_stays_exact(source):
    slope = np.array([2.0, -3.0, 0.5])
    ramp = np.tensordot(slope, positions(source, (30, 30, 30)), 1).astype(np.float32)
    got = resample(ramp[None], source, TARGET, SIZE)[0]
    expected = np.tensordot(slope, positions(TARGET, SIZE), 1)
    np.testing.assert_allclose(
        got, expected, atol=2e-3 if source.direction == oblique().direction else 1e-4
    )


@pytest.mark.parametrize("source", [*GRIDS, oblique()])
def test_values_are_those_of_simpleitk(source):
    values = np.random.default_rng(0).normal(size=(30, 30, 30)).astype(np.float32)
    got = resample(values[None], source, TARGET, SIZE, smooth=False)[0]
    np.testing.assert_allclose(got, reference(values, source, TARGET, SIZE), atol=1e-5)


def test_half_a_voxel_beyond_the_image_the_edge_goes_on():
    values = np.random.default_rng(0).normal(size=(1, 5, 6, 7)).astype(np.float32)
    source = Grid(spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=UPRIGHT)
    target = Grid(spacing=(1.0, 1.0, 1.0), origin=(-2.0, -2.0, -2.0), direction=UPRIGHT)
    got = resample(values, source, target, (9, 10, 11))
    np.testing.assert_array_equal(got, np.pad(values, ((0, 0), (2, 2), (2, 2), (2, 2)), "edge"))
    where = inside((5, 6, 7), source, target, (9, 10, 11))
    np.testing.assert_array_equal(where, np.pad(np.ones((5, 6, 7), bool), 2))


def test_going_coarser_blurs_by_the_gaussian_that_makes_the_voxel():
    values = np.random.default_rng(0).normal(size=(1, 60)).astype(np.float32)
    source = Grid(spacing=(1.0,), origin=(0.0,), direction=(1.0,))
    target = Grid(spacing=(3.0,), origin=(1.5,), direction=(1.0,))
    got = resample(values, source, target, (18,))[0]
    sigma = np.sqrt(3.0**2 - 1) / FWHM
    blurred = gaussian_filter1d(values[0].astype(float), sigma, mode="nearest", radius=4)
    np.testing.assert_allclose(
        got, np.interp(1.5 + 3 * np.arange(18), range(60), blurred), atol=1e-5
    )


def test_oblique_and_parallel_paths_agree_in_the_limit():
    values = np.random.default_rng(0).normal(size=(30, 30, 30)).astype(np.float32)
    coarse = Grid(spacing=(2.0, 2.1, 2.5), origin=(-3.0, 2.0, 1.0), direction=UPRIGHT)
    parallel = resample(values[None], turned((0, 1, 2), (1, 1, 1)), coarse, (4, 5, 4))
    angle = 2e-3  # just beyond what counts as parallel
    spun = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    origin = np.array([1.0, 7.0, 6.0]) - spun @ (np.array([0.9, 0.7, 1.2]) * 14.5)
    near = Grid(spacing=(0.9, 0.7, 1.2), origin=tuple(origin), direction=tuple(spun.ravel()))
    assert np.abs(resample(values[None], near, coarse, (4, 5, 4)) - parallel).max() < 0.05


def test_two_dimensions_and_nearest_neighbour():
    values = np.arange(12.0).reshape(1, 3, 4).astype(np.float32)
    source = Grid(spacing=(2.0, 1.0), origin=(0.0, 0.0), direction=(0.0, 1.0, -1.0, 0.0))
    target = Grid(spacing=(1.0, 2.0), origin=(0.0, -4.0), direction=(1.0, 0.0, 0.0, 1.0))
    got = resample(values, source, target, (4, 3), order=0)[0]
    np.testing.assert_array_equal(got, values[0, ::-1].T)
