"""Cases measured in several ways: which ways there are, and what each of them changes."""

from functools import partial

import numpy as np
import pytest

from latentomics.core import Case, FileRef
from latentomics.dataset import store_of
from latentomics.features import intensity_features, repeated_features
from latentomics.features.perturbation import KINDS
from latentomics.features.repeated import CHAINS, remeasure, ways_of
from latentomics.planning import Classic
from latentomics.preprocess import Pipeline, prepare
from latentomics.sources import read_case

PIPELINE = Pipeline(dimension=3, view="fixed", spacing_mm=(1, 1, 1), size=(16, 16, 16),
                    normalisation="identity", window=(0, 100))  # fmt: skip
CLASSIC = Classic(bins=16)


@pytest.fixture
def cases(tmp_path):
    found = []
    for number in range(6):
        draws = np.random.default_rng(number)
        at = np.indices((24, 24, 24)) - 11.5
        inside = (at**2).sum(0) < (4 + number) ** 2 / 2 + 9
        values = 50 + 30 * inside + draws.normal(0, 3, inside.shape)
        np.save(tmp_path / f"i{number}.npy", values.astype("f4"))
        np.save(tmp_path / f"m{number}.npy", inside.astype("u1"))
        image, mask = (FileRef(path=tmp_path / f"{kind}{number}.npy") for kind in "im")
        found.append(Case(id=f"c{number}", patient=f"p{number}", image=(image,), mask=mask))
    return found


def test_a_signal_is_not_turned_and_what_has_no_mask_is_not_drawn_again():
    kinds = {d: {name for name, _ in ways_of(d, "mV", masked=False, seed=0)} for d in (1, 2)}
    assert kinds[1] == {"original", "chained", "translation", "noise", "gain"}
    assert kinds[2] == kinds[1] | {"rotation"}


def repeated(cases, **more):
    describe = partial(intensity_features, by_region=True)
    return repeated_features(
        cases,
        PIPELINE,
        lambda samples: store_of(samples, loss_region="mask+ring"),
        lambda store: {"intensity": describe(store)},
        seed=0,
        **{"workers": 1, **more},
    )


def test_the_first_way_is_the_case_as_it_is(cases):
    found = remeasure(cases[0], PIPELINE, 0)
    plain = prepare(PIPELINE, *read_case(cases[0]), "c0")[0]
    assert found.ways == ("original", *("chained",) * CHAINS, *KINDS)
    np.testing.assert_array_equal(found.samples[0].values, plain.values)
    assert found.volumes[0] == read_case(cases[0])[1].values.sum()


def test_each_way_changes_what_it_names(cases):
    found = remeasure(cases[3], PIPELINE, 0)
    by_way = dict(zip(found.ways, found.samples, strict=True))
    volume = dict(zip(found.ways, found.volumes, strict=True))
    as_it_is = by_way["original"]
    assert volume["volume"] == pytest.approx(1.1 * volume["original"], rel=0.002)
    assert volume["noise"] == volume["gain"] == volume["original"]
    np.testing.assert_array_equal(by_way["volume"].values, as_it_is.values)
    np.testing.assert_array_equal(by_way["noise"].mask, as_it_is.mask)
    np.testing.assert_allclose(by_way["gain"].values, 1.1 * as_it_is.values, rtol=1e-5)
    assert (by_way["noise"].values - as_it_is.values).std() == pytest.approx(0.03, rel=0.15)
    assert (by_way["contour"].mask != as_it_is.mask).any()


def test_tables_hold_every_set_and_do_not_hang_on_processes(cases):
    found = repeated(cases, classic=CLASSIC)
    assert found.cases == tuple(case.id for case in cases)
    assert set(found.tables) == {"intensity", "size", "classic"}
    assert found.tables["classic"].shape[:2] == (6, 10)
    assert len(found.names["classic"]) == found.tables["classic"].shape[2]
    assert found.raters("chained") == [0, 1, 2, 3]
    in_processes = repeated(cases[2:], classic=CLASSIC, workers=2)
    for name, table in in_processes.tables.items():
        np.testing.assert_array_equal(table, found.tables[name][2:])


def test_a_case_that_cannot_be_read_is_left_out(cases):
    cases[1].image[0].path.unlink()
    assert repeated(cases).cases == ("c0", "c2", "c3", "c4", "c5")
    assert repeated(cases[1:2]) is None
