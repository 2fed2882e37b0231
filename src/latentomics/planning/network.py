"""Choices about what is learned: method, code, network, noise, batch, length.

In: a fingerprint, the view, the spectrum of training crops and the hardware. Out: choices with
reasons. A spectrum holds the shares of variance that the leading components explain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from latentomics.core import MEAN, NetworkSpec
from latentomics.dataset import Deformation
from latentomics.planning.kinds import completed, levels_of, own_shape
from latentomics.planning.plan import DEFAULT_BUDGET_S, Choice, Length, View

LATENTS = (8, 16, 32, 64)
LOCAL_WIDTHS = (16, 32)  # every case is read whole in 8 flips: encoding is what costs
EXPLAINED = 0.95  # share of variance that the code should be able to hold
MANY_CASES = 1000  # that need no deformed copies to generalise
FEWEST_SHIFT, SHIFT_PARTS = 2, 8  # of capsules: an eighth of the sample, and two voxels at least
DEFORMATION = Deformation(rotation_degrees=15.0, scaling=0.1, shift=2.0, bending=1.0)


def choose_method(view: View) -> Choice[str]:
    """Local codes for lesions, one global code else."""
    if view == "local":
        return Choice(
            value="local",
            reason="local codes by region describe lesions best (docs/decisions)",
        )
    return Choice(
        value="autoencoder",
        reason=f"view {view}: one code for the whole sample; other objectives gained nothing on "
        "the probes explored (docs/decisions)",
    )


def choose_latent(training: int, view: View, spectrum: Sequence[float]) -> Choice[int]:
    """Length of the code, from the spectrum and the number of training cases."""
    if view == "local":
        value = 16 if training >= 100 else 8
        return Choice(value=value, reason=f"channels of a code map for {training} training cases")
    most = max((k for k in LATENTS if k <= max(training / 2, LATENTS[0])), default=LATENTS[0])
    explained = 0.0
    for latent in LATENTS:
        explained = sum(spectrum[:latent])
        if latent == most or explained >= EXPLAINED:
            break
    return Choice(
        value=latent,
        reason=f"{latent} components hold {explained:.0%} of the variance of the training crops "
        f"(goal {EXPLAINED:.0%}); at most half of {training} training cases",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a method asks of its network; see ``NetworkSpec``."""

    kind: str = "convolutional"
    code: str = "point"
    output: str = MEAN
    linear: bool = True  # whether principal components are a start that the objective agrees with
    latent: int | None = None  # where the method's paper names it
    fields: Mapping[str, object] = field(default_factory=dict)  # others that the method sets
    uses: tuple[str, ...] = ()  # beside pictures


def choose_network(
    asked: Architecture,
    dimension: int,
    size: tuple[int, ...],
    channels: int,
    latent: int,
    training: int,
    *,
    masked: bool = False,
) -> Choice[NetworkSpec]:
    """Architecture: patches at the first layer, so that arithmetic and not memory is the limit.

    ``masked`` says whether the mask goes in as one more channel; a recurrent network, which learns
    from it where a signal is valid, does not give it back.
    """
    kind, images = asked.kind, channels
    channels += masked
    whole = kind == "convolutional" and asked.code in ("point", "gaussian") and asked.linear
    stem, widths = _shape(kind, dimension, size, channels)
    spec = NetworkSpec(
        kind=kind,
        dimension=dimension,
        size=size,
        channels_in=channels,
        channels_out=images if kind == "recurrent" else channels,
        latent=latent,
        code=asked.code,
        stem=stem,
        widths=widths,
        linear_path=(kind == "local" or whole) and asked.output == MEAN,
        output=asked.output,
    )
    spec = completed(spec, asked.fields, training)
    reason = {
        "linear": "closed form: the leading principal components",
        "local": "convolutional throughout, no bottleneck over the whole sample"
        + (", beside a linear path that starts at PCA of its blocks" if spec.linear_path else ""),
        "spatial": f"convolutional throughout, one position of the code for {spec.block} voxels an "
        "axis",
        "dense": f"all values into {' and '.join(map(str, spec.widths))} units",
        "recurrent": "reads a signal sample after sample",
        "capsules": f"{latent // (1 + dimension)} capsules of "
        f"{' and '.join(map(str, spec.widths))} units",
    }.get(
        kind,
        f"reads {'x'.join([str(stem)] * dimension)} patches of "
        f"{'x'.join(map(str, size))} voxels in {len(widths)} levels"
        + (", beside a linear path that starts at PCA" if spec.linear_path else ""),
    )
    return Choice(value=spec, reason=reason)


