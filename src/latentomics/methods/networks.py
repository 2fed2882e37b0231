"""What settings change of a method's parts and of its network.

In: a method and settings as they were asked for. Out: the method they make of it, or a sentence;
and what of a plan's network is not what the method asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from latentomics.core import RequestError
from latentomics.methods.method import Field, Method

if TYPE_CHECKING:
    from latentomics.planning import Plan

Value = float | str | bool


def varied(method: Method, settings: Mapping[str, Value]) -> Method:
    """Return the variant of a method that its settings name.

    Raises
    ------
    RequestError
        For a word that names none.
    """
    for setting, words in method.variants.items():
        if setting not in settings:
            continue
        word = str(settings[setting])
        if word not in words:
            raise RequestError(
                f"method {method.name} has no {setting} {word!r}",
                f"{setting} = {word}",
                f"use {' or '.join(words)}",
            )
        changes: dict[str, Any] = dict(words[word])
        method = replace(method, **changes)
    return method


def network_setting_names(method: Method) -> list[str]:
    """Return the fields of its network that ``--set`` takes."""
    return [name for name, usual in method.network.items() if not isinstance(usual, tuple)]


def with_network_setting(method: Method, name: str, value: Value) -> Method:
    """Return the method with a field of its network set.

    Raises
    ------
    RequestError
        For a value of another kind than the field's.
    """
    usual = method.network[name]
    if isinstance(usual, (bool, str)):
        checked: Field = value
        wrong, wanted = type(value) is not type(usual), type(usual).__name__
    else:
        wrong = isinstance(value, (bool, str)) or value < 1 or value != int(value)
        checked, wanted = (value if wrong else int(value)), "whole number of 1 or more"
    if wrong:
        raise RequestError(
            f"setting {name} is no {wanted}", f"{name} = {value!r}", f"give a {wanted}"
        )
    return replace(method, network={**method.network, name: checked})


def network_conflicts(method: Method, plan: Plan) -> tuple[tuple[bool, str, str], ...]:
    """Return where the plan's network is not what the method asks for."""
    network = plan.network.value
    fields = tuple(
        (
            getattr(network, name) != wanted,
            f"a network whose {name} is {getattr(network, name)}",
            f"set the network's {name} to {wanted}",
        )
        for name, wanted in method.network.items()
        if wanted is not None
    )
    return (
        *fields,
        (
            plan.uses.value != method.uses,
            f"a plan that uses {' and '.join(plan.uses.value) or 'nothing'} beside pictures",
            f"set uses to {list(method.uses)}",
        ),
    )
