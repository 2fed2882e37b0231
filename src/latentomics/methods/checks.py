"""A plan's method with its settings, and what is refused before anything is trained.

In: a plan. Out: a ``Method``, or a sentence that says what does not go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import RequestError
from latentomics.methods.method import METHODS, Method
from latentomics.methods.noises import noise_conflicts
from latentomics.noise import noise_setting_names
from latentomics.objectives import (
    LIKELIHOODS,
    PENALTIES,
    SCHEDULES,
    checked_number,
    checked_option,
)

if TYPE_CHECKING:
    from latentomics.planning import Plan

Value = float | str | bool
USUAL_WARM_UP = 500  # steps, where a method that has none is given a schedule


def method_of(plan: Plan) -> Method:
    """Return the plan's method with its settings applied.

    Raises
    ------
    RequestError
        For a setting the method does not have, or parts that do not go together.
    """
    method = method_named(plan.method.value, plan.request.settings)
    _refuse(_conflict(method, plan), method)
    return replace(method, corruption=plan.noise.value is not None)


def method_named(name: str, settings: Mapping[str, Value]) -> Method:
    """Return a method with settings applied, whatever it will be used on.

    Raises
    ------
    RequestError
        For an unknown method, or a setting that it does not have or that makes no sense.
    """
    method = METHODS[name]
    weights, moves = dict(method.penalties), method.all_settings()
    for setting, value in settings.items():
        if setting in moves:
            change = checked_number(setting, value) - moves[setting].usual
            for penalty, factor in moves[setting].weights.items():
                weights[penalty] += factor * change
        else:
            method = _set(method, setting, value)
    for penalty, weight in weights.items():
        if weight < 0 and not PENALTIES[penalty].signed:
            raise RequestError(
                f"the settings give penalty {penalty} the weight {weight:g}, which rewards it",
                ", ".join(f"{key} = {value}" for key, value in settings.items()),
                "choose them so that no weight is below 0",
            )
    return replace(method, penalties=weights)


def setting_names(method: Method) -> list[str]:
    """Return every name that ``--set`` takes for a method."""
    names = {*method.all_settings(), *method.declared_options()}
    names |= {"warm_up_steps", "schedule"} if method.penalties else set()
    names |= set() if method.closed_form else {"likelihood", *noise_setting_names()}
    return sorted(names)


def _set(method: Method, name: str, value: Value) -> Method:
    if name == "warm_up_steps" and method.penalties:
        grows = "warm-up" if method.schedule == "constant" else method.schedule
        return replace(method, schedule=grows, warm_up_steps=int(checked_number(name, value)))
    if name == "schedule" and method.penalties:
        SCHEDULES[str(value)]  # refuses an unknown name
        steps = method.warm_up_steps or USUAL_WARM_UP
        return replace(method, schedule=str(value), warm_up_steps=steps)
    if name == "likelihood" and not method.closed_form:
        return replace(method, likelihood=LIKELIHOODS[str(value)].name)
    if name in noise_setting_names() and not method.closed_form:
        return method  # the plan's noise is made from it
    declared = method.declared_options()
    if name in declared:
        checked = checked_option(name, value, declared[name])
        return replace(method, options={**method.options, name: checked})
    raise RequestError(
        f"method {method.name} has no setting {name!r}",
        f"setting {name} = {value}",
        f"known: {', '.join(setting_names(method)) or 'none'}",
    )


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
        *noise_conflicts(plan),
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
