"""A codebook that follows what it stands for.

In: vectors (batch, depth, *positions), or codes (batch, latent) cut into vectors of ``depth``
numbers. Out: the nearest entries and their numbers. The entries are running means of the vectors
that chose them and have no gradient (METHODS, section 10); they change in ``observe`` alone, which
training calls once a step, so that encoding never changes them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentomics.core import Quantised, RequestError

DECAY = 0.99  # METHODS, section 10
SMOOTHING = 1e-5  # of the counts, METHODS, section 10


class Quantiser(nn.Module):
    """``size`` entries of ``depth`` numbers; buffers, so that a checkpoint holds them."""

    entries: Tensor
    count: Tensor
    total: Tensor
    used: Tensor
    measured: Tensor

    def __init__(self, size: int, depth: int) -> None:
        super().__init__()
        if size < 2:
            raise RequestError(
                "a codebook needs at least two entries", f"codebook {size}", "set it to 64, say"
            )
        self.depth = depth
        entries = torch.randn(size, depth)
        self.register_buffer("entries", entries)
        self.register_buffer("count", torch.zeros(size))  # running number of vectors of a step
        self.register_buffer("total", torch.zeros(size, depth))  # running sum of these vectors
        self.register_buffer("used", torch.zeros(size))  # in this epoch
        self.register_buffer("measured", torch.tensor([float(size), 0.0]))  # of the last epoch

    def forward(self, values: Tensor) -> Quantised:
        """Return the nearest entry of each vector; its gradient goes to the vector."""
        values = values.float()
        index = self._nearest(self._rows(values)).reshape(
            values.shape[0], *(values.shape[2:] or (-1,))
        )
        chosen = functional.embedding(index, self.entries)  # (batch, *parts, depth)
        chosen = chosen.flatten(1) if values.ndim == 2 else chosen.movedim(-1, 1)
        through = chosen + (values - values.detach())  # exactly the entry
        return Quantised(z=through, index=index, encoded=values)

    @torch.no_grad()
    def observe(
        self, encoded: Tensor, index: Tensor, *, epoch_ends: bool, generator: torch.Generator
    ) -> None:
        """Move the entries towards the vectors that chose them.

        Parameters
        ----------
        encoded, index : Tensor
            Of a code, see ``Quantised``.
        epoch_ends : bool
            Whether this step is an epoch's last: perplexity and dead entries are counted then, and
            entries that nothing chose start again at random vectors of this step.
        generator : Generator
            Of these choices, and of the entries at the very first step.
        """
        rows = self._rows(encoded.detach().float())
        index = index.reshape(-1)
        if not self.count.any():
            self._restart(rows, torch.ones_like(self.count, dtype=torch.bool), generator)
            index = self._nearest(rows)
        chosen = functional.one_hot(index, len(self.entries)).double()  # (vectors, entries)
        hits = chosen.sum(0).float()
        self.count.lerp_(hits, 1 - DECAY)
        self.total.lerp_((chosen.mT @ rows.double()).float(), 1 - DECAY)
        everything = self.count.sum()
        smooth = (self.count + SMOOTHING) / (everything + len(self.count) * SMOOTHING) * everything
        self.entries.copy_(self.total / smooth[:, None])
        self.used += hits
        if epoch_ends:
            unused = self.used == 0
            self.measured.copy_(torch.stack([perplexity(self.used), unused.sum().float()]))
            self._restart(rows, unused, generator)
            self.used.zero_()

    def measures(self) -> dict[str, float]:
        """Return the perplexity and the dead entries of the last whole epoch."""
        found, dead = self.measured.tolist()
        return {"perplexity": found, "dead_entries": dead}

    def _rows(self, values: Tensor) -> Tensor:
        """Return all vectors, (vectors, depth)."""
        return values.movedim(1, -1).reshape(-1, self.depth)

    def _nearest(self, rows: Tensor) -> Tensor:
        entries = self.entries.double()  # which autocast leaves alone
        apart = entries.square().sum(1) - 2 * rows.double() @ entries.mT
        nearest: Tensor = apart.argmin(1)
        return nearest

    def _restart(self, rows: Tensor, dead: Tensor, generator: torch.Generator) -> None:
        order = torch.randperm(len(rows), generator=generator, device=rows.device)
        chosen = rows[order.repeat(-(-len(dead) // len(rows)))[: len(dead)]]
        self.entries.copy_(torch.where(dead[:, None], chosen, self.entries))
        self.count.masked_fill_(dead, 1.0)
        self.total.copy_(torch.where(dead[:, None], chosen, self.total))


def perplexity(counts: Tensor) -> Tensor:
    """Return exp of the entropy of how often entries are chosen: all alike give their number.

    Examples
    --------
    >>> round(float(perplexity(torch.tensor([4.0, 2.0, 1.0, 1.0]))), 6)  # KA-10.2
    3.363586
    """
    share = counts / counts.sum().clamp_min(1)
    found: Tensor = torch.special.entr(share).sum().exp()
    return found
