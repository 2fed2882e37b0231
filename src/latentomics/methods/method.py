"""What a method is, and the registry of all of them.

In: the parts that a method is made of. Out: entries of ``METHODS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from latentomics.core import Registry
from latentomics.objectives import weights_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """Parts of a method; penalties are weights in nats per nat (METHODS, section 1).

    ``kinds``: the kinds of network that it works with, the usual one first. ``corruption``: the
    input is corrupted by the plan's noise. ``second_view``: how each sample is transformed for a
    second code. ``closed_form``: no training.
    """

    name: str
    summary: str
    paper: str
    code: str = "point"
    kinds: tuple[str, ...] = ("convolutional", "dense")
    corruption: bool = False
    likelihood: str = "gaussian"
    penalties: Mapping[str, float] = field(default_factory=dict)
    schedule: str = "constant"
    warm_up_steps: int = 0
    second_view: str | None = None
    closed_form: bool = False
    dimensions: tuple[int, ...] = (1, 2, 3)

    def weights(self, step: int) -> dict[str, float]:
        """Return the weight of each penalty at a training step."""
        return weights_at(self.penalties, self.schedule, self.warm_up_steps, step)


METHODS: Registry[Method] = Registry("method")


def enter(*methods: Method) -> None:
    """Put methods into ``METHODS`` under their names."""
    for method in methods:
        METHODS.register(method.name)(method)
