"""From what a cohort is to what will be done about it.

In: the request, the fingerprint of the training cases, the spectrum of a sample of their crops and
the hardware. Out: a ``Plan``. Only training cases decide (PROMISES L2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import numpy as np

from latentomics.core import FloatArray
from latentomics.planning.classic import choose_classic
from latentomics.planning.fingerprint import Fingerprint
from latentomics.planning.geometry import (
    MASKED,
    choose_further,
    choose_margin,
    choose_normalisation,
    choose_size,
    choose_spacing,
    choose_view,
)
from latentomics.planning.kinds import map_channels, whole_capsules
from latentomics.planning.network import (
    Architecture,
    choose_batch,
    choose_deformation,
    choose_latent,
    choose_length,
    choose_method,
    choose_network,
    choose_shift,
    choose_symmetries,
)
from latentomics.planning.noise import choose_noise
from latentomics.planning.plan import (
    SHARES,
    Choice,
    Normalisation,
    Plan,
    Request,
    Scale,
    View,
)
from latentomics.preprocess import Pipeline

T = TypeVar("T")

GLOBAL_METHODS_NEED = "a method with one code for the whole sample needs crops of one size"


def choose_global_view(view: Choice[View]) -> Choice[View]:
    """Replace a local view where the method has one code for the whole lesion."""
    if view.value != "local":
        return view
    return Choice(value="scaled", reason=f"{GLOBAL_METHODS_NEED}; its size is a column of its own")


def make_plan(
    request: Request,
    found: Fingerprint,
    threads: int,
    *,
    architecture_of: Callable[[str], Architecture],
    training: int,
    spectrum: Callable[[Pipeline], Sequence[float]],
    coarser: float = 1.0,
) -> Plan:
    """Decide everything.

    Parameters
    ----------
    request : Request
        What the user asked for.
    found : Fingerprint
        Of the training cases.
    threads : int
        Cores of this machine.
    architecture_of : callable
        Name of a method -> what it asks of its network.
    training : int
        Number of training cases.
    spectrum : callable
        Pipeline -> shares of variance of the leading components of a sample of training crops; only
        called for views with one size.
    coarser : float
        Factor on the spacing, where memory is short.
    """
    view = choose_view(found)
    if request.method is not None and request.method != "local":
        view = choose_global_view(view)
    method = _chosen(request.method, choose_method(view.value), "--method")
    asked = architecture_of(method.value)
    if asked.kind == "recurrent":
        view = _choose_recurrent_view(view)
    spacing = _coarser(choose_spacing(found, view.value), coarser)
    size = choose_size(found, view.value, spacing.value)
    margin = choose_margin(view.value, spacing.value)
    normalisation, window = choose_normalisation(found)
    further = choose_further(found)
    pipeline = Pipeline(
        dimension=found.dimension,
        view=view.value,
        spacing_mm=spacing.value,
        size=size.value,
        margin=margin.value,
        normalisation=normalisation.value,
        window=window.value,
        further=_further(further.value),
    )
    shares = () if view.value == "local" else spectrum(pipeline)
    latent = choose_latent(training, view.value, shares)
    latent = map_channels(latent, asked.kind, size.value, training)
    latent = _chosen(asked.latent, latent, "the method's paper")
    latent = _chosen(request.latent, latent, "--latent")
    mask_channel = _choose_mask_channel(view.value, valid=_masks_are_validity(asked, found))
    deformation = choose_deformation(view.value, found.dimension, training)
    return Plan(
        request=request,
        dimension=Choice(value=found.dimension, reason="the images'"),
        view=view,
        spacing=spacing,
        size=size,
        margin=margin,
        normalisation=normalisation,
        window=window,
        further=further,
        method=method,
        network=choose_network(
            asked,
            found.dimension,
            size.value,
            found.channels,
            whole_capsules(latent.value, found.dimension, asked.kind),
            training,
            masked=mask_channel.value > 0,
        ),
        uses=_choose_uses(asked),
        mask_channel=mask_channel,
        loss_region=_choose_loss_region(view.value, valid=_masks_are_validity(asked, found)),
        noise=choose_noise(found, method.value, request.settings),
        shift=choose_shift(
            view.value, size.value, deformed=deformation.value is not None, kind=asked.kind
        ),
        deformation=deformation,
        symmetries=choose_symmetries(view.value, asked.kind),
        pooled=_choose_pooled(view.value, asked.kind),
        batch=choose_batch(training, found.dimension),
        learning_rate=Choice(value=2e-3, reason="AdamW, flat and then a cosine to nothing"),
        precision=Choice(value="float32", reason="until both were measured"),
        length=choose_length(request.budget_s, request.epochs),
        split=Choice(value=SHARES, reason="train, validation, test; by patient"),
        threads=Choice(value=threads, reason="all cores of this machine"),
        classic=choose_classic(found),
    )


def pipeline_of(plan: Plan) -> Pipeline:
    """Return the preprocessing that a plan asks for."""
    return Pipeline(
        dimension=plan.dimension.value,
        view=plan.view.value,
        spacing_mm=plan.spacing.value,
        size=plan.size.value,
        margin=plan.margin.value,
        normalisation=plan.normalisation.value,
        window=plan.window.value,
        further=_further(plan.further.value),
    )


def _further(scales: Sequence[Scale]) -> tuple[tuple[Normalisation, tuple[float, float]], ...]:
    return tuple((scale.normalisation, scale.window) for scale in scales)


def explained_shares(crops: FloatArray, most: int = 128) -> tuple[float, ...]:
    """Return the shares of variance of the leading components of crops (n, voxels)."""
    centred = crops - crops.mean(0)
    values = np.linalg.eigvalsh((centred @ centred.T).astype(np.float64))[::-1]
    values = np.clip(values, 0, None)
    return tuple(float(value) for value in (values / max(values.sum(), 1e-12))[:most])


def _coarser(spacing: Choice[tuple[float, ...]], factor: float) -> Choice[tuple[float, ...]]:
    if factor == 1.0:
        return spacing
    return Choice(
        value=tuple(float(f"{value * factor:.3g}") for value in spacing.value),
        reason=f"{spacing.reason}; {factor:g} times coarser to fit in memory",
    )


def _chosen(wish: T | None, choice: Choice[T], option: str) -> Choice[T]:
    return choice if wish is None else Choice(value=wish, reason=option)


def _masks_are_validity(asked: Architecture, found: Fingerprint) -> bool:
    return asked.kind == "recurrent" and found.masked >= MASKED


def _choose_recurrent_view(view: Choice[View]) -> Choice[View]:
    if view.value == "whole":
        return view
    return Choice(value="whole", reason="the mask says where the signal is valid (METHODS 16)")


def _choose_mask_channel(view: View, *, valid: bool) -> Choice[float]:
    if valid:
        return Choice(value=1.0, reason="the mask as a channel in: where the signal is valid")
    if view in ("scaled", "fixed"):
        return Choice(value=1.0, reason="the mask as a channel in and out describes the shape")
    if view == "pose":
        return Choice(
            value=2.0,
            reason="the mask as a channel in and out describes the shape; 2 SDs of the image, so "
            "that the code holds it (docs/decisions)",
        )
    return Choice(value=0.0, reason="the network sees the image alone")


def _choose_loss_region(view: View, *, valid: bool) -> Choice[Literal["all", "mask", "mask+ring"]]:
    if valid:
        return Choice(value="mask", reason="only valid samples are to be learned")
    if view in ("local", "scaled", "fixed"):
        return Choice(value="mask+ring", reason="the lesion and its surroundings are to be learned")
    return Choice(value="all", reason="the whole sample is to be learned")


def _choose_uses(asked: Architecture) -> Choice[tuple[str, ...]]:
    if asked.uses:
        reason = "the method learns from it, so what it learns is not blind to it"
        return Choice(value=asked.uses, reason=reason)
    return Choice(value=(), reason="pictures alone")


def _choose_pooled(view: View, kind: str) -> Choice[bool]:
    wanted = view in ("whole", "slices", "patches") and kind == "convolutional"
    reason = "whole images gain from pooled encoder maps" if wanted else "no gain in this view"
    return Choice(value=wanted, reason=reason)
