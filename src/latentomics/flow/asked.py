"""What is asked of a run: a new plan, an edited one, or one that goes on.

In: the source, the run folder and the request. Out: the plans that are there already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latentomics.core import RequestError
from latentomics.flow.finished import done_before
from latentomics.flow.records import RunRecord
from latentomics.planning import SHARES, Plan, Request, load_plan

PLAN = "plan.yaml"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """What a run is to do: the request, and the plan where there is one already.

    Attributes
    ----------
    edited, begun : Plan, optional
        By the user; of the run that goes on.
    done : RunRecord, optional
        The run that lies there, where it is what is asked.
    """

    request: Request
    edited: Plan | None
    begun: Plan | None
    done: RunRecord | None

    @property
    def given(self) -> Plan | None:
        """The plan that stands; None where one is to be made."""
        return self.begun or self.edited

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of the parts of the split."""
        return self.given.split.value if self.given else SHARES


def order_of(
    source: Path, folder: Path, asked: Request, edited: Plan | None, *, resume: bool
) -> Order:
    """Return what a run is to do in a folder.

    Raises
    ------
    RequestError
        When another run lies there, or it was begun otherwise.
    """
    request = edited.request if edited else asked.of(source)
    done = done_before(folder, request, edited)
    begun = None if done else begun_plan(folder, asked, resume=resume)
    return Order(request=begun.request if begun else request, edited=edited, begun=begun, done=done)


def edited_plan(source: Path, asked: Request) -> Plan | None:
    """Return the plan that the source is."""
    if source.suffix not in (".yaml", ".yml"):
        return None
    plan = load_plan(source)
    _refuse_other(asked, plan, source)
    return plan


def begun_plan(folder: Path, asked: Request, *, resume: bool) -> Plan | None:
    """Return the plan of the run that lies in the folder and is resumed."""
    if not (folder / PLAN).is_file():
        return None
    if not resume:
        raise RequestError(
            "a run lies here already", str(folder), "go on with --resume, or choose another folder"
        )
    plan = load_plan(folder / PLAN)
    _refuse_other(asked, plan, folder)
    return plan


def _refuse_other(asked: Request, plan: Plan, where: Path) -> None:
    """Refuse what is asked beside a plan and is not in it: it would be ignored."""
    for name in asked.model_fields_set:
        value, held = getattr(asked, name), getattr(plan.request, name)
        if value not in (held, getattr(Request(), name)):
            raise RequestError(
                f"{name} is {value}, and the plan was made for {held}",
                str(where),
                f"edit the plan's request, or ask without {name}",
            )
