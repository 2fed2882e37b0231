"""Networks of every kind that a method can ask for: their shapes follow the sample and the code."""

from __future__ import annotations

import pytest

from latentomics.core import NetworkSpec
from latentomics.models import parameter_counts
from latentomics.planning import Architecture
from latentomics.planning.kinds import whole_capsules
from latentomics.planning.network import choose_network, choose_shift, choose_symmetries


def chosen(kind: str, code: str, size: tuple[int, ...], training: int = 200, **asked: object):
    latent = whole_capsules(16, len(size), kind)
    architecture = Architecture(kind=kind, code=code, **asked)  # type: ignore[arg-type]
    return choose_network(architecture, len(size), size, 1, latent, training)


SIZES = [(101,), (5000,), (28, 28), (64, 64), (224, 224), (40, 56, 40)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("kind", "code"),
    [("dense", "sigmoid"), ("spatial", "map"), ("spatial", "quantised"), ("dense", "quantised")],
)
def test_a_network_can_be_built_and_stays_small(
    kind: str, code: str, size: tuple[int, ...]
) -> None:
    choice = chosen(kind, code, size)
    counts = parameter_counts(choice.value)
    assert 0 < counts.network < 15_000_000
    assert choice.reason


def test_capsules_are_whole() -> None:
    for size in ((28, 28), (40, 56, 40)):
        spec = chosen("capsules", "capsules", size).value
        assert spec.latent % (1 + len(size)) == 0
        assert parameter_counts(spec).network > 0
    assert choose_shift("whole", (40, 24), deformed=True, kind="capsules").value == 3
    assert choose_shift("whole", (9, 9), deformed=False, kind="capsules").value == 2
    assert choose_symmetries("scaled", "capsules").value == "none"


def test_wide_samples_have_narrow_first_layers() -> None:
    narrow, wide = (chosen("dense", "point", size).value for size in ((28, 28), (40, 56, 40)))
    assert (narrow.widths[0], wide.widths[0]) == (512, 44)


@pytest.mark.parametrize(("training", "entries"), [(8, 32), (60, 256), (10_000, 512)])
def test_a_codebook_has_entries_that_an_epoch_can_fill(training: int, entries: int) -> None:
    spec = chosen("spatial", "quantised", (28, 28), training).value
    assert (spec.block, spec.codebook) == (4, entries)  # 49 positions each


def test_a_top_k_code_keeps_a_quarter_unless_asked() -> None:
    assert chosen("dense", "top-k", (28, 28)).value.active == 4
    assert chosen("dense", "top-k", (28, 28), fields={"active": 2}).value.active == 2


def test_fields_of_a_method_stand() -> None:
    spec = chosen("dense", "point", (28, 28), fields={"widths": (9, 8), "basis": None}).value
    assert (spec.widths, spec.basis) == ((9, 8), 16)
    assert isinstance(spec, NetworkSpec)
    for code in ("point", "gaussian"):
        assert chosen("convolutional", code, (28, 28)).value.linear_path
    assert not chosen("convolutional", "sigmoid", (28, 28)).value.linear_path
    assert not chosen("convolutional", "gaussian", (28, 28), linear=False).value.linear_path
    assert not chosen(
        "convolutional", "point", (28, 28), fields={"linear_path": False}
    ).value.linear_path
