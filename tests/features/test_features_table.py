"""The table, its dictionary, and cases unlike the cohort."""

from pathlib import Path

import numpy as np
import pytest

from latentomics.core import Case, FileRef, RequestError
from latentomics.features import (
    Columns,
    Reference,
    build_table,
    features_dictionary,
    fit_reference,
    read_table,
    size_columns,
    write_table,
)


def table():
    cases = [
        Case(id=f"0{i}", patient=f"{i}", image=(FileRef(path=Path("i")),), site="GE" if i else None)
        for i in range(3)
    ]
    groups = {
        "latent": Columns(
            names=("latent_000", "latent_001", "latent_c03_rim_q90"),
            values=np.arange(9, dtype=np.float32).reshape(3, 3) / 7,
        ),
        "size": size_columns([10, 20, 30], [1.5, 2.5, 3.5]),
    }
    split = {"00": "train", "01": "val", "02": "test"}
    return build_table(cases, split, groups, {"weights_sha256": "abc", "mask": "label 1"})


def test_parquet_keeps_columns_groups_and_provenance(tmp_path):
    first = table()
    write_table(first, tmp_path / "features.parquet")
    again = read_table(tmp_path / "features.parquet")
    assert list(again.frame.columns[:4]) == ["case", "patient", "site", "split"]
    assert again.groups == first.groups
    assert again.provenance == first.provenance
    np.testing.assert_array_equal(again.values("latent"), first.values("latent"))
    assert again.frame["case"].tolist() == ["00", "01", "02"]
    write_table(first, tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "features.parquet").read_bytes()


def test_csv_keeps_names_that_look_like_numbers(tmp_path):
    write_table(table(), tmp_path / "features.csv")
    again = read_table(tmp_path / "features.csv")
    assert again.frame["case"].tolist() == ["00", "01", "02"]
    assert again.groups["size"] == ("size_voxels", "size_mm3")
    np.testing.assert_allclose(again.values("latent"), table().values("latent"), rtol=1e-6)


def test_other_files_are_refused_with_a_remedy(tmp_path):
    with pytest.raises(RequestError, match=r"\.parquet or \.csv"):
        write_table(table(), tmp_path / "features.xlsx")
    (tmp_path / "broken.parquet").write_text("no")
    with pytest.raises(RequestError, match="no table"):
        read_table(tmp_path / "broken.parquet")
    (tmp_path / "other.csv").write_text("a,b,c,d\n1,2,3,4\n")
    with pytest.raises(RequestError, match="first columns"):
        read_table(tmp_path / "other.csv")
    with pytest.raises(RequestError):
        read_table(tmp_path / "missing.parquet")


def test_every_column_has_a_unit_and_a_meaning():
    rows = features_dictionary(table()).set_index("name")
    assert rows.loc["size_mm3", "unit"] == "mm3"
    assert rows.loc["latent_c03_rim_q90", "meaning"] == (
        "90 % quantile of code channel 3, within 2 mm inside the mask's border"
    )
    assert rows.loc["latent_001", "group"] == "latent"
    assert len(rows) == 5


@pytest.mark.parametrize("validation", [40, 300])
def test_cases_unlike_the_cohort_are_flagged_and_others_are_not(validation):
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(20, 20))
    train = generator.normal(size=(200, 20)) @ mixing
    held = generator.normal(size=(validation, 20)) @ mixing
    fitted = fit_reference(train, held, generator.gamma(9, size=validation))
    fitted = Reference.from_arrays(fitted.arrays())
    alike = fitted.compare(generator.normal(size=(500, 20)) @ mixing, generator.gamma(9, size=500))
    assert alike.unlike.mean() < 0.04  # two tests at .01
    odd = fitted.compare(6 * generator.normal(size=(50, 20)) @ mixing, np.full(50, 9.0))
    assert odd.unlike.mean() > 0.95
    blurred = fitted.compare(held[:5], np.full(5, 200.0))
    assert blurred.unlike.all()


def test_KA_15_3_conformal_p_is_uniform_and_never_0():
    generator = np.random.default_rng(0)
    low = []
    for _ in range(300):
        errors = generator.normal(size=20) ** 2
        codes = np.zeros((30, 2)) + generator.normal(size=(30, 2))
        fitted = fit_reference(codes, codes[:19], errors[:19])
        p = fitted.compare(codes[:1], errors[19:]).p_error[0]
        assert p >= 0.05
        low.append(p <= 0.05 + 1e-12)
    assert np.mean(low) == pytest.approx(0.05, abs=0.04)


def test_constant_or_few_codes():
    assert fit_reference(np.ones((9, 2)), np.ones((2, 2)), np.ones(2)) is None
    fitted = fit_reference(np.ones((9, 2)), np.ones((5, 2)), np.ones(5))
    likeness = fitted.compare(np.ones((1, 2)), np.ones(1))
    assert likeness.p_code[0] == 1
    assert not likeness.unlike[0]
