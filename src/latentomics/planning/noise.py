"""Corruption of the input while training: which physics, and at what level.

In: a fingerprint, the method's name and settings that were asked for. Out: a choice with its
reason. A level is the one that was measured, where it can be measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from latentomics.core import RequestError
from latentomics.noise import NOISES, noise_setting_names
from latentomics.planning.fingerprint import Fingerprint
from latentomics.planning.plan import Choice, Noise

LEAST_HU, LEAST_SCALE = 10.0, 0.05  # less noise than that teaches nothing
MASKED = 0.25  # of the elements or blocks, Vincent et al. 2010
PHOTONS = 1e4  # a low dose (METHODS, section 5)
E_FOLDS = 4.0  # of a radiograph's beam, from the brightest to the darkest of normalised values

Asked = Mapping[str, float | str | bool]


def choose_noise(found: Fingerprint, method: str, asked: Asked) -> Choice[Noise | None]:
    """Corrupt by the modality's physics at the level that was measured, or as asked.

    Raises
    ------
    RequestError
        For an unknown model, a level that is no number, or an option of another model.
    """
    own = {name: value for name, value in asked.items() if name in noise_setting_names()}
    if not own and method != "denoising":
        return Choice(value=None, reason=f"{method} sees the images as they are")
    usual = {"MR": "rician"}.get(found.modality, "gaussian")
    model = str(own.get("noise", usual))
    noise, reason = _usual(found, NOISES[model].name)
    for name in own.keys() - {"noise"}:
        noise = _changed(noise, name, own[name])
    if own:
        reason = "--set " + ", ".join(f"{name}={value}" for name, value in own.items())
    return Choice(value=noise, reason=reason)


def _usual(found: Fingerprint, model: str) -> tuple[Noise, str]:
    if model in ("masking", "coarse"):
        return Noise(model=model, sigma=MASKED, unit="probability"), f"{MASKED:.0%} are hidden"
    if model == "poisson":
        noise = Noise(
            model=model,
            sigma=PHOTONS**-0.5,
            unit="1 / sqrt(photons)",
            options={"e_folds": E_FOLDS},
        )
        return noise, f"{PHOTONS:g} photons a ray where the image is 0"
    if found.modality == "CT":
        level = Noise(model=model, sigma=max(found.noise, LEAST_HU), unit="HU")
        return level, f"CT: {model} in HU, at the measured {found.noise:.1f} HU"
    level = Noise(model=model, sigma=max(found.noise_relative, LEAST_SCALE), unit="scale")
    return level, f"{found.modality}: {model}, at the measured {found.noise_relative:.2f} SDs"


def _changed(noise: Noise, name: str, value: float | str | bool) -> Noise:
    if isinstance(value, (str, bool)) or not 0 <= value < math.inf:
        raise RequestError(
            f"setting {name} is not a number of 0 or more", f"{name} = {value!r}", "give a number"
        )
    if name == "sigma":
        return noise.model_copy(update={"sigma": float(value)})
    if name == "photons" and noise.model == "poisson" and value > 0:
        return noise.model_copy(update={"sigma": float(value) ** -0.5})
    if name in NOISES[noise.model].options:
        return noise.model_copy(update={"options": {**noise.options, name: float(value)}})
    raise RequestError(
        f"{noise.model} noise has no {name}",
        f"{name} = {value}",
        f"it has {', '.join(('sigma', *NOISES[noise.model].options))}",
    )
