"""What is asked of a run: a new plan, an edited one, or one that goes on.

In: the source, the run folder and the request. Out: the plans that are there already.
"""

from __future__ import annotations

from pathlib import Path

from latentomics.core import RequestError
from latentomics.planning import Plan, Request, load_plan

PLAN = "plan.yaml"


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
