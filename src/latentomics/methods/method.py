"""What a method is, and the registry of all of them.

In: the parts that a method is made of. Out: entries of ``METHODS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from latentomics.core import Options, Registry
from latentomics.objectives import (
    COMPANIONS,
    LIKELIHOODS,
    PENALTIES,
    Declared,
    usual_options,
    weights_at,
)

LATER = 2**62  # a step after every warm-up

Field = float | str | tuple[int, ...]  # of a network's spec
Changes = Mapping[str, object]  # of a method, by the name of its field


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A number that a paper names, and what it does to the weights of penalties.

    ``usual``: its value in the method as it is entered. ``weights``: by how much the weight of each
    penalty grows when the setting grows by 1.
    """

    usual: float
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """Parts of a method; penalties are weights in nats per nat (METHODS, section 1).

    ``other_codes``: what may stand in place of the code. ``kinds``: the kinds of network that it
    works with, the usual one first. ``corruption``: the input is corrupted by the plan's noise.
    ``settings``: names that move weights; that of a KL term is called beta where it has no other.
    ``options``: what its parts read, where it is not their usual. ``presets``: weights that come
    with an option, as "name=value". ``companion``: what it keeps from step to step.
    ``second_view``: how each sample is transformed for a second code. ``closed_form``: no training.
    ``latent``: the length of the code, where its paper names one. ``network``: fields of the
    network's spec that it sets, None where the plan chooses. ``variants``: for a setting, its words
    and what each changes of the method. ``own``: what training itself reads for it, and
    ``in_volumes`` where that differs in three dimensions. ``hides``: blocks of the input are
    hidden and told from the others.
    """

    name: str
    summary: str
    paper: str
    code: str = "point"
    other_codes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("convolutional", "dense")
    corruption: bool = False
    likelihood: str = "gaussian"
    penalties: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    options: Options = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    schedule: str = "constant"
    warm_up_steps: int = 0
    companion: str | None = None
    second_view: str | None = None
    closed_form: bool = False
    dimensions: tuple[int, ...] = (1, 2, 3)
    latent: int | None = None
    network: Mapping[str, Field | None] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Changes]] = field(default_factory=dict)
    own: Declared = field(default_factory=dict)
    in_volumes: Options = field(default_factory=dict)
    hides: bool = False

    @property
    def uses(self) -> tuple[str, ...]:
        """What it uses beside pictures (PROMISES L3)."""
        site = any("domain" in PENALTIES[name].needs for name in self.penalties)
        return ("site",) if site else ()

    @property
    def generates(self) -> bool:
        """Whether codes are held to N(0, I), so that draws from it stand for images."""
        held = any("prior" in PENALTIES[name].needs for name in self.penalties)
        return self.code == "gaussian" or held

    @property
    def linear_start(self) -> bool:
        """Whether the best linear model is a start that the objective agrees with.

        That of a point code is PCA. Probabilistic PCA is that of a Gaussian code where the noise
        is learned and the KL is the bound's; a code that pays for order would be held at PCA's.
        """
        if self.code != "gaussian":
            return self.code == "point"
        plain = self.penalties.keys() <= {"kl", "free_bits"} and self.penalties.get("kl") == 1
        return plain and self.likelihood == "gaussian-learned"

    @property
    def beta_weighs_kl(self) -> bool:
        """Whether beta is the weight of a KL, and no other one's."""
        named = self.settings.get("beta")
        return "kl" in self.penalties and (named is None or "kl" in named.weights)

    def weights(self, step: int) -> dict[str, float]:
        """Return the weight of each penalty at a training step."""
        return weights_at(self.penalties, self.schedule, self.warm_up_steps, step)

    def validation_weights(self) -> dict[str, float]:
        """Return the weights that models are compared by: full, without mere guides of training."""
        return {
            name: weight if PENALTIES[name].compared else 0.0
            for name, weight in self.weights(LATER).items()
        }

    def declared_options(self) -> Declared:
        """Return what its parts read, with their usual values."""
        parts = [self.own, *(PENALTIES[name].options for name in self.penalties)]
        parts.append(LIKELIHOODS[self.likelihood].options)
        parts += [COMPANIONS[self.companion].options] if self.companion else []
        return {name: value for part in parts for name, value in part.items()}

    def all_options(self) -> Options:
        """Return every option of its parts: as the method sets it, else the usual."""
        return {**usual_options([self.declared_options()]), **self.options}

    def all_settings(self) -> Mapping[str, Setting]:
        """Return what moves weights: its own names, and penalties that nothing else moves."""
        if self.closed_form:
            return {}
        moved = {name for setting in self.settings.values() for name in setting.weights}
        moved |= set(COMPANIONS[self.companion].sets) if self.companion else set()
        return dict(self.settings) | {
            "beta" if name == "kl" else name: Setting(usual=weight, weights={name: 1.0})
            for name, weight in self.penalties.items()
            if name not in moved
        }


METHODS: Registry[Method] = Registry("method")


def enter(*methods: Method) -> None:
    """Put methods into ``METHODS`` under their names."""
    for method in methods:
        METHODS.register(method.name)(method)
