"""How likely samples are under a network with a Gaussian code, by draws from its posterior.

In: a network, the likelihood it was trained with, and samples of one size. Out: the logarithms of
the importance weights p(x|z) p(z) / q(z|x) of every draw, (samples, draws) nats, and of each sample
how many values count. Only the image's own channels count, and of them the voxels that weigh 1 in
the objective: a weight between 0 and 1 is no density. Draws are a case's own, whatever lies beside.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latentomics.core import (
    MEAN_AND_LOG_SD,
    DoubleArray,
    Gaussian,
    RequestError,
    StepView,
    stream,
)
from latentomics.dataset import Store
from latentomics.features.reading import read_each, reading
from latentomics.features.samples import input_of
from latentomics.methods import LATER
from latentomics.objectives import LIKELIHOODS, SMALLEST_LOG_SCALE

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.models import Network

AT_ONCE = 32  # draws decoded together
ENOUGH = 1024  # samples that a noise level is taken from


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighed:
    """Importance weights of samples.

    ``log_weights`` (samples, draws), nats; ``values`` (samples,), how many values of a sample
    count; ``log_scale`` (samples,), the sum over them of the logarithm of the unit in which they
    were normalised, which takes a density to the acquisition's unit.
    """

    log_weights: DoubleArray
    values: DoubleArray
    log_scale: DoubleArray


def importance_weights(
    network: Network,
    likelihood: str,
    store: Store,
    *,
    draws: int,
    seed: int,
    log_sd: float | None = None,
    on_done: Callable[[object], None] = lambda _: None,
) -> Weighed:
    """Draw codes of every sample from its posterior, and weigh them by the prior.

    Parameters
    ----------
    likelihood : str
        Name in ``LIKELIHOODS``.
    draws : int
        Codes a sample.
    log_sd : float, optional
        Of the likelihood's noise, where it is one number for all voxels; see ``noise_log_sd``.
    on_done : callable
        Called after each sample.

    Raises
    ------
    RequestError
        Where the code is no Gaussian one.

    References
    ----------
    Burda et al., 2016, arXiv:1509.00519; METHODS, section 6.
    """
    found = np.empty((len(store), draws))
    values, log_scale = np.empty(len(store)), np.empty(len(store))
    names = _names(store)

    def read(row: int) -> tuple[DoubleArray, float]:
        target, weight = _target(store, row)
        code = _posterior(network, store, row)
        noise = _noise(code, draws, seed, "importance", *names[row])
        some = _log_weights(network, likelihood, code, noise, target, weight, log_sd)
        return some.cpu().numpy(), float(weight.sum())

    for row, (some, voxels) in enumerate(read_each(network, read, range(len(store)))):
        found[row] = some
        values[row] = voxels * store.channels
        log_scale[row] = voxels * float(np.log(store.sample(row).frame.scale).sum())
        on_done(row)
    return Weighed(log_weights=found, values=values, log_scale=log_scale)


def noise_log_sd(network: Network, likelihood: str, store: Store, seed: int) -> float | None:
    """Return the log SD of a likelihood with one noise level, None where it needs none.

    A network that keeps it is asked; else it is the root of the mean squared error of samples,
    which have to be those of training, each rebuilt from one draw of its code, and as in training
    never below the smallest level.
    """
    if LIKELIHOODS[likelihood].per_sample:
        return None
    kept = getattr(network, "log_scale", None)
    if kept is not None:
        return float(kept.item())
    error = count = 0.0
    with reading(network):
        for row, name in list(enumerate(_names(store)))[:: -(-len(store) // ENOUGH)]:
            target, weight = _target(store, row)
            code = _posterior(network, store, row)
            z = code.mean + (0.5 * code.log_var).exp() * _noise(code, 1, seed, "noise level", *name)
            output = _decoded(network, z, store.channels).cpu()
            error += float(((output - target).square() * weight).sum())
            count += float(weight.sum()) * store.channels
    variance = error / max(count, 1.0)
    return max(SMALLEST_LOG_SCALE, 0.5 * math.log(variance)) if variance else SMALLEST_LOG_SCALE


def _names(store: Store) -> list[tuple[str, int]]:
    """Return a name for each sample: its case, and which of the case's samples it is."""
    seen: Counter[str] = Counter()
    names = []
    for case in store.cases:
        names.append((case, seen[case]))
        seen[case] += 1
    return names


def _noise(code: Gaussian, draws: int, seed: int, *name: str | int) -> Tensor:
    import torch

    drawn = stream(seed, *name).standard_normal((draws, code.mean.shape[1]))
    return torch.from_numpy(drawn).to(code.mean.device)


def _target(store: Store, row: int) -> tuple[Tensor, Tensor]:
    """Return a sample's values (1, C, *size) and which of its voxels count (1, 1, *size)."""
    batch = store.batch(np.array([row]), None)
    return batch.values.double(), (batch.weight >= 1).double()


def _posterior(network: Network, store: Store, row: int) -> Gaussian:
    import torch

    device = next(network.parameters()).device
    values = input_of(store, row, network.spec.channels_in)
    code = network.encode(torch.from_numpy(values[None]).to(device))
    if not isinstance(code, Gaussian):
        raise RequestError(
            "a likelihood needs a posterior, and this code is none",
            f"code {network.spec.code}",
            "use a method with a Gaussian code, such as vae",
        )
    return Gaussian(mean=code.mean.double(), log_var=code.log_var.double())


def _log_weights(
    network: Network,
    likelihood: str,
    code: Gaussian,
    noise: Tensor,
    target: Tensor,
    weight: Tensor,
    log_sd: float | None,
) -> Tensor:
    """Return log p(x|z) + log p(z) - log q(z|x) of the draws that noise (draws, latent) gives."""
    import torch

    found = []
    for drawn in torch.split(noise, AT_ONCE):
        z = code.mean + (0.5 * code.log_var).exp() * drawn
        view = StepView(
            target=target.to(z.device).expand(len(z), *target.shape[1:]),
            weight=weight.to(z.device).expand(len(z), *weight.shape[1:]),
            code=code,
            draw=z,
            output=_decoded(network, z, target.shape[1]),
            log_scale=None if log_sd is None else z.new_tensor(log_sd),
            second=None,
            domain=None,
            step=LATER,
            cohort_size=1,
        )
        ratio = 0.5 * (code.log_var + drawn.square() - z.square()).sum(1)
        found.append(ratio - LIKELIHOODS[likelihood].nll(view))
    return torch.cat(found)


def _decoded(network: Network, z: Tensor, channels: int) -> Tensor:
    """Return what the decoder says of the image's own channels; the mask is the last one."""
    import torch

    output = network.decode(z.float()).double()
    if network.spec.output != MEAN_AND_LOG_SD:
        return output[:, :channels]
    mean, log_sd = output.chunk(2, dim=1)
    return torch.cat([mean[:, :channels], log_sd[:, :channels]], dim=1)
