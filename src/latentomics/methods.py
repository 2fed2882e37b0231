"""Every published method as a short composition of parts.

In: a plan. Out: a ``Method``: which code, corruption, likelihood and penalties training uses. A
method is one entry of ``METHODS``; a pairing that makes no sense is refused before training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from latentomics.core import Registry, RequestError
from latentomics.objectives import LIKELIHOODS, PENALTIES, weights_at

if TYPE_CHECKING:
    from latentomics.planning import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """Parts of a method; penalties are weights in nats per nat (METHODS, section 1).

    ``corruption``: the input is corrupted by the plan's noise. ``second_view``: how each sample is
    transformed for a second code. ``closed_form``: no training. ``local``: the code is a map.
    """

    name: str
    summary: str
    paper: str
    code: str = "point"
    corruption: bool = False
    likelihood: str = "gaussian"
    penalties: Mapping[str, float] = field(default_factory=dict)
    schedule: str = "constant"
    warm_up_steps: int = 0
    second_view: str | None = None
    closed_form: bool = False
    local: bool = False
    dimensions: tuple[int, ...] = (1, 2, 3)

    def weights(self, step: int) -> dict[str, float]:
        """Return the weight of each penalty at a training step."""
        return weights_at(self.penalties, self.schedule, self.warm_up_steps, step)


METHODS: Registry[Method] = Registry("method")

for _method in (
    Method(
        name="linear",
        summary="principal components, in closed form",
        paper="Baldi and Hornik 1989",
        closed_form=True,
    ),
    Method(
        name="local",
        summary="a code that keeps its place, pooled over core, rim and ring of a lesion",
        paper="Masci et al. 2011; regional statistics ours",
        code="map",
        local=True,
    ),
    Method(
        name="autoencoder",
        summary="one code for the whole sample, squared error",
        paper="Masci et al. 2011",
    ),
    Method(
        name="denoising",
        summary="gives back the clean image from one corrupted by the modality's own noise",
        paper="Vincent et al. 2010",
        corruption=True,
    ),
    Method(
        name="vae",
        summary="Gaussian code and learned noise level: a bound on the likelihood",
        paper="Kingma and Welling 2014; Rybkin et al. 2021",
        code="gaussian",
        likelihood="gaussian-learned",
        penalties={"kl": 1.0},
        schedule="warm-up",
        warm_up_steps=500,
    ),
    Method(
        name="beta-vae",
        summary="a VAE that pays more for each nat of its code, for axes that vary alone",
        paper="Higgins et al. 2017",
        code="gaussian",
        penalties={"kl": 4.0},
        schedule="warm-up",
        warm_up_steps=500,
    ),
    Method(
        name="invariant",
        summary="the code ignores small rotations, gain and offset",
        paper="METHODS 20; Bardes et al. 2022",
        penalties={"consistency": 1.0, "variance_floor": 1.0},
        second_view="rotation-intensity",
    ),
):
    METHODS.register(_method.name)(_method)

SETTINGS = {"beta": "kl"}  # the usual name of a weight, and the penalty it belongs to


def method_of(plan: Plan) -> Method:
    """Return the plan's method with its settings applied.

    Raises
    ------
    RequestError
        For a setting the method does not have, or parts that do not go together.
    """
    method = METHODS[plan.method.value]
    for name, value in plan.settings.items():
        method = _set(method, name, value)
    _refuse(_conflict(method, plan), method)
    return replace(method, corruption=plan.noise.value is not None)


def _set(method: Method, name: str, value: float | str | bool) -> Method:
    penalty = SETTINGS.get(name, name)
    if penalty in method.penalties:
        return replace(method, penalties={**method.penalties, penalty: _number(name, value)})
    if name == "warm_up_steps" and method.penalties:
        return replace(method, schedule="warm-up", warm_up_steps=int(_number(name, value)))
    if name == "likelihood" and not method.closed_form:
        return replace(method, likelihood=LIKELIHOODS[str(value)].name)
    known = sorted({*method.penalties, *_aliases(method)})
    known += ["warm_up_steps"] if method.penalties else []
    known += [] if method.closed_form else ["likelihood"]
    raise RequestError(
        f"method {method.name} has no setting {name!r}",
        f"setting {name} = {value}",
        f"known: {', '.join(known) or 'none'}",
    )


def _aliases(method: Method) -> list[str]:
    return [alias for alias, name in SETTINGS.items() if name in method.penalties]


def _number(name: str, value: float | str | bool) -> float:
    if isinstance(value, (bool, str)) or not 0 <= value < float("inf"):
        raise RequestError(
            f"setting {name} is not a number of 0 or more", f"{name} = {value!r}", "give a number"
        )
    return float(value)


def _conflict(method: Method, plan: Plan) -> tuple[str, str] | None:
    """Return what does not go together, and the remedy; None where all does."""
    network, noise = plan.network.value, plan.noise.value
    kind = "linear" if method.closed_form else "local" if method.local else None
    checks = (
        (
            plan.dimension.value not in method.dimensions,
            f"{plan.dimension.value} dimensions",
            f"use one of {method.dimensions}",
        ),
        (
            network.code != method.code,
            f"a network with code {network.code}",
            f"set the network's code to {method.code}",
        ),
        (
            (network.kind if network.kind in ("linear", "local") else None) != kind,
            f"a network of kind {network.kind}",
            f"set the network's kind to {kind or 'convolutional or dense'}",
        ),
        (
            plan.view.value == "local" and not method.local,
            "view local, whose crops differ in size",
            "set view to scaled or fixed",
        ),
        (
            method.corruption and noise is None,
            "no noise, which it needs to learn from",
            "set noise to a model and a level",
        ),
        (
            method.closed_form and noise is not None,
            "noise, because nothing is trained",
            "set noise to null",
        ),
        (
            noise is not None
            and noise.model == "rician"
            and plan.normalisation.value == "hu-window",
            "Rician noise on HU, which are no magnitudes",
            "use gaussian noise in HU",
        ),
        (
            LIKELIHOODS[method.likelihood].bounded,
            f"likelihood {method.likelihood}, whose outputs are logits and not intensities",
            "use gaussian or gaussian-learned",
        ),
        *(
            (
                method.code not in PENALTIES[name].codes,
                f"penalty {name} on a {method.code} code",
                "leave it out",
            )
            for name in method.penalties
        ),
    )
    return next(((what, remedy) for wrong, what, remedy in checks if wrong), None)


def _refuse(conflict: tuple[str, str] | None, method: Method) -> None:
    if conflict is not None:
        what, remedy = conflict
        raise RequestError(f"method {method.name} does not go with {what}", "plan", remedy)
