"""A plan's method with its settings, and what is refused before anything is trained.

In: a plan. Out: a ``Method``, or a sentence that says what does not go together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from latentomics.core import Options, RequestError
from latentomics.methods.method import METHODS, Method
from latentomics.methods.networks import (
    network_conflicts,
    network_setting_names,
    varied,
    with_network_setting,
)
from latentomics.methods.noises import noise_conflicts
from latentomics.noise import noise_setting_names
from latentomics.objectives import (
    COMPANIONS,
    LIKELIHOODS,
    PENALTIES,
    SCHEDULES,
    checked_number,
    checked_option,
)

if TYPE_CHECKING:
    from latentomics.planning import Plan

Value = float | str | bool
WITHIN_0_AND_1 = ("percentile", "identity")  # normalisations; the second one as far as training saw
SHARES = ("hidden", "rho")  # options that lie between 0 and 1
COUNTS = ("draws", "probes")  # options that count
USUAL_WARM_UP = 500  # steps, where a method that has none is given a schedule


def method_of(plan: Plan, own: Method | None = None) -> Method:
    """Return the plan's method with its settings applied; ``own`` is one that is not entered.

    Raises
    ------
    RequestError
        For a setting the method does not have, or parts that do not go together.
    """
    method = method_named(plan.method.value, plan.request.settings, own)
    if plan.dimension.value == 3:
        method = replace(method, options={**method.in_volumes, **method.options})
    _refuse(_conflict(method, plan), method)
    return replace(method, corruption=plan.noise.value is not None)


def method_named(name: str, settings: Mapping[str, Value], own: Method | None = None) -> Method:
    """Return a method with settings applied, whatever it will be used on.

    ``own`` stands for the method itself, where it is the user's and has no entry.

    Raises
    ------
    RequestError
        For an unknown method, or a setting that it does not have or that makes no sense.
    """
    method = _preset(varied(own or METHODS[name], settings), settings)
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


def _preset(method: Method, settings: Mapping[str, Value]) -> Method:
    """Return the method with the weights that its authors take for an option."""
    weights = dict(method.penalties)
    for name, value in settings.items():
        weights |= method.presets.get(f"{name}={value}", {})
    return replace(method, penalties=weights)


def setting_names(method: Method) -> list[str]:
    """Return every name that ``--set`` takes for a method."""
    names = {*method.all_settings(), *method.declared_options()}
    names |= {"warm_up_steps", "schedule"} if _scheduled(method) else set()
    names |= {"likelihood"} if _free_likelihood(method) else set()
    names |= set() if method.closed_form else set(noise_setting_names())
    names |= {"code"} if method.other_codes else set()
    names |= {*method.variants, *network_setting_names(method)}
    return sorted(names)


def _set(method: Method, name: str, value: Value) -> Method:
    if name == "warm_up_steps" and _scheduled(method):
        grows = "warm-up" if method.schedule == "constant" else method.schedule
        return replace(method, schedule=grows, warm_up_steps=int(checked_number(name, value)))
    if name == "schedule" and _scheduled(method):
        SCHEDULES[str(value)]  # refuses an unknown name
        steps = method.warm_up_steps or USUAL_WARM_UP
        return replace(method, schedule=str(value), warm_up_steps=steps)
    if name == "code" and value in (method.code, *method.other_codes):
        return replace(method, code=str(value))
    if name == "likelihood" and _free_likelihood(method):
        return replace(method, likelihood=LIKELIHOODS[str(value)].name)
    if name in noise_setting_names() and not method.closed_form:
        return method  # the plan's noise is made from it
    if name in method.variants:
        return method  # it is that variant already
    if name in network_setting_names(method):
        return with_network_setting(method, name, value)
    declared = method.declared_options()
    if name in declared:
        checked = checked_option(name, value, declared[name])
        return replace(method, options={**method.options, name: checked})
    raise RequestError(
        f"method {method.name} has no setting {name!r}",
        f"setting {name} = {value}",
        f"known: {', '.join(setting_names(method)) or 'none'}",
    )


def _scheduled(method: Method) -> bool:
    """Whether a schedule decides any weight."""
    set_by = set() if method.companion is None else set(COMPANIONS[method.companion].sets)
    return not method.closed_form and bool(set(method.penalties) - set_by)


def _free_likelihood(method: Method) -> bool:
    own = None if method.companion is None else COMPANIONS[method.companion].likelihood
    return own is None and not method.closed_form


def _conflict(method: Method, plan: Plan) -> tuple[str, str] | None:
    """Return what does not go together, and the remedy; None where all does."""
    network, noise = plan.network.value, plan.noise.value
    likelihood = LIKELIHOODS[method.likelihood]
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
            likelihood.bounded and plan.normalisation.value not in WITHIN_0_AND_1,
            f"likelihood {method.likelihood} of intensities by {plan.normalisation.value}, which "
            "leave [0, 1]",
            "use a Gaussian likelihood, or set normalisation to percentile",
        ),
        (
            network.output != likelihood.output,
            f"a network whose output is {network.output}",
            f"set the network's output to {likelihood.output}",
        ),
        *_option_conflicts(method.all_options()),
        *network_conflicts(method, plan),
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


def _option_conflicts(options: Options) -> tuple[tuple[bool, str, str], ...]:
    """Return numbers that an option cannot be, though they are 0 or more."""
    numbers = {name: value for name, value in options.items() if not isinstance(value, str)}
    least, most = numbers.get("beta_min", 0.0), numbers.get("beta_max", math.inf)
    smoothing = numbers.get("smoothing", 0.0)
    shares = [(name, value) for name, value in numbers.items() if name in SHARES]
    counts = [(name, value) for name, value in numbers.items() if name in COUNTS]
    return (
        *(
            (
                not 0 < value < 1,
                f"{name} {value:g}, which is no share",
                f"set {name} to a number between 0 and 1",
            )
            for name, value in shares
        ),
        *(
            (
                value < 1 or value != int(value),
                f"{name} {value:g}, which is no whole number of 1 or more",
                f"set {name} to one",
            )
            for name, value in counts
        ),
        (
            smoothing >= 1,
            f"smoothing {smoothing:g}, which forgets nothing and learns nothing",
            "set smoothing to less than 1",
        ),
        (
            least > most,
            f"beta_min {least:g} above beta_max {most:g}",
            "set beta_max to more than beta_min",
        ),
    )


def _refuse(conflict: tuple[str, str] | None, method: Method) -> None:
    if conflict is not None:
        what, remedy = conflict
        raise RequestError(f"method {method.name} does not go with {what}", "plan", remedy)
