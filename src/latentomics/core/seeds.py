"""Random numbers by name: one integer seeds every stream, and no stream depends on another.

Each use of randomness asks for its own stream by name and counters (epoch, step, case), so a draw
depends on what it is for and never on what was drawn before: a resumed run needs no stored state.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream_seed(seed: int, *name: str | int) -> int:
    """Return a 63-bit seed for the stream ``name`` of ``seed``.

    Examples
    --------
    >>> stream_seed(0, "noise", 1) == stream_seed(0, "noise", 1)
    True
    >>> stream_seed(0, "noise", 1) == stream_seed(0, "noise", 2)
    False
    """
    words = [seed, *(part if isinstance(part, int) else _word(part) for part in name)]
    state = np.random.SeedSequence([word % 2**64 for word in words]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """Return a numpy generator for the stream ``name`` of ``seed``."""
    return np.random.default_rng(stream_seed(seed, *name))


def _word(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