def _shape(
    kind: str, dimension: int, size: tuple[int, ...], channels: int
) -> tuple[int, tuple[int, ...]]:
    """Return the stem and the widths of a kind of network."""
    if kind == "local":
        return 4, LOCAL_WIDTHS
    return own_shape(kind, channels * math.prod(size)) or levels_of(dimension, size)


def choose_shift(
    view: View, size: tuple[int, ...], *, deformed: bool, kind: str = "convolutional"
) -> Choice[int]:
    """Random shifts while training: the same anatomy a little elsewhere."""
    if kind == "capsules":
        value = max(FEWEST_SHIFT, min(size) // SHIFT_PARTS)
        return Choice(value=value, reason="voxels: the shifts that poses are learned from")
    if deformed:
        return Choice(value=0, reason="the deformation shifts, by parts of a voxel")
    if view in ("local", "patches"):
        return Choice(value=0, reason="patches are cut at random places already")
    value = 2 if min(size) >= 32 else 1
    return Choice(value=value, reason="voxels: the same anatomy a little elsewhere")


def choose_deformation(view: View, dimension: int, training: int) -> Choice[Deformation | None]:
    """Few cases are seen turned, scaled and bent a little, so as not to be learned by heart."""
    if view in ("local", "patches"):
        return Choice(value=None, reason="patches are turned and flipped already")
    if dimension == 1:
        return Choice(value=None, reason="a signal has nothing to turn")
    if training >= MANY_CASES:
        return Choice(value=None, reason=f"{training} training cases vary enough by themselves")
    return Choice(
        value=DEFORMATION,
        reason=f"{training} training cases are few: each is seen turned by up to "
        f"{DEFORMATION.rotation_degrees:g} degrees, scaled by up to {DEFORMATION.scaling:.0%}, "
        f"shifted by up to {DEFORMATION.shift:g} voxels and bent by {DEFORMATION.bending:g} (SD) "
        "(docs/decisions)",
    )


def choose_symmetries(view: View, kind: str = "convolutional") -> Choice[Literal["none", "flips"]]:
    """Average the code over the flips that the anatomy allows."""
    if kind == "capsules":
        return Choice(value="none", reason="a pose has a direction, which a flip turns round")
    if view in ("local", "scaled", "fixed"):
        return Choice(value="flips", reason="a lesion has no up or down")
    return Choice(value="none", reason="the anatomy has a pose")


def choose_batch(training: int, dimension: int) -> Choice[int]:
    """Small batches learn more a second on small cohorts."""
    value = 16 if dimension == 3 else 32
    while value > 4 and value > training:
        value //= 2
    return Choice(value=value, reason="small batches gave more than a larger network")


def choose_length(budget_s: float | None, epochs: int | None) -> Choice[Length]:
    """How long training goes on; of a wall time, what the rest of the run leaves is its own."""
    if epochs is not None:
        return Choice(value=Length(epochs=epochs), reason="--epochs")
    if budget_s is not None:
        return Choice(value=Length(budget_s=budget_s), reason="--budget, for the whole run")
    reason = "the default: about ten minutes for the whole run"
    return Choice(value=Length(budget_s=DEFAULT_BUDGET_S), reason=reason)
