"""A dense network beside the autoencoder, with its own optimiser.

In: codes (batch, latent). Out: what it says of them. It learns when it is asked to, and else passes
gradients on to the codes alone; its weights and the optimiser's moments are what is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from latentomics.core import stream_seed

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

WIDTH, LAYERS, SLOPE = 256, 3, 0.2
RATE, BETAS = 1e-3, (0.5, 0.9)


class SecondNetwork:
    """Leaky layers, drawn from the stream ``name`` of the seed; one step of Adam at a time."""

    def __init__(
        self, name: str, latent: int, outputs: int, device: torch.device, seed: int
    ) -> None:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(seed, name))
            self.network = _dense(latent, outputs).to(device).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.network.parameters(), RATE, BETAS)

    def __call__(self, codes: Tensor) -> Tensor:
        """Return (batch, outputs)."""
        output: Tensor = self.network(codes)
        return output

    def learn(self, loss: Callable[[], Tensor]) -> None:
        """Do one step down a loss of the network's own parameters."""
        self.network.requires_grad_(True)
        self.optimiser.zero_grad(set_to_none=True)
        loss().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.network.requires_grad_(False)

    def state(self) -> dict[str, Tensor]:
        """Return weights and moments."""
        state = {f"weights/{name}": value for name, value in self.network.state_dict().items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            state |= {f"moments/{number}/{name}": value for name, value in moments.items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from them."""
        weights: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            kind, _, rest = name.partition("/")
            if kind == "weights":
                weights[rest] = value
            else:
                number, _, moment = rest.partition("/")
                # cloned: the optimiser would go on in the very tensors that it is given
                moments.setdefault(int(number), {})[moment] = value.clone()
        self.network.load_state_dict(weights)
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})


def _dense(latent: int, outputs: int) -> nn.Sequential:
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in pairwise((latent, *[WIDTH] * LAYERS)):
        layers += [nn.Linear(before, after), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, outputs))
