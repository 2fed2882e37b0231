"""Labels from columns and comparisons."""

from pathlib import Path

import pytest

from latentomics.core import Case, FileRef, RequestError
from latentomics.sources import label_of

IMAGE = (FileRef(path=Path("i.npy")),)


def cases(**columns):
    count = len(next(iter(columns.values())))
    return [
        Case(
            id=f"c{row}",
            patient=f"c{row}",
            image=IMAGE,
            targets={name: values[row] for name, values in columns.items()},
        )
        for row in range(count)
    ]


def test_KA_kinds():
    table = cases(
        ill=[0.0, 1.0, None, 1.0],
        sex=["M", "F", "F", "M"],
        kind=["a", "b", "c", None],
        volume=[1.5, 2.0, 3.0, 4.0],
    )
    ill = label_of(table, "ill")
    assert (ill.kind, ill.positive, ill.values) == ("binary", "1", (0.0, 1.0, None, 1.0))
    assert [ill.is_positive(value) for value in ill.values] == [False, True, False, True]
    sex = label_of(table, "sex")
    assert (sex.kind, sex.positive, sex.values) == ("binary", "M", ("M", "F", "F", "M"))
    assert (label_of(table, "kind").kind, label_of(table, "kind").positive) == ("classes", None)
    assert label_of(table, "volume").kind == "continuous"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("score>=2", (0, 1, 1, None)),
        ("score > 2", (0, 0, 1, None)),
        ("score<3", (1, 1, 0, None)),
        ("score<=1", (1, 0, 0, None)),
        ("score==2", (0, 1, 0, None)),
        ("score=2.0", (0, 1, 0, None)),
        ("score!=2", (1, 0, 1, None)),
        ("stage==II", (0, 1, 0, 1)),
        ("stage == 'II'", (0, 1, 0, 1)),
        ("stage!=II", (1, 0, 1, 0)),
    ],
)
def test_KA_comparisons(expression, expected):
    label = label_of(cases(score=[1.0, 2.0, 3.0, None], stage=["I", "II", "III", "II"]), expression)
    assert (label.kind, label.positive) == ("binary", "1")
    assert label.values == expected
    assert label.name == expression.replace(" ", "").replace("'", "")


def test_a_column_whose_name_looks_like_a_comparison():
    table = cases(**{"age>60": [0.0, 1.0], "age": [50.0, 70.0]})
    assert label_of(table, "age>60").values == (0.0, 1.0)
    assert label_of(table, "age>50").values == (0.0, 1.0)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("gone", ["'gone'", "mixed, same, words"]),
        ("gone>=2", ["'gone'"]),
        ("mixed", ["'yes'", "case c1", "column mixed"]),
        ("mixed>1", ["'yes'", "case c1"]),
        ("same", ["one value only (7)"]),
        ("same>3", ["one value only"]),
        ("words>3", ["mixes"]),
        ("same>high", ["'high' is no number"]),
        ("words", ["40 different words"]),
    ],
)
def test_I9_refused_by_name(expression, words):
    table = cases(
        mixed=[1.0, "yes"] * 20, same=[7.0] * 40, words=[f"w{number}" for number in range(40)]
    )
    with pytest.raises(RequestError) as caught:
        label_of(table, expression)
    for word in words:
        assert word in str(caught.value)
