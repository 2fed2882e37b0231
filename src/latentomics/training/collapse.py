"""Whether a Gaussian code still says anything, and whether training was long enough to tell.

In: the codes of the validation samples. Out: terms for the history (KL of each latent in nats, the
number of latents in use), and a warning in words with its remedy once the code has collapsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from latentomics.core import Code, Gaussian
from latentomics.objectives import FIXED_VARIANCE, kl_by_latent
from latentomics.training.records import EpochRecord, Terms

if TYPE_CHECKING:
    from torch import Tensor

    from latentomics.methods import Method

ACTIVE_VARIANCE = 0.01  # of the posterior means over samples (Burda et al. 2016; METHODS 11)
COLLAPSED_SHARE = 0.1  # of latents in use


@dataclass(frozen=True, slots=True)
class LatentWatch:
    """Collects the codes of a validation pass."""

    means: list[Tensor] = field(default_factory=list)
    divergences: list[Tensor] = field(default_factory=list)

    def see(self, code: Code) -> None:
        """Take the codes of some samples."""
        if isinstance(code, Gaussian):
            self.means.append(code.mean.double())
            self.divergences.append(kl_by_latent(code).double())

    def terms(self) -> Terms:
        """Return ``active_latents`` and ``kl_000``, ``kl_001``, ...; nothing for other codes."""
        import torch

        if not self.means:
            return {}
        variance = torch.cat(self.means).var(0, correction=0)
        divergence = torch.cat(self.divergences).mean(0).tolist()
        active = int((variance > ACTIVE_VARIANCE).sum())
        named = {f"kl_{number:03d}": value for number, value in enumerate(divergence)}
        return {"active_latents": float(active), **named}


def collapse_remark(
    step: int, terms: Terms, history: Sequence[EpochRecord], method: Method, latent: int
) -> str:
    """Return a warning when the code was collapsed at this validation and at the one before it.

    Weights and capacities that still grow are waited for, and what was said once is not said again.
    """
    if not history or any(record.remark for record in history):
        return ""
    full = all(step >= steps for steps in _growth(method).values())
    before = history[-1].validation.get("active_latents", float("inf"))
    most = COLLAPSED_SHARE * latent
    active = terms.get("active_latents", float("inf"))
    if not full or not history[-1].step or max(active, before) > most:
        return ""
    return (
        f"The code has collapsed: at step {step} {active:.0f} of {latent} latents vary between "
        f"samples (KL {terms['kl']:.2g} nats). {_remedy(method)}"
    )


def unfinished_remark(step: int, method: Method) -> str:
    """Return a warning where training ends at a step before the method is what it is to be."""
    growing = {name: steps for name, steps in _growth(method).items() if step < steps}
    if not step or not growing:
        return ""
    name, steps = next(iter(growing.items()))
    return (
        f"Training ended at step {step:,}, while weights of the method still grew ({name} "
        f"{steps:,.0f}): the model was hardly trained for what the method is for. Train for "
        f"longer, or use --set {name}={max(1, step // 2)}."
    )


def _growth(method: Method) -> dict[str, float]:
    """Return the settings that say over how many steps weights and capacities grow."""
    warm_up = 0 if method.schedule == "constant" else method.warm_up_steps
    capacity = float(method.all_options().get("capacity_steps", 0))
    return {"warm_up_steps": warm_up, "capacity_steps": capacity}


def _remedy(method: Method) -> str:
    options, weight = method.all_options(), method.penalties.get("kl", 0.0)
    if "capacity" in options:
        return f"Let the code hold more with --set capacity (now {options['capacity']:g} nats)."
    price = f"{_cheaper(method)} (the KL weighs {weight:g})"
    if method.likelihood == "gaussian" and weight:
        return (
            f"With a fixed noise variance s2 = {FIXED_VARIANCE:g} a latent stays in use only where "
            f"it explains a variance above beta * s2 = {weight * FIXED_VARIANCE:.3g}: {price}, "
            "or learn the noise with --set likelihood=gaussian-learned."
        )
    return (
        f"{price[0].upper()}{price[1:]}, let it grow over more steps with --set warm_up_steps, or "
        "use annealed-vae with --set free_nats=0.1."
    )


def _cheaper(method: Method) -> str:
    """Return how to lower the weight of the KL, by the setting's own name."""
    settings = method.all_settings()
    moves = {name: settings[name].weights.get("kl", 0.0) for name in settings}
    name = next((name for name, factor in moves.items() if factor), "beta")
    return f"{'raise' if moves.get(name, 1) < 0 else 'lower'} {name}"
