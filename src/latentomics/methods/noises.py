"""What noise a plan must not corrupt its samples with.

In: a plan. Out: pairings that make no sense, each with whether it is there, what it is and the
remedy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentomics.noise import NOISES

if TYPE_CHECKING:
    from latentomics.planning import Plan

RECONSTRUCTED = ("hu-window", "suv")  # normalisations of values that a scanner computed


def noise_conflicts(plan: Plan) -> tuple[tuple[bool, str, str], ...]:
    """Return what the plan's noise may not be."""
    noise = plan.noise.value
    if noise is None:
        return ()
    model, values = NOISES[noise.model], plan.normalisation.value
    unknown = sorted(noise.options.keys() - model.options.keys())
    asked = str(plan.request.settings.get("noise", noise.model))
    return (
        (
            noise.model == "rician" and values in RECONSTRUCTED,
            "Rician noise on HU or SUV, which are no magnitudes",
            "use gaussian or correlated noise",
        ),
        (
            model.takes == "line integrals" and values in RECONSTRUCTED,
            f"{noise.model} noise on HU or SUV: photons are counted before a scanner reconstructs",
            "use correlated noise, which is what low doses look like in the image",
        ),
        (
            model.distribution == "uniform" and noise.sigma > 1,
            f"{noise.model} noise of probability {noise.sigma:g}",
            "set sigma to a probability, 0 to 1",
        ),
        (
            bool(unknown),
            f"{noise.model} noise that has {', '.join(unknown)}",
            f"it has {', '.join(model.options) or 'no options'}",
        ),
        (
            asked != noise.model,
            f"noise {noise.model} where {asked} was asked for",
            "set noise and the request's settings to the same model",
        ),
    )
