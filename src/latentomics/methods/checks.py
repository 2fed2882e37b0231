"""A plan's method with its settings, and what is refused before anything is trained.

In: a plan. Out: a ``Method``, or a sentence that says what does not go together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import RequestError
from latentomics.methods.method import METHODS, Method
from latentomics.objectives import LIKELIHOODS, PENALTIES

if TYPE_CHECKING:
    from latentomics.planning import Plan

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
            network.kind not in method.kinds,
            f"a network of kind {network.kind}",
            f"set the network's kind to {' or '.join(method.kinds)}",
        ),
        (
            plan.view.value == "local" and "local" not in method.kinds,
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
