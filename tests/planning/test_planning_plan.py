"""Plans: cohorts that differ in one property differ in the choice that it decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentomics.core import RequestError
from latentomics.planning import (
    Architecture,
    Fingerprint,
    Plan,
    Request,
    explained_shares,
    load_plan,
    make_plan,
    pipeline_of,
)

LESIONS = Fingerprint(
    cases=300,
    patients=200,
    sites=2,
    modality="CT",
    unit="HU",
    spacing_unit="mm",
    dimension=3,
    channels=1,
    size=(30.0, 30.0, 12.0),
    spacing=(0.7, 0.7, 1.5),
    spacing_finest=0.7,
    extent=(21.0, 21.0, 18.0),
    extent_spread=0.5,
    intensity_low=-1000.0,
    intensity_high=900.0,
    intensity_p01=-950.0,
    intensity_p99=200.0,
    intensity_spread=1.2,
    noise=22.0,
    noise_relative=0.08,
    masked=1.0,
    mask_extent_median=10.0,
    mask_extent_p95=24.0,
    mask_volume_spread=1.1,
    mask_offset_spread=0.1,
    mask_share=0.6,
)
ARCHITECTURES = {
    "local": Architecture(kind="local", code="map"),
    "recurrent-vae": Architecture(kind="recurrent", code="gaussian", latent=16),
}
SPECTRUM = tuple(0.5**power for power in range(1, 60))


def planned(
    found: Fingerprint,
    training: int = 200,
    spectrum: tuple[float, ...] = SPECTRUM,
    coarser: float = 1.0,
    **asked: object,
) -> Plan:
    return make_plan(
        Request.model_validate({"manifest": "cohort.csv", **asked}),
        found,
        2,
        architecture_of=lambda method: ARCHITECTURES.get(method, Architecture()),
        training=training,
        spectrum=lambda _: spectrum,
        coarser=coarser,
    )


def organ(**changes: object) -> Fingerprint:
    """The same cohort with masks of one size at one place, as an organ in fixed pose."""
    same = {"mask_volume_spread": 0.15, "mask_offset_spread": 0.05, "extent_spread": 0.1}
    return replace(LESIONS, **{**same, **changes})  # type: ignore[arg-type]


def test_every_choice_has_a_reason() -> None:
    plan = planned(LESIONS)
    reasons = [
        choice["reason"]
        for choice in plan.model_dump().values()
        if isinstance(choice, dict) and "reason" in choice
    ]
    assert len(reasons) >= 18
    assert all(len(reason) > 5 for reason in reasons)


def test_spacing_decides_the_spacing() -> None:
    finer = replace(LESIONS, spacing_finest=0.5)
    assert planned(LESIONS).spacing.value == (0.7, 0.7, 0.7)
    assert planned(finer).spacing.value == (0.5, 0.5, 0.5)


def test_noise_decides_the_corruption() -> None:
    level = {
        sigma: planned(replace(LESIONS, noise=sigma), method="denoising").noise.value
        for sigma in (20.0, 60.0)
    }
    assert [noise.sigma for noise in level.values() if noise] == [20.0, 60.0]
    assert all(noise and noise.unit == "HU" for noise in level.values())


def test_the_number_of_cases_decides_the_latent_size() -> None:
    flat = tuple([1 / 100] * 100)
    assert planned(organ(), training=200, spectrum=flat).network.value.latent == 64
    assert planned(organ(), training=40, spectrum=flat).network.value.latent == 16


def test_the_spectrum_decides_the_latent_size() -> None:
    steep = (0.9, 0.06, 0.02)
    assert planned(organ(), spectrum=steep).network.value.latent == 8


def test_roi_size_spread_decides_lesion_or_organ() -> None:
    assert planned(LESIONS).view.value == "local"
    assert planned(organ()).view.value == "pose"
    assert planned(replace(LESIONS, masked=0.0)).view.value == "whole"


def test_an_organ_in_fixed_pose_is_read_with_its_mask() -> None:
    plan = planned(organ())
    assert plan.mask_channel.value == 2
    assert plan.network.value.channels_in == plan.network.value.channels_out == 2
    whole = planned(replace(LESIONS, masked=0.0))
    assert whole.mask_channel.value == 0
    assert whole.network.value.channels_in == 1


def test_the_number_of_cases_decides_whether_they_are_deformed() -> None:
    few, many = (planned(organ(), training=n).deformation for n in (180, 2400))
    assert few.value is not None
    assert "180 training cases are few" in few.reason
    assert many.value is None
    assert planned(LESIONS, training=180).deformation.value is None


def test_masks_that_fill_the_image_have_no_pose() -> None:
    assert planned(organ(mask_share=0.97)).view.value == "local"


def test_roi_extent_decides_the_margin_of_coarse_images() -> None:
    coarse = replace(LESIONS, spacing_finest=3.3, modality="PT", unit="SUV")
    assert planned(LESIONS).margin.value == 4.0
    assert planned(coarse).margin.value > 9


@pytest.mark.parametrize(
    ("modality", "unit", "normalisation", "noise"),
    [
        ("CT", "HU", "hu-window", "gaussian"),
        ("MR", "a.u.", "robust-z", "rician"),
        ("PT", "SUV", "suv", "gaussian"),
        ("XR", "a.u.", "identity", "gaussian"),
    ],
)
def test_modality_decides_intensities_and_noise(
    modality: str, unit: str, normalisation: str, noise: str
) -> None:
    plan = planned(replace(LESIONS, modality=modality, unit=unit), method="denoising")
    assert plan.normalisation.value == normalisation
    assert plan.noise.value is not None
    assert plan.noise.value.model == noise


def test_a_global_method_on_lesions_scales_the_crop_and_keeps_the_mask() -> None:
    plan = planned(LESIONS, method="autoencoder")
    assert plan.view.value == "scaled"
    assert plan.mask_channel.value
    assert plan.network.value.channels_in == 2


def test_the_mask_of_a_signal_says_where_it_is_valid_to_a_recurrent_network() -> None:
    signals = replace(
        LESIONS, dimension=1, size=(200.0,), spacing=(2.0,), spacing_unit="ms", extent=(400.0,)
    )
    for masked, channels, region in ((1.0, 2, "mask"), (0.0, 1, "all")):
        plan = planned(replace(signals, masked=masked), method="recurrent-vae")
        network = plan.network.value
        assert (network.channels_in, network.channels_out) == (channels, 1)
        assert (plan.view.value, plan.loss_region.value) == ("whole", region)
        assert plan.classic.value is None


def test_large_images_keep_the_voxel_budget() -> None:
    large = organ(size=(200.0, 200.0, 150.0), spacing=(1.0, 1.0, 1.0), extent=(200.0, 200.0, 150.0))
    assert np.prod(planned(large).size.value) <= 130_000


def test_a_plan_survives_yaml(tmp_path) -> None:
    plan = planned(LESIONS)
    path = tmp_path / "plan.yaml"
    path.write_text(plan.to_yaml())
    assert load_plan(path) == plan
    assert pipeline_of(load_plan(path)).hash == pipeline_of(plan).hash


def test_an_unreadable_plan_is_named(tmp_path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("view: [unclosed")
    with pytest.raises(RequestError, match="cannot be read"):
        load_plan(path)


def test_explained_shares_are_those_of_a_known_spectrum() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(50, 3)))[0]
    scores = np.linalg.qr(rng.normal(size=(30, 3)) - 0)[0]
    scores -= scores.mean(0)
    crops = (scores * [3.0, 2.0, 1.0]) @ basis.T
    values = np.linalg.svd(crops, compute_uv=False)[:3] ** 2
    assert explained_shares(crops.astype(np.float32))[:3] == pytest.approx(
        values / values.sum(), rel=1e-4
    )


def test_classic_radiomics_follows_the_modality_and_the_grid() -> None:
    found = planned(LESIONS).classic.value
    assert found is not None
    assert found.spacing == (0.9, 0.9, 0.9)  # (.7 * .7 * 1.5) ** (1 / 3) = .902
    assert (found.lower, found.bin_width, found.bins) == (-1000.0, 25.0, None)
    assert found.rounded
    resonance = planned(replace(LESIONS, modality="MR", unit="a.u.")).classic.value
    assert resonance is not None
    assert (resonance.bins, resonance.bin_width) == (32, None)  # no unit, no width
    picture = replace(
        LESIONS, modality="XR", unit="a.u.", spacing_unit="px", dimension=2,
        size=(90.0, 90.0), spacing=(1.0, 1.0), extent=(90.0, 90.0),
    )  # fmt: skip
    flat = planned(picture).classic.value
    assert flat is not None
    assert (flat.spacing, flat.aggregation) == (None, "2d-merged")
    assert planned(replace(LESIONS, masked=0.9)).classic.value is None
