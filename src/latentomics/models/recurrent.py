"""Recurrent encoder and decoder of signals (METHODS, section 16).

In: signals (batch, channels_in, n) of any length; where there is one channel more than goes out, it
says which samples are valid. Out: a Gaussian or point code of the state after the last valid sample
and reconstructions (batch, channels_out, n). The decoder is fed a constant (as good as zeros beside
its biases) and never the signal, so that all it knows comes through the code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentomics.core import Code, NetworkSpec, RequestError
from latentomics.models.codes import CodeHead
from latentomics.models.network import NETWORKS, Network, refuse_codes


@NETWORKS.register("recurrent")
class RecurrentNetwork(Network):
    """A GRU of ``widths[0]`` units into the code, another out of it."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        refuse_codes(spec, "gaussian", "point")
        if spec.dimension != 1 or len(spec.widths) != 1:
            raise RequestError(
                "a recurrent network reads signals, with one number of units",
                f"{spec.dimension} dimensions, widths {spec.widths}",
                "use it in one dimension and set widths to one number",
            )
        units = spec.widths[0]
        self.code_head = CodeHead(spec)
        self.reader = nn.GRU(spec.channels_in, units, batch_first=True)
        self.into_code = nn.Linear(units, self.code_head.width)
        self.from_code = nn.Linear(spec.latent, units)
        self.writer = nn.GRU(1, units, batch_first=True)
        self.output = nn.Linear(units, spec.decoder_channels)

    def encode(self, values: Tensor) -> Code:
        """Return the code of signals; what lies in invalid samples changes nothing."""
        valid = self._valid(values)  # (batch, 1, n)
        given = values.clone()
        given[:, : self.spec.channels_out] *= valid
        states, _ = self.reader(given.mT)  # (batch, n, units)
        steps = torch.arange(1, values.shape[2] + 1, device=values.device)
        last = (valid[:, 0] * steps).amax(1).long().clamp_min(1) - 1
        code: Code = self.code_head(self.into_code(states[torch.arange(states.shape[0]), last]))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Return reconstructions (batch, channels_out, n) of the spec's length."""
        constant = code.new_ones(code.shape[0], self.spec.size[0], 1)
        start = self.from_code(code).tanh().float()
        states, _ = self.writer(constant, start[None])
        output: Tensor = self.output(states)
        return output.mT.float()

    def _valid(self, values: Tensor) -> Tensor:
        if self.spec.channels_in == self.spec.channels_out:
            return torch.ones_like(values[:, :1])
        return (values[:, self.spec.channels_out :] > 0).to(values.dtype)
