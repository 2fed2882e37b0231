"""Use a network so that what it says of a case is the case's own (PROMISES D2).

In: a network and samples of a store. Out: what is read in each, in float32. Samples go through in
chunks of one fixed size, the last one padded, and one thread a chunk, so that a case's bytes do not
depend on its neighbours, their order or the number of cores; a map is read one case at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from latentomics.core import FloatArray
from latentomics.dataset import Store
from latentomics.features.samples import input_of

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.models import Network

CHUNK = 8  # samples read together; part of what a model is
MOST_AT_ONCE = 8  # chunks or maps in memory together, however many cores there are
AHEAD = 4  # chunks or maps a thread that are asked for before they are needed
Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def reading(network: Network) -> Iterator[None]:
    """Put a network into evaluation on one thread, without gradients or autocast, and back.

    Several threads add up in another order than one: the last bits would depend on their number.
    """
    import torch

    was_training, threads = network.training, torch.get_num_threads()
    network.eval()
    torch.set_num_threads(1)
    try:
        with _inference(network):
            yield
    finally:
        torch.set_num_threads(threads)
        network.train(was_training)


@contextmanager
def _inference(network: Network) -> Iterator[None]:
    """Leave out gradients and autocast, which torch keeps for each thread."""
    import torch

    device = next(network.parameters()).device.type
    with torch.inference_mode(), torch.autocast(device, enabled=False):
        yield


def read_each(
    network: Network, read: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[Result]:
    """Give what a network reads in each item, in their order; as many at once as torch has threads.

    Parameters
    ----------
    read : callable
        Uses the network; runs in a thread of its own, as ``reading`` says.
    """
    import torch

    waiting: deque[Future[Result]] = deque()  # never all of them: results would pile up
    at_once = min(torch.get_num_threads(), MOST_AT_ONCE)
    if next(network.parameters()).is_cuda:
        at_once = 1

    def alone(item: Item) -> Result:
        with _inference(network):
            return read(item)

    with reading(network), ThreadPoolExecutor(at_once) as pool:
        for item in items:
            waiting.append(pool.submit(alone, item))
            if len(waiting) > AHEAD * at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def chunks(store: Store) -> list[range]:
    """Return the rows of each chunk."""
    starts = range(0, len(store), CHUNK)
    return [range(start, min(start + CHUNK, len(store))) for start in starts]


def chunk_of(network: Network, store: Store, rows: Sequence[int]) -> Tensor:
    """Return the input of a chunk (CHUNK, channels, *size), padded with zeros."""
    inputs = np.stack([input_of(store, row, network.spec.channels_in) for row in rows])
    padding = [(0, CHUNK - len(inputs)), *[(0, 0)] * (inputs.ndim - 1)]
    return tensor_of(network, np.pad(inputs, padding))


def tensor_of(network: Network, values: FloatArray) -> Tensor:
    """Return a copy beside the network, aligned as torch likes it wherever the values lie."""
    import torch

    return torch.tensor(values, device=next(network.parameters()).device)
