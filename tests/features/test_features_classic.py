"""Classic features: published values first, then closed forms, then a slow count by loops."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from ibsi_digital import AGGREGATIONS, SPACING_MM, consensus, phantom

from latentomics.core import Acquisition, CaseError, Grid, Mask
from latentomics.features.classic import (
    FAMILIES,
    classic_features,
    feature_named,
    measure_region,
    region_of,
)
from latentomics.planning import Classic

LEVELS = {"lower": 1.0, "bin_width": 1.0}  # grey levels are used as they are


def grid(spacing: tuple[float, ...], unit: str = "mm") -> Grid:
    d = len(spacing)
    return Grid(
        spacing=spacing, origin=(0.0,) * d, direction=tuple(np.eye(d).ravel().tolist()), unit=unit
    )


def measured(
    values: np.ndarray, mask: np.ndarray, spacing_mm: tuple[float, ...], /, **settings: object
) -> dict[str, float]:
    acquisition = Acquisition(
        values=values[None].astype(np.float32), grid=grid(spacing_mm), modality="OTHER", unit="a.u."
    )
    region = region_of(
        acquisition, Mask(values=mask, grid=grid(spacing_mm)), Classic(**settings), "case a"
    )
    names = [feature.name for feature in classic_features(values.ndim)]
    return dict(zip(names, measure_region(region).tolist(), strict=True))


@pytest.fixture(scope="module")
def digital() -> dict[str, dict[str, float]]:
    values, mask = phantom()
    return {
        name: measured(values, mask, (SPACING_MM,) * 3, **LEVELS, aggregation=name)
        for name in AGGREGATIONS
    }


def test_KA_23_the_table_holds_every_value_of_these_families() -> None:
    once = ("statistics", "histogram", "morphology")
    every = [f.name for f in classic_features(3)]
    wanted = {
        (name, aggregation)
        for name in every
        for aggregation in (AGGREGATIONS[-1:] if name.startswith(once) else AGGREGATIONS)
    }
    assert set(consensus()) == wanted


@pytest.mark.parametrize("family", ["statistics", "histogram", "morphology", "glcm", "glrlm"])
def test_KA_23_1_to_3_the_digital_phantom_to_three_digits(
    family: str, digital: dict[str, dict[str, float]]
) -> None:
    wrong = {
        key: (digital[key[1]][key[0]], value)
        for key, value in consensus().items()
        if key[0].startswith(family) and float(f"{digital[key[1]][key[0]]:.3g}") != float(value)
    }
    assert wrong == {}


def test_a_single_voxel_is_an_octahedron() -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    found = measured(np.full((3, 3, 3), 5.0), mask, (1.0, 1.0, 1.0), bins=4)
    assert found["morphology_volume"] == pytest.approx(1 / 6)
    assert found["morphology_surface_area"] == pytest.approx(math.sqrt(3))
    assert found["morphology_volume_density_convex_hull"] == pytest.approx(1)
    assert found["morphology_maximum_diameter"] == pytest.approx(1)
    assert found["glrlm_run_percentage"] == 1
    assert math.isnan(found["glcm_contrast"])  # there is no pair
    assert math.isnan(found["morphology_elongation"])


def test_a_ball_is_round_and_as_large_as_it_should_be() -> None:
    radius, spacing = 15.0, (1.0, 0.8, 1.25)
    at = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip((35, 43, 29), spacing, strict=True)]
    mask = sum(a**2 for a in np.meshgrid(*at, indexing="ij")) <= radius**2
    found = measured(mask * 1.0, mask, spacing, bins=2)
    assert found["morphology_volume"] == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.01)
    assert found["morphology_maximum_diameter"] == pytest.approx(2 * radius, rel=0.05)
    for axis in ("major", "minor", "least"):
        length = found[f"morphology_{axis}_axis_length"]
        assert length == pytest.approx(4 * radius / math.sqrt(5), rel=0.01)
    # marching cubes on a mask of whole voxels overstates a smooth surface by about a tenth
    assert 1.0 < found["morphology_surface_area"] / (4 * math.pi * radius**2) < 1.12
    assert found["morphology_centre_of_mass_shift"] == pytest.approx(0, abs=1e-9)


def test_a_box_fills_its_box() -> None:
    mask = np.zeros((12, 10, 8), bool)
    mask[2:10, 2:8, 2:6] = True
    found = measured(mask * 1.0, mask, (2.0, 1.0, 3.0), bins=2)
    assert found["morphology_approximate_volume"] == 16 * 6 * 12
    assert found["morphology_elongation"] == pytest.approx(
        math.sqrt((4**2 - 1) * 9 / ((8**2 - 1) * 4))  # SD of n even steps: sqrt((n2 - 1) / 12)
    )
    assert found["morphology_maximum_diameter"] == pytest.approx(
        math.dist((1, 0.5, 0), (15, 5.5, 12))  # vertices lie in the middle of edges
    )


def test_the_mesh_is_closed_and_turning_an_image_changes_nothing() -> None:
    draw = np.random.default_rng(3)
    values, mask = draw.normal(size=(6, 7, 5)), draw.random((6, 7, 5)) < 0.6
    spacing = (1.0, 2.0, 0.7)
    whole = measured(values, mask, spacing, bins=6)
    for axes in ((0,), (1, 2), (0, 1, 2)):
        flipped = measured(np.flip(values, axes), np.flip(mask, axes), spacing, bins=6)
        assert flipped == pytest.approx(whole, nan_ok=True)
    order = (2, 0, 1)
    turned = measured(
        values.transpose(order), mask.transpose(order), tuple(spacing[a] for a in order), bins=6
    )
    assert turned == pytest.approx(whole, nan_ok=True)


def test_a_volume_and_its_hollow_share_one_surface() -> None:
    block = np.ones((6, 6, 6), bool)
    block[2:4, 2:4, 2:5] = False
    hollow = np.zeros((6, 6, 6), bool)
    hollow[1:-1, 1:-1, 1:-1] = ~block[1:-1, 1:-1, 1:-1]
    whole = np.ones((6, 6, 6), bool)
    found = [measured(part * 1.0, part, (1.0, 1.0, 1.0), bins=2) for part in (block, hollow, whole)]
    area = [one["morphology_surface_area"] for one in found]
    volume = [one["morphology_volume"] for one in found]
    assert area[0] == pytest.approx(area[1] + area[2])
    assert volume[0] == pytest.approx(volume[2] - volume[1])


def pairs_by_loops(levels: np.ndarray, steps: list[tuple[int, ...]]) -> np.ndarray:
    counts = np.zeros((levels.max(), levels.max()))
    for place in np.argwhere(levels):
        for step in steps:
            there = place + step
            if (there >= 0).all() and (there < levels.shape).all() and levels[tuple(there)]:
                counts[levels[tuple(place)] - 1, levels[tuple(there)] - 1] += 1
    return counts


def runs_by_loops(levels: np.ndarray, steps: list[tuple[int, ...]]) -> dict[tuple[int, int], int]:
    def at(place: np.ndarray) -> int:
        inside = (place >= 0).all() and (place < levels.shape).all()
        return int(levels[tuple(place)]) if inside else 0

    runs: dict[tuple[int, int], int] = {}
    for step, place in product(steps, np.argwhere(levels)):
        level = at(place)
        if at(place - step) == level:
            continue  # not where a run begins
        length = 1
        while at(place + length * np.array(step)) == level:
            length += 1
        runs[level, length] = runs.get((level, length), 0) + 1
    return runs


def test_counting_agrees_with_loops_over_voxels() -> None:
    draw = np.random.default_rng(5)
    levels = draw.integers(1, 5, size=(5, 6, 4)) * (draw.random((5, 6, 4)) < 0.8)
    found = measured(levels * 1.0, levels > 0, (1.0, 1.0, 1.0), **LEVELS)
    every = [step for step in product((-1, 0, 1), repeat=3) if any(step)]
    joint = pairs_by_loops(levels, every)
    joint /= joint.sum()
    i, j = np.indices(joint.shape) + 1
    assert found["glcm_contrast"] == pytest.approx(float((joint * (i - j) ** 2).sum()))
    assert found["glcm_cluster_shade"] == pytest.approx(
        float((joint * (i + j - 2 * (joint * i).sum()) ** 3).sum())
    )
    own = joint.sum(axis=0)
    hx, hxy = -(own * np.log2(own)).sum(), -(joint * np.log2(joint)).sum()
    independent = -(joint * np.log2(own[:, None] * own)).sum()
    assert found["glcm_information_correlation_1"] == pytest.approx(float((hxy - independent) / hx))
    runs = runs_by_loops(levels, [step for step in every if step > (0, 0, 0)])
    total = sum(runs.values())
    assert found["glrlm_run_percentage"] == pytest.approx(total / (13 * (levels > 0).sum()))
    assert found["glrlm_long_run_high_grey_level_emphasis"] == pytest.approx(
        sum(n * (level * length) ** 2 for (level, length), n in runs.items()) / total
    )


def test_fixed_bins_and_fixed_widths() -> None:
    values = np.array([[-1000.0, -990.0, -975.0, -950.5, 400.0]])
    mask = np.ones(values.shape, bool)
    width = {"lower": -1000.0, "bin_width": 25.0, "aggregation": "2d-merged"}
    found = measured(values, mask, (1.0, 1.0), **width)
    assert found["histogram_minimum"] == 1
    assert found["histogram_median"] == 2  # -975 begins the second bin
    assert found["histogram_maximum"] == 57
    number = measured(values, mask, (1.0, 1.0), bins=7, aggregation="2d-merged")
    assert number["histogram_maximum"] == 7  # the largest value is in the last bin
    narrowed = measured(values, mask, (1.0, 1.0), **width, upper=-960.0)
    assert narrowed["statistics_maximum"] == -975
    assert narrowed["outline_approximate_area"] == 5  # shape knows the mask as drawn


def test_outliers_are_left_out_once() -> None:
    values = np.zeros((4, 5, 5))
    values[0, 0, 0], values[0, 0, 1] = 100.0, 10.0
    mask = np.ones(values.shape, bool)
    found = measured(values, mask, (1.0, 1.0, 1.0), bins=4, outliers_sd=3.0)
    assert found["statistics_maximum"] == 10


def test_a_constant_region_has_values_where_they_are_defined() -> None:
    mask = np.pad(np.ones((3, 3, 3), bool), 1)
    found = measured(np.full(mask.shape, 7.0), mask, (1.0, 1.0, 1.0), bins=8)
    assert found["statistics_skewness"] == found["statistics_kurtosis"] == 0
    assert found["glcm_correlation"] == 1
    assert found["glcm_information_correlation_2"] == 0
    assert found["histogram_uniformity"] == 1
    assert np.isfinite(list(found.values())).all()


def test_a_disk_in_the_plane() -> None:
    radius, spacing = 20.0, (0.5, 1.0)
    at = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip((90, 46), spacing, strict=True)]
    mask = sum(a**2 for a in np.meshgrid(*at, indexing="ij")) <= radius**2
    found = measured(mask * 1.0, mask, spacing, bins=2, aggregation="2d-merged")
    assert found["outline_area"] == pytest.approx(math.pi * radius**2, rel=0.01)
    assert 1.0 < found["outline_perimeter"] / (2 * math.pi * radius) < 1.1
    assert found["outline_maximum_diameter"] == pytest.approx(2 * radius, rel=0.03)
    assert found["outline_major_axis_length"] == pytest.approx(2 * radius, rel=0.01)
    assert found["outline_elongation"] == pytest.approx(1, abs=0.01)


def test_a_finer_grid_keeps_sizes_and_a_mask_on_another_grid_is_met_in_space() -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(20, 20, 10)).cumsum(0)
    mask = np.zeros(values.shape, bool)
    mask[5:15, 4:16, 3:8] = True
    own = measured(values, mask, (1.0, 1.0, 2.5), bins=8)
    fine = measured(values, mask, (1.0, 1.0, 2.5), bins=8, spacing=(0.5, 0.5, 0.5))
    for name in ("approximate_volume", "major_axis_length", "flatness", "maximum_diameter"):
        assert fine[f"morphology_{name}"] == pytest.approx(own[f"morphology_{name}"], rel=0.1)
    acquisition = Acquisition(
        values=values[None].astype(np.float32), grid=grid((1.0, 1.0, 2.5)), modality="MR", unit=""
    )
    part = Grid(spacing=(1.0, 1.0, 2.5), origin=(4.0, 3.0, 5.0), direction=grid((1,) * 3).direction)
    moved = Mask(values=mask[4:, 3:, 2:], grid=part)
    region = region_of(acquisition, moved, Classic(bins=8), "case a")
    np.testing.assert_allclose(measure_region(region), list(own.values()), rtol=1e-9)


def test_what_cannot_be_measured_says_so() -> None:
    values, mask = np.zeros((4, 4, 4)), np.zeros((4, 4, 4), bool)
    with pytest.raises(CaseError, match="empty"):
        measured(values, mask, (1.0, 1.0, 1.0), bins=4)
    mask[1, 1, 1:3] = True
    with pytest.raises(CaseError, match="no voxel of the mask"):
        measured(values, mask, (1.0, 1.0, 1.0), bins=4, lower=5.0)
    spread = np.arange(4.0**6).reshape(16, 16, 16)
    with pytest.raises(CaseError, match="grey levels"):
        measured(spread, np.ones(spread.shape, bool), (1.0,) * 3, lower=0.0, bin_width=1.0)
    with pytest.raises(CaseError, match="pictures"):
        measured(spread[0], spread[0] >= 0, (1.0, 1.0), bins=4)
    with pytest.raises(CaseError, match="spacings"):
        measured(spread, spread >= 0, (1.0,) * 3, bins=4, spacing=(1.0, 1.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"bins": 4, "bin_width": 2.0},
        {"bin_width": 25.0},
        {"bins": 4, "lower": 3.0, "upper": 1.0},
        {"bins": 4, "spacing": (0.0, 1.0, 1.0)},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Classic(**wrong)


@pytest.mark.parametrize("dimension", [2, 3])
def test_every_family_measures_exactly_what_it_lists(dimension: int) -> None:
    draw = np.random.default_rng(1)
    values = draw.normal(size=(6,) * dimension)
    kind = "2d-merged" if dimension == 2 else "3d-merged"
    acquisition = Acquisition(
        values=values[None].astype(np.float32),
        grid=grid((1.0,) * dimension),
        modality="MR",
        unit="",
    )
    mask = Mask(values=values < 1, grid=grid((1.0,) * dimension))
    region = region_of(acquisition, mask, Classic(bins=5, aggregation=kind), "case a")
    for name in FAMILIES:
        entry = FAMILIES[name]
        if dimension in entry.dimensions:
            listed = [feature.name for feature in entry.features]
            assert sorted(listed) == sorted(f"{name}_{key}" for key in entry.measure(region))


def test_codes_and_names_are_given_once() -> None:
    every = [feature for name in FAMILIES for feature in FAMILIES[name].features]
    codes = [feature.ibsi for feature in every if feature.ibsi]
    theirs = [feature.pyradiomics for feature in every if feature.pyradiomics]
    assert len(set(codes)) == len(codes) == 18 + 23 + 25 + 16 + 23
    assert len(set(theirs)) == len(theirs)
    found = feature_named("classic_glcm_joint_entropy")
    assert found is not None
    assert (found.ibsi, found.pyradiomics, found.unit) == ("TU9B", "glcm_JointEntropy", "bit")
    assert feature_named("latent_000") is None
