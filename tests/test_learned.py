"""The transformer: a pipeline parts the cases, and what is not in a part is never read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

from latentomics import LearnedFeatures
from latentomics.core import IncompleteError, RequestError
from latentomics.methods import METHODS, Method
from latentomics.sources import read_cohort
from latentomics.training import Pace

CASES, EDGE = 36, 12
# scikit-learn's own checks that need no data. Its others (sparse, complex, NaN and one-row input,
# n_features_in_ and the like) fit a matrix of numbers. X is a cohort of images, which the tags say,
# so check_estimator leaves them out. What they are for is tested below on cohorts.
CHECKS = (
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_mixin_order,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_set_params,
    estimator_checks.check_valid_tag_types,
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pandas.DataFrame:
    """Two pictures a patient: noise, in every second patient with a bright disk in it."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    away = np.hypot(*(np.indices((EDGE, EDGE)) - EDGE / 2 + 0.5))
    rows = []
    for number in range(CASES):
        bright = number // 2 % 2
        values = rng.normal(100, 10, (EDGE, EDGE)) + 80 * bright * (away < 4)
        path = folder / f"c{number:02d}.npy"
        np.save(path, values.astype(np.float32))
        rows.append({"case": path.stem, "image": str(path), "patient": f"p{number // 2}"})
        rows[-1] |= {"modality": "XR", "bright": bright}
    return pandas.DataFrame(rows)


def features(**asked: object) -> LearnedFeatures:
    return LearnedFeatures(**{"latent": 4, "epochs": 2, "workers": 1, **asked})


