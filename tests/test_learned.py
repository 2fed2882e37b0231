"""The transformer: a pipeline parts the cases, and what is not in a part is never read."""

from __future__ import annotations

import math
import pickle
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
from sklearn.utils import Tags, estimator_checks
from torch import Tensor, nn

from latentomics import LearnedFeatures
from latentomics.core import IncompleteError, NetworkSpec, Point, RequestError
from latentomics.methods import METHODS, Method
from latentomics.models import Network, build_network
from latentomics.planning import Plan
from latentomics.sources import read_cohort
from latentomics.training import Pace

CASES, EDGE = 36, 12
# Of scikit-learn's own checks those that fit no matrix of numbers: X is a cohort of images, which
# the tags say, so that check_estimator leaves all of them out.
CHECKS = (
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_n_features_in_after_fitting",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_transformer_n_iter",
    "check_transformers_unfitted",
    "check_valid_tag_types",
)
# The others, and why they are not run: what they ask is asked below of cohorts ...
OF_COHORTS = {
    "check_dict_unchanged": "test_fit_and_transform_change_nothing_else",
    "check_dont_overwrite_parameters": "test_fit_and_transform_change_nothing_else",
    "check_estimators_empty_data_messages": "test_a_matrix_is_no_cohort_and_nothing_is_described",
    "check_estimators_fit_returns_self": "test_fit_and_transform_change_nothing_else",
    "check_estimators_overwrite_params": "test_fit_and_transform_change_nothing_else",
    "check_estimators_pickle": "test_a_fitted_transformer_is_pickled_whole",
    "check_fit_check_is_fitted": "test_a_matrix_is_no_cohort_and_nothing_is_described",
    "check_fit_idempotent": "test_L5_fit_reads_no_case_but_its_own",
    "check_fit_score_takes_y": "test_L5_fit_reads_no_case_but_its_own",
    "check_fit2d_1sample": "test_too_few_cases_are_refused",
    "check_methods_sample_order_invariance": "test_rows_keep_their_order_and_do_not_hang_on",
    "check_methods_subset_invariance": "test_rows_keep_their_order_and_do_not_hang_on",
    "check_pipeline_consistency": "test_a_pipeline_is_cross_validated_by_patient",
    "check_transformer_general": "test_rows_keep_their_order_and_do_not_hang_on",
    "check_transformer_preserve_dtypes": "test_rows_keep_their_order_and_do_not_hang_on",
}
# ... or has no meaning where X holds no numbers and no fixed columns: a matrix is refused instead.
OF_NUMBERS = (
    "check_array_api_input",
    "check_complex_data",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_nan_inf",
    "check_f_contiguous_array_estimator",
    "check_fit1d",
    "check_fit2d_1feature",
    "check_fit2d_predict1d",
    "check_n_features_in",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_transformer_data_not_an_array",
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
    assert every.dtype == np.float32
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


class MyNetwork(Network):
    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        values = spec.channels_in * math.prod(spec.size)
        self.there, self.back = nn.Linear(values, spec.latent), nn.Linear(spec.latent, values)

    def encode(self, values: Tensor) -> Point:
        return Point(z=self.there(values.flatten(1)).float())

    def decode(self, code: Tensor) -> Tensor:
        return self.back(code).float().reshape(-1, self.spec.channels_out, *self.spec.size)


def my_network(plan: Plan) -> Network:
    return MyNetwork(plan.network.value)


def test_S1_a_network_of_ones_own_is_trained_from_python_alone(table: pandas.DataFrame) -> None:
    own = features(method="autoencoder", network=my_network).fit(table[:24])
    assert isinstance(own.learned_.network, MyNetwork)
    assert own.learned_.plan.network.reason == "a network of the user's own: my_network"
    found = own.transform(table[:3])
    assert found.shape == (3, 4)
    assert np.array_equal(pickle.loads(pickle.dumps(own)).transform(table[:3]), found)
    plan = own.learned_.plan
    with pytest.raises(RequestError, match="unknown kind of network 'MyNetwork'"):
        build_network(replace(plan.network.value, kind="MyNetwork"), 0)


def test_what_makes_no_network_is_refused(table: pandas.DataFrame) -> None:
    with pytest.raises(RequestError, match="returned Linear"):
        features(network=lambda _: nn.Linear(1, 1)).fit(table[:24])
    with pytest.raises(RequestError, match="another spec than the plan"):
        features(
            network=lambda plan: MyNetwork(replace(plan.network.value, latent=5)),
            method="autoencoder",
        ).fit(table[:24])


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


@pytest.mark.parametrize("check", CHECKS)
def test_an_estimator_check_that_needs_no_matrix_holds(check: str) -> None:
    getattr(estimator_checks, check)("LearnedFeatures", LearnedFeatures())


class AsIfOfMatrices(LearnedFeatures):
    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


def test_every_estimator_check_is_run_or_has_a_reason_why_not() -> None:
    every = {
        check.func.__name__
        for _, check in estimator_checks.estimator_checks_generator(AsIfOfMatrices())
    }
    assert every == {*CHECKS, *OF_COHORTS, *OF_NUMBERS}
    stands = [name for name in globals() if name.startswith("test_")]
    assert all(any(one.startswith(test) for one in stands) for test in OF_COHORTS.values())


def test_fit_and_transform_change_nothing_else(
    table: pandas.DataFrame, fitted: LearnedFeatures
) -> None:
    asked = features()
    assert fitted.get_params() == asked.get_params()
    assert set(vars(fitted)) - set(vars(asked)) == {"learned_"}
    before = dict(vars(fitted))
    given = table[:3].copy()
    fitted.transform(given)
    assert vars(fitted) == before
    pandas.testing.assert_frame_equal(given, table[:3])


def test_too_few_cases_are_refused(table: pandas.DataFrame) -> None:
    with pytest.raises(IncompleteError, match="1 cases are left to train and 8 are needed"):
        features().fit(table[:1])


def test_a_matrix_is_no_cohort_and_nothing_is_described_before_fit() -> None:
    for matrix in (np.zeros((8, 3)), [[1.0]], [], None):
        with pytest.raises(RequestError, match="X is no cohort"):
            LearnedFeatures().fit(matrix)
    with pytest.raises(NotFittedError):
        LearnedFeatures().transform([])
