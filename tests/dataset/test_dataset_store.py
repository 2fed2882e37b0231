"""The cache and the stores: the same samples whichever way they come, faults found and mended."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel
import numpy as np
import pytest

from latentomics.core import Case, FileRef, IntegrityError, RequestError
from latentomics.dataset import near_mm, near_voxels, open_store, prepare_cohort
from latentomics.preprocess import Pipeline, prepare
from latentomics.sources import read_case

POSE = Pipeline(dimension=3, view="pose", spacing_mm=(1.0,) * 3, size=(12, 14, 10))
LOCAL = Pipeline(
    dimension=3,
    view="local",
    spacing_mm=(1.0,) * 3,
    size=(8, 8, 8),
    margin=5.0,
    normalisation="identity",
    window=(0.0, 100.0),
)


def write(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> FileRef:
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return FileRef(path=path)


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    generator = np.random.default_rng(0)
    made = []
    for i in range(5):
        values = generator.normal(100, 20, (24 + 2 * i, 26, 28)).astype(np.float32)
        mask = np.zeros(values.shape, np.uint8)
        mask[10 : 14 + i, 10:15, 11:16] = 1
        image = write(tmp_path / f"{i}.nii.gz", values)
        made.append(
            Case(
                id=f"c{i}",
                patient=f"p{i}",
                image=(image,),
                mask=write(tmp_path / f"{i}m.nii", mask),
            )
        )
    return made


def test_samples_come_out_as_they_were_prepared(cases, tmp_path):
    prepared = prepare_cohort(cases, POSE, tmp_path / "cache", workers=1)
    store = open_store(prepared, ["c3", "c1"], loss_region="mask")
    assert store.cases == ("c3", "c1")
    direct = prepare(POSE, *read_case(cases[3]), "c3")[0]
    sample = store.sample(0)
    np.testing.assert_array_equal(sample.values, direct.values)
    np.testing.assert_array_equal(sample.mask, direct.mask)
    assert sample.frame == direct.frame
    batch = store.batch(np.array([1, 0, 0]), None)
    np.testing.assert_array_equal(batch.values[1].numpy(), direct.values)
    np.testing.assert_array_equal(batch.weight[2, 0].numpy(), direct.mask)
    assert batch.offset[1, 0].item() == pytest.approx(direct.frame.offset[0])
    np.testing.assert_array_equal(store.whole(np.array([0])), batch.values[1:2].numpy())


def test_M2_mapped_samples_are_the_same_and_leave_no_file(cases, tmp_path):
    prepared = prepare_cohort(cases, POSE, tmp_path / "cache", workers=1)
    resident = open_store(prepared, prepared.case_ids)
    before = sorted((tmp_path / "cache").rglob("*"))
    mapped = open_store(prepared, prepared.case_ids, mapped=True)
    assert isinstance(mapped.samples.values, np.memmap)
    assert sorted((tmp_path / "cache").rglob("*")) == before
    rows = np.array([4, 0, 2])
    np.testing.assert_array_equal(
        mapped.batch(rows, None).values, resident.batch(rows, None).values
    )


def test_M2_the_parts_of_a_split_share_their_samples(cases, tmp_path):
    whole = prepare_cohort(cases, POSE, tmp_path / "cache", workers=1)
    every = open_store(whole, whole.case_ids, loss_region="mask")
    part, alone = every.of(["c4", "c1"]), open_store(whole, ["c4", "c1"], loss_region="mask")
    assert np.shares_memory(part.samples.values, every.samples.values)
    assert part.cases == alone.cases == ("c4", "c1")
    rows = np.array([1, 0, 1])
    for name in ("values", "mask", "weight", "offset", "scale"):
        found, expected = (getattr(store.batch(rows, None), name) for store in (part, alone))
        np.testing.assert_array_equal(found, expected)
    crops = prepare_cohort(cases, LOCAL, tmp_path / "cache", workers=1)
    settings = {"patch": (8, 8, 8), "loss_region": "mask+ring"}
    part = open_store(crops, crops.case_ids, **settings).of(["c3"])
    alone = open_store(crops, ["c3"], **settings)
    drawn = [store.batch(np.zeros(4, int), np.random.default_rng(0)) for store in (part, alone)]
    np.testing.assert_array_equal(drawn[0].values, drawn[1].values)
    assert part.sample(0).frame == alone.sample(0).frame


def test_T7_a_damaged_entry_is_detected_and_made_again(cases, tmp_path):
    cache = tmp_path / "cache"
    prepared = prepare_cohort(cases, POSE, cache, workers=1)
    stamps = {entry.path: entry.path.stat().st_mtime_ns for entry in prepared.entries}
    damaged, cut = prepared.entries[1].path, prepared.entries[2].path
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    cut.write_bytes(cut.read_bytes()[:-7])
    with pytest.raises(IntegrityError):
        open_store(prepared, ["c1"])
    assert prepare_cohort(cases, POSE, cache, workers=1) == prepared
    assert damaged.read_bytes() == whole
    assert prepared.entries[0].path.stat().st_mtime_ns == stamps[prepared.entries[0].path]


def test_T7_two_at_once_end_with_one_cache(cases, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(prepare_cohort, cases, POSE, tmp_path / "cache", workers=1)
            for _ in range(2)
        ]
        first, second = (run.result() for run in runs)
    assert first == second
    assert len(list((tmp_path / "cache").rglob("*.*"))) == len(cases)
    open_store(first, first.case_ids)


def test_T7_what_the_values_depend_on_changes_the_entry(cases, tmp_path):
    def path(case, pipeline=POSE):
        return prepare_cohort([case], pipeline, tmp_path / "cache", workers=1).entries[0].path

    original = path(cases[0])
    assert path(cases[0], Pipeline.from_plain(POSE.plain() | {"padding": "zero"})) != original
    moved = tmp_path / "moved.nii.gz"
    moved.write_bytes(cases[0].image[0].path.read_bytes())
    copy = Case(id="other", patient="q", image=(FileRef(path=moved),), mask=cases[0].mask)
    assert path(copy) == original
    values = nibabel.load(moved).get_fdata().astype(np.float32)
    write(moved, values + np.arange(28))
    assert path(copy) != original


def test_I8_and_I1_a_case_that_fails_costs_itself_only(cases, tmp_path):
    cases[1].image[0].path.write_bytes(b"\x1f\x8b broken")
    cases[3].image[0].path.unlink()
    done = []
    prepared = prepare_cohort(cases, POSE, tmp_path / "cache", workers=2, on_done=done.append)
    assert prepared.case_ids == ("c0", "c2", "c4")
    assert [r.case for r in prepared.rejected] == ["c1", "c3"]
    assert prepared.rejected[1].code == "missing"
    assert all(r.reason and r.remedy for r in prepared.rejected)
    assert done == [c.id for c in cases]
    assert prepare_cohort(cases, POSE, tmp_path / "cache", workers=1) == prepared
    with pytest.raises(RequestError):
        open_store(prepared, ["c1"])


def test_rows_of_an_archive_share_cache_files(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (300, 9, 8)).astype(np.uint8)
    values[7] = 3  # no contrast
    np.savez(tmp_path / "a.npz", images=values)
    cases = [
        Case(
            id=f"r{i}",
            patient=f"r{i}",
            image=(FileRef(path=tmp_path / "a.npz", npz_key="images", npz_index=i),),
        )
        for i in range(300)
    ]
    setting = Pipeline(
        dimension=2,
        view="whole",
        spacing_mm=(1.0, 1.0),
        size=(9, 8),
        normalisation="identity",
        window=(0.0, 255.0),
    )
    prepared = prepare_cohort(cases, setting, tmp_path / "cache", workers=1)
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 2
    assert [r.case for r in prepared.rejected] == ["r7"]
    store = open_store(prepared, prepared.case_ids[::-1])
    np.testing.assert_allclose(store.sample(0).values[0] * 255, values[299], atol=1e-4)
    assert store.sample(0).mask.all()


def test_slices_are_several_samples_of_a_case(cases, tmp_path):
    setting = Pipeline(dimension=2, view="slices", spacing_mm=(1.0, 1.0), size=(8, 8), samples=3)
    prepared = prepare_cohort(cases[:2], setting, tmp_path / "cache", workers=1)
    store = open_store(prepared, ["c0", "c1"], patch=(6, 6), loss_region="mask+ring")
    assert store.cases == ("c0",) * 3 + ("c1",) * 3
    assert store.batch(np.arange(6), np.random.default_rng(0)).values.shape == (6, 1, 6, 6)


def test_patches_are_parts_of_their_crop_turned(cases, tmp_path):
    prepared = prepare_cohort(cases, LOCAL, tmp_path / "cache", workers=1)
    store = open_store(prepared, prepared.case_ids, patch=(8, 8, 8), loss_region="mask+ring")
    assert not store.uniform
    rows = np.array([0, 4, 4, 2] * 20)
    batch = store.batch(rows, np.random.default_rng(1))
    again = store.batch(rows, np.random.default_rng(1))
    np.testing.assert_array_equal(batch.values, again.values)
    assert len({float(v.sum()) for v in batch.values[1::4]}) > 5
    turned = 0
    for b in range(12):
        whole = store.sample(int(rows[b])).values[0]
        patch = batch.values[b, 0].numpy()
        assert np.isin(patch, whole).all()
        window = np.argwhere(whole == patch[0, 0, 0])[0]
        opposite = np.argwhere(whole == patch[-1, -1, -1])[0]
        np.testing.assert_array_equal(np.abs(opposite - window), [7, 7, 7])
        second = np.argwhere(whole == patch[1, 0, 0])[0] - window
        assert np.abs(second).sum() == 1
        turned += not np.array_equal(second, [1, 0, 0])
    assert turned > 6
    middle = store.batch(rows[:3], None)
    np.testing.assert_array_equal(middle.values[1], middle.values[2])
    with pytest.raises(RequestError):
        open_store(prepared, prepared.case_ids, patch=(40, 8, 8))
    with pytest.raises(RequestError):
        store.whole(np.array([0]))


def test_patches_cover_the_loss_region_and_weigh_it(cases, tmp_path):
    prepared = prepare_cohort(cases[:1], LOCAL, tmp_path / "cache", workers=1)
    store = open_store(prepared, ["c0"], patch=(8, 8, 8), loss_region="mask+ring", ring_mm=3.0)
    mask, near = store.sample(0).mask, store.samples.part("near", 0)[0].astype(bool)
    place = np.indices(mask.shape).reshape(3, -1).T
    inside = place[mask.ravel()]
    distance = np.sqrt(((place[:, None] - inside[None]) ** 2).sum(-1).min(1)).reshape(mask.shape)
    np.testing.assert_array_equal(near, distance <= 3.0)
    batch = store.batch(np.zeros(200, int), np.random.default_rng(0))
    seen = np.isin(store.sample(0).values[0], batch.values.numpy())
    assert seen[near].mean() > 0.99
    counted = {float(w) for w in np.unique(batch.weight)}
    assert counted == {0.0, 1.0}
    assert (batch.weight >= batch.mask).all()


def test_whole_samples_weigh_mask_and_two_voxels(cases, tmp_path):
    prepared = prepare_cohort(cases[:1], POSE, tmp_path / "cache", workers=1)
    store = open_store(prepared, ["c0"], loss_region="mask+ring")
    batch = store.batch(np.array([0]), None)
    mask = store.sample(0).mask
    place = np.indices(mask.shape).reshape(3, -1).T
    steps = np.abs(place[:, None] - place[mask.ravel()][None]).sum(-1).min(1).reshape(mask.shape)
    np.testing.assert_allclose(batch.weight[0, 0], np.where(steps <= 2, 1.0, 0.02), rtol=1e-6)


def test_transpositions_spare_axes_of_other_spacing(cases, tmp_path):
    setting = Pipeline.from_plain(LOCAL.plain() | {"spacing_mm": [1.0, 1.0, 2.0]})
    prepared = prepare_cohort(cases[:1], setting, tmp_path / "cache", workers=1)
    store = open_store(prepared, ["c0"], patch=(8, 8, 8), loss_region="all")
    batch = store.batch(np.zeros(40, int), np.random.default_rng(0))
    whole = store.sample(0).values[0]
    for patch in batch.values[:, 0].numpy():
        along = np.argwhere(whole == patch[0, 0, 1])[0] - np.argwhere(whole == patch[0, 0, 0])[0]
        assert abs(along[2]) == 1
    assert batch.weight.shape == (40, 1, 8, 8, 8)
    assert (batch.weight == 1).all()


def test_regions_of_an_empty_or_full_mask():
    empty = np.zeros((1, 5, 6), np.uint8)
    assert not near_voxels(empty).any()
    assert near_mm(np.ones((5, 6), bool), (1.0, 2.0), 3.0).all()
    point = np.zeros((9, 9), bool)
    point[4, 4] = True
    assert near_mm(point, (1.0, 2.0), 2.0).sum() == 7


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="permissions do not bind root")
def test_a_read_only_cache_is_a_clear_error(cases, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(OSError, match="Permission"):
        prepare_cohort(cases, POSE, tmp_path / "cache", workers=1)
