"""Memory that runs out in a step: the batch in halves, the step repeated, the change kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_plan import make_plan, make_spec, run_fit
from training_toy import Line, how, make_network

from latentomics.core import IncompleteError
from latentomics.planning import Length
from latentomics.training.halving import parts_at
from latentomics.training.loop import train_network
from latentomics.training.records import Trained

BATCH = 8


class Short(Line):
    """A line whose batch fits in memory only in parts of ``fits`` from step ``since`` on."""

    def __init__(self, network: nn.Module, fits: int, since: int, error: Exception) -> None:
        super().__init__(network)
        self.fits, self.since, self.error = fits, since, error

    def training(self, step: int, part: int = 0, parts: int = 1) -> tuple[Tensor, dict]:
        loss, terms = super().training(step, part, parts)
        if step >= self.since and len(loss) > self.fits:
            raise self.error
        return loss, terms


def trained(
    fits: int = BATCH,
    since: int = 0,
    error: Exception | None = None,
    folder: Path | None = None,
    length: Length | None = None,
) -> Trained:
    network = make_network()
    task = Short(network, fits, since, error or MemoryError())
    settings = how(length=length or Length(steps=40), batch=BATCH)
    return train_network(network, task, settings, folder=folder, resume=folder is not None)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
    ],
)
def test_M3_a_step_without_memory_is_repeated_in_halves(error: Exception) -> None:
    whole, halves = trained(), trained(fits=2, since=10, error=error)
    assert whole.length.halved_at == ()
    assert halves.length.halved_at == (10, 10)
    assert [record.step for record in halves.history] == [record.step for record in whole.history]
    for name, value in whole.network.state_dict().items():
        torch.testing.assert_close(value, halves.network.state_dict()[name], rtol=1e-4, atol=1e-5)
    last = (one.history[-1].train["nll"] for one in (whole, halves))
    assert next(last) == pytest.approx(next(last), rel=1e-3)


def test_M3_a_resumed_run_and_a_replayed_one_compute_in_the_same_parts(tmp_path: Path) -> None:
    first = trained(fits=4, since=10, folder=tmp_path / "a")
    replayed = trained(length=first.length)
    assert replayed.weights_sha256 == first.weights_sha256
    assert replayed.length == first.length
    resumed = trained(folder=tmp_path / "a", length=Length(steps=40))
    assert resumed.length.halved_at == (10,)
    assert resumed.weights_sha256 == first.weights_sha256


def test_M3_one_sample_too_many_ends_with_the_step_and_a_remedy() -> None:
    with pytest.raises(IncompleteError, match=r"step 10 with one sample(?s:.*)coarser"):
        trained(fits=0, since=10)


def test_another_error_is_not_taken_for_one_of_memory() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        trained(fits=2, since=3, error=RuntimeError("shapes do not match"))


def test_M3_the_plan_of_a_run_says_what_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    from latentomics.models import network as networks

    plan = make_plan(make_spec(), length=Length(epochs=4))
    whole = run_fit(plan)
    encode = networks.Network.encode
    made = type(whole.network)

    def short(self: nn.Module, values: Tensor) -> object:
        if len(values) > 4:
            raise MemoryError
        return original(self, values)

    original = made.encode if made.encode is not encode else encode
    monkeypatch.setattr(made, "encode", short)
    halves = run_fit(plan)
    assert halves.plan.length.value.halved_at == (0,)
    assert "memory ran out at step 0" in halves.plan.length.reason
    assert halves.plan.batch.value == plan.batch.value
    totals = [[r.validation["total"] for r in one.history] for one in (whole, halves)]
    np.testing.assert_allclose(*totals, rtol=0.02)


def test_parts_double_with_each_fault() -> None:
    assert [parts_at(Length(halved_at=(2, 2, 7)), step) for step in (1, 2, 6, 7)] == [1, 4, 4, 8]
