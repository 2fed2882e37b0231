"""What a decoder's output says about the intensities of a sample.

In: output (batch, channels, *size). Out: expected intensities (batch, channels, *size).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MEAN, LOGITS, MEAN_AND_LOG_SD = "mean", "logits", "mean and log SD"

# the last one has twice the channels: all means, then all log SDs
_EXPECTED: dict[str, Callable[[Tensor], Tensor]] = {
    MEAN: lambda output: output,
    LOGITS: lambda output: output.sigmoid(),
    MEAN_AND_LOG_SD: lambda output: output.chunk(2, dim=1)[0],
}
OUTPUTS = tuple(_EXPECTED)


def expected_values(output: Tensor, kind: str) -> Tensor:
    """Return the intensities that an output of some kind expects."""
    return _EXPECTED[kind](output)
