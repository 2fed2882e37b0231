"""A proportional-integral controller that holds the KL of the code at a set point.

In: the mean KL of each step's batch, in nats. Out: the weight beta of the KL term, which carries no
gradient; the integral, the step and the smoothed KL are remembered. In validation beta moves with
time and is no measure, so there the constraint is judged by its exact penalty: the distance from
the set point, at the greatest weight that beta can take.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from latentomics.core import Gaussian, Options, RequestError, StepView
from latentomics.objectives.companions.companion import Weights, companion
from latentomics.objectives.penalties.capacity import capacity_at
from latentomics.objectives.penalties.kl import kl_by_latent

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@companion(
    "controller",
    sets=("kl", "capacity"),
    options={
        "capacity": 25.0,
        "capacity_steps": 0.0,
        "proportional": 0.01,
        "integral": 1e-4,
        "beta_min": 0.0,
        "beta_max": 1.0,
        "smoothing": 0.0,
    },
)
class Controller:
    """Sets beta so that the KL comes to its set point and stays there.

    References
    ----------
    Shao et al., 2020, arXiv:2004.05988; anti-windup ours, METHODS, section 9.
    """

    def __init__(
        self,
        latent: int,  # noqa: ARG002
        device: torch.device,
        seed: int,  # noqa: ARG002
        options: Options,
    ) -> None:
        import torch

        if float(options["beta_min"]) > float(options["beta_max"]):
            raise RequestError(
                "the least beta lies above the greatest",
                f"beta_min = {options['beta_min']}, beta_max = {options['beta_max']}",
                "set beta_max to more than beta_min",
            )
        self.options = options
        self.memory = {
            name: torch.zeros((), dtype=torch.float64, device=device)
            for name in ("integral", "kl", "steps")
        }

    def attend(
        self, view: StepView, weights: Weights, *, training: bool
    ) -> tuple[StepView, Weights]:
        """Return the weights with beta set by this step's KL."""
        if not training:
            return view, {**weights, "kl": 0.0, "capacity": float(self.options["beta_max"])}
        if not isinstance(view.code, Gaussian):
            raise RequestError(
                "a controller of the KL needs a Gaussian code", "controller", "use a Gaussian code"
            )
        kl = kl_by_latent(view.code).detach().sum(1).mean().double()
        beta = self.steer(kl, capacity_at(view))
        return view, {**weights, "kl": beta.float(), "capacity": 0.0}

    def steer(self, kl: Tensor, goal: float) -> Tensor:
        """Return beta after a step whose batch had this mean KL, for a set point (nats)."""
        self.memory["kl"] = smoothed(self.memory, kl, float(self.options["smoothing"]))
        self.memory["steps"] = self.memory["steps"] + 1
        beta, integral = control(self.memory["integral"], goal - self.memory["kl"], self.options)
        self.memory["integral"] = integral
        return beta

    def state(self) -> dict[str, Tensor]:
        """Return integral, smoothed KL and number of steps."""
        return dict(self.memory)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from them."""
        self.memory = dict(state)


def smoothed(memory: Mapping[str, Tensor], kl: Tensor, smoothing: float) -> Tensor:
    """Return the exponential mean of the KL; the first one is itself."""
    share = (1 - smoothing) + smoothing * (memory["steps"] == 0)
    return memory["kl"] + share * (kl - memory["kl"])


def control(integral: Tensor, error: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """Return beta and the new integral for an error (set point minus KL, nats).

    The integral is held only where beta would leave its range and the integral would push it
    further out. Holding it whenever beta is outside can lock beta at its limit for ever; never
    holding it lets it wind up.
    """
    import torch

    lowest, highest = float(options["beta_min"]), float(options["beta_max"])
    change = -float(options["integral"]) * error
    proportional = float(options["proportional"]) * torch.sigmoid(-error)
    free = proportional + integral + change + lowest
    further = ((free > highest) & (change > 0)) | ((free < lowest) & (change < 0))
    integral = torch.where(further, integral, integral + change)
    return (proportional + integral + lowest).clamp(lowest, highest), integral