@pytest.fixture(scope="module")
def fitted(table: pandas.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> LearnedFeatures:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return features().fit(table[:24])


def test_a_pipeline_is_cross_validated_by_patient(table: pandas.DataFrame) -> None:
    model = make_pipeline(features(), StandardScaler(), LogisticRegression())
    shuffled = table.sample(frac=1, random_state=1)
    scores = cross_val_score(
        model, shuffled, shuffled.bright, groups=shuffled.patient, cv=GroupKFold(3)
    )
    assert scores.tolist() == [1.0, 1.0, 1.0]  # the disk is all that there is to learn


def test_L5_fit_reads_no_case_but_its_own(
    table: pandas.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what this machine trains fastest with is measured anew at each fit
    pace = Pace(precision="float32", threads=1, reason="fixed")
    monkeypatch.setattr("latentomics.training.measure_pace", lambda *_: pace)
    moved = table.assign(image=[str(tmp_path / Path(path).name) for path in table.image])
    for old, new in zip(table.image[:24], moved.image[:24], strict=True):
        Path(new).write_bytes(Path(old).read_bytes())
    alone = features().fit(moved[:24])  # the files of the others are not even there
    for old, new in zip(table.image[24:], moved.image[24:], strict=True):
        Path(new).write_bytes(Path(old).read_bytes())
    beside = features().fit(table[:24], table.bright[:24])
    assert np.array_equal(alone.transform(moved), beside.transform(table))
    assert len(beside.learned_.rejected) == 0


def test_rows_keep_their_order_and_do_not_hang_on_their_neighbours(
    table: pandas.DataFrame, fitted: LearnedFeatures
) -> None:
    every = fitted.transform(table)
    assert every.shape == (CASES, 4)
    assert np.array_equal(fitted.transform(table[::-3]), every[::-3])


def test_cases_and_rows_of_a_table_are_one_cohort(
    table: pandas.DataFrame, fitted: LearnedFeatures, tmp_path: Path
) -> None:
    table.to_csv(tmp_path / "cohort.csv", index=False)
    cases = read_cohort(tmp_path / "cohort.csv").cases
    expected = fitted.transform(table)
    assert np.array_equal(fitted.transform(cases), expected)
    array = np.array(cases, dtype=object)
    assert np.array_equal(fitted.transform(array[[5, 2]]), expected[[5, 2]])
    stated = [replace(case, split="test", retest_of="c99") for case in cases]
    assert np.array_equal(fitted.transform(stated), expected)
    stated_rows = table.assign(split="test", retest_of="c99")
    assert np.array_equal(fitted.transform(stated_rows), expected)


def test_columns_have_names_and_pandas_keeps_the_index(
    table: pandas.DataFrame, fitted: LearnedFeatures
) -> None:
    names = [f"latent_{number:03d}" for number in range(4)]
    assert fitted.get_feature_names_out().tolist() == names
    shown = clone(fitted).set_output(transform="pandas")
    shown.learned_ = fitted.learned_
    frame = shown.transform(table[30:])
    assert list(frame.columns) == names
    assert list(frame.index) == list(range(30, CASES))


def test_a_clone_asks_the_same_and_has_learned_nothing(fitted: LearnedFeatures) -> None:
    given = features(settings={"noise": "gaussian"}, channels=("image",), method=my_method)
    copy = clone(given)
    assert copy.get_params() == given.get_params()
    assert not hasattr(clone(fitted), "learned_")


def test_a_fitted_transformer_is_pickled_whole(
    table: pandas.DataFrame, fitted: LearnedFeatures
) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.transform(table[:3]), fitted.transform(table[:3]))


def my_method() -> Method:
    return replace(METHODS["vae"], name="mine")


def test_S1_a_method_of_ones_own_is_trained_and_enters_no_list(table: pandas.DataFrame) -> None:
    own = features(method=my_method).fit(table[:24])
    assert own.learned_.plan.method.value == "mine"
    assert "mine" not in METHODS
    assert own.learned_.plan.network.value.code == METHODS["vae"].code != "point"
    assert own.transform(table[:2]).shape == (2, 4)
    with pytest.raises(RequestError, match="unknown method 'mine'"):
        features(method="mine").fit(table[:24])


def test_what_makes_no_method_is_refused(table: pandas.DataFrame) -> None:
    with pytest.raises(RequestError, match="returned dict"):
        features(method=dict).fit(table)
    with pytest.raises(RequestError, match="'vae' already"):
        features(method=lambda: METHODS["vae"]).fit(table)
    with pytest.raises(RequestError, match="no setting 'delta'"):
        features(method=my_method, settings={"delta": 1.0}).fit(table[:24])


def test_a_row_that_cannot_be_read_is_named(
    table: pandas.DataFrame, fitted: LearnedFeatures, tmp_path: Path
) -> None:
    (tmp_path / "broken.npy").write_text("no array")
    broken = table[:2].assign(image=[table.image[0], str(tmp_path / "broken.npy")])
    with pytest.raises(IncompleteError, match=r"1 of 2 cases(?s:.*)case c01"):
        fitted.transform(broken)
    absent = table[:2].assign(image=[table.image[0], str(tmp_path / "absent.npy")])
    with pytest.raises(RequestError, match=r"row 3(?s:.*)case c01"):
        fitted.transform(absent)
    with pytest.raises(RequestError, match="twice"):
        fitted.transform([*read_cases(table, tmp_path), *read_cases(table, tmp_path)])


def read_cases(table: pandas.DataFrame, folder: Path) -> tuple[object, ...]:
    table[:2].to_csv(folder / "two.csv", index=False)
    return read_cohort(folder / "two.csv").cases


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_an_estimator_check_that_needs_no_matrix_holds(check: Callable[..., None]) -> None:
    check("LearnedFeatures", LearnedFeatures())


def test_a_matrix_is_no_cohort_and_nothing_is_described_before_fit() -> None:
    for matrix in (np.zeros((8, 3)), [[1.0]], [], None):
        with pytest.raises(RequestError, match="X is no cohort"):
            LearnedFeatures().fit(matrix)
    with pytest.raises(NotFittedError):
        LearnedFeatures().transform([])
