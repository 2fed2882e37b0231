"""PET and CT together: each channel keeps its own modality, unit and scale, on the first's grid."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from latentomics.core import CaseError
from latentomics.planning import Architecture, Plan, Request, fingerprint_of, make_plan, pipeline_of
from latentomics.preprocess import Pipeline, prepare
from latentomics.sources import measure_case, read_case, read_cohort

CHANNELS = ("image", "image_ct")


def write(folder: Path, ct_offset: float = 0.0, header: str = "", cells: str = "") -> Path:
    """PET of 1 to 3 SUV with voxels of 4 mm, and the CT of the same place with voxels of 2 mm."""
    rng = np.random.default_rng(0)
    for case in range(4):
        pet = rng.uniform(1, 3, (10, 11, 12)).astype(np.float32)
        ct = rng.uniform(-80, 80, (20, 22, 24)).astype(np.float32) + ct_offset
        ct[:6] = -1000 + ct_offset
        mask = np.zeros(pet.shape, np.uint8)
        mask[4 : 6 + case, 4:7, 4:7] = 1
        coarse, fine = np.diag([4.0, 4, 4, 1]), np.diag([2.0, 2, 2, 1])
        fine[:3, 3] = -1.0
        for name, values, affine in (
            ("pet", pet, coarse),
            ("ct", ct, fine),
            ("mask", mask, coarse),
        ):
            nibabel.save(nibabel.Nifti1Image(values, affine), folder / f"{name}{case}.nii.gz")
    rows = [f"c{n},pet{n}.nii.gz,ct{n}.nii.gz,mask{n}.nii.gz,PT{cells}" for n in range(4)]
    manifest = folder / "cohort.csv"
    manifest.write_text(f"case,image,image_ct,mask,modality{header}\n" + "\n".join(rows) + "\n")
    return manifest


def planned(manifest: Path) -> Plan:
    cases = read_cohort(manifest, channels=CHANNELS).cases
    return make_plan(
        Request(manifest=str(manifest), channels=CHANNELS),
        fingerprint_of(cases, [measure_case(case) for case in cases]),
        2,
        architecture_of=lambda _: Architecture(kind="local", code="map"),
        training=len(cases),
        spectrum=lambda _: (1.0,),
    )


def test_each_channel_has_the_scale_of_its_own_modality(tmp_path: Path) -> None:
    plan = planned(write(tmp_path))
    assert (plan.normalisation.value, plan.window.value) == ("suv", (0.0, 20.0))
    (ct,) = plan.further.value
    assert (ct.modality, ct.normalisation, ct.window) == ("CT", "hu-window", (-1000.0, 400.0))
    assert "CT: CT is calibrated" in plan.further.reason
    assert plan.network.value.channels_in == 2 + (plan.mask_channel.value > 0)
    words = " / ".join(pipeline_of(plan).describe())
    assert "channel 2: HU from -1000 to 400" in words
    assert Pipeline.from_plain(pipeline_of(plan).plain()) == pipeline_of(plan)


def test_samples_hold_both_in_their_own_units_on_the_first_grid(tmp_path: Path) -> None:
    manifest = write(tmp_path)
    case = read_cohort(manifest, channels=CHANNELS).cases[0]
    acquisition, mask = read_case(case)
    assert acquisition.channels == (("PT", "SUV"), ("CT", "HU"))
    assert acquisition.values.shape == (2, 10, 11, 12)
    (sample,) = prepare(pipeline_of(planned(manifest)), acquisition, mask, case.id)
    assert sample.frame.offset == (0.0, -300.0)  # SUV from 0; HU -1000 to 400 become -1 to 1
    assert sample.frame.scale == (2.5, 700.0)
    pet, ct = (
        values * scale + offset
        for values, scale, offset in zip(
            sample.values, sample.frame.scale, sample.frame.offset, strict=True
        )
    )
    assert 1.0 <= pet.min() <= pet.max() <= 3.0
    assert -1000.0 <= ct.min() < -80
    assert ct.max() <= 80.5


def test_I4_a_further_channel_is_judged_by_its_own_modality(tmp_path: Path) -> None:
    manifest = write(tmp_path, ct_offset=1024.0)  # stored without its intercept
    with pytest.raises(CaseError, match="an offset is left in"):
        read_case(read_cohort(manifest, channels=CHANNELS).cases[0])


def test_a_column_states_the_modality_of_a_further_channel(tmp_path: Path) -> None:
    manifest = write(tmp_path, header=",modality_image_ct", cells=",MR")
    case = read_cohort(manifest, channels=CHANNELS).cases[0]
    assert case.further == ("MR",)
    assert "modality_image_ct" not in case.targets
