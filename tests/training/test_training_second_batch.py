"""The second batch of a companion is drawn as the first is: moved and corrupted (METHODS 8)."""

from __future__ import annotations

import torch
from training_plan import MemoryStore, make_plan, make_spec

from latentomics.methods import method_of
from latentomics.models import build_network
from latentomics.planning import Noise
from latentomics.training.fit import make_task
from latentomics.training.task import AutoencoderTask

NOISE = Noise(model="gaussian", sigma=0.3, unit="scale")


def task_of(**changes: object) -> AutoencoderTask:
    """Of training samples that are all the same picture."""
    plan = make_plan(make_spec(code="gaussian"), method="factor-vae", **changes)
    store = MemoryStore(20, 1)
    store.values[:] = store.values[:1].clone()
    network = build_network(plan.network.value, 0)
    return make_task(plan, method_of(plan), network, store, MemoryStore(9, 2))  # type: ignore[arg-type]


def spread(draws: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(draws).std(0)


def test_codes_of_both_batches_spread_alike_where_samples_are_moved_and_corrupted() -> None:
    """A discriminator would else tell moved pictures from still ones, and no dependence."""
    task = task_of(shift=3, noise=NOISE)
    encode, codes = task.network.encode, []

    def see(values: torch.Tensor) -> object:
        codes.append(encode(values))
        return codes[-1]

    task.network.encode = see  # type: ignore[method-assign,assignment]
    for step in range(24):
        task.training(step)
    first, second = (spread([code.mean.detach() for code in codes[n::2]]) for n in (0, 1))
    assert first.min() > 0
    torch.testing.assert_close(second, first, rtol=0.25, atol=0)


def test_a_second_batch_is_the_same_in_however_many_parts() -> None:
    task = task_of(shift=3, noise=NOISE)
    seen: list[torch.Tensor] = []
    task.network.encode = lambda v, e=task.network.encode: seen.append(v) or e(v)  # type: ignore[method-assign,assignment,func-returns-value,misc]
    with torch.no_grad():
        task._shuffled(5, 0, 1)
        for part in range(2):
            task._shuffled(5, part, 2)
    whole, even, odd = seen
    assert torch.equal(whole[::2], even)
    assert torch.equal(whole[1::2], odd)
