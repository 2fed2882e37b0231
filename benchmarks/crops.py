"""The crops of the race: hippocampus MRI, or patches of the MNI152 template.

In: a cohort's name. Out: stores of whole crops of one size for training, validation and test, and
the plan that our planner makes of the training cases, as far as rivals can follow it: images
without masks, moved by whole voxels. Everyone trains on the same crops with the same random shifts
and is measured on the same held-out ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from places import WORK, manifest

from latentomics.core import content_hash
from latentomics.dataset import Store, open_store, prepare_cohort
from latentomics.flow.decide import decide
from latentomics.flow.gather import gather
from latentomics.planning import Choice, Plan, Request, load_plan, pipeline_of
from latentomics.planning.network import choose_shift
from latentomics.sources import read_cohort
from latentomics.sources.examples import write_mni_cohort

COHORTS = ("hippocampus", "mni")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crops:
    """Samples of one cohort and the plan for them; ``identity`` hashes what every rival sees."""

    identity: str
    plan: Plan
    train: Store
    validation: Store
    test: Store


def crops_of(cohort: str, *, smoke: bool = False) -> Crops | None:
    """Open the crops of a cohort, planned and prepared once; None where its images are not here."""
    source = _source(cohort)
    if source is None:
        return None
    folder = WORK / "crops" / cohort
    if not (folder / "split.json").is_file():
        _plan(source, folder)
    plan = load_plan(folder / "plan.yaml")
    split = json.loads((folder / "split.json").read_text())
    cases = [case for case in read_cohort(source).cases if case.id in split]
    prepared = prepare_cohort(cases, pipeline_of(plan), WORK / "cache", workers=1)
    most = {"train": None, "val": 8 if smoke else None, "test": 8 if smoke else None}
    parts = {
        part: open_store(prepared, [case for case in prepared.case_ids if split[case] == part][:n])
        for part, n in most.items()
    }
    seen = [(entry.path.name, entry.position, split[entry.case]) for entry in prepared.entries]
    identity = content_hash([seen, plan.shift.value, plan.network.value.latent])[:16]
    train, validation, test = (parts[part] for part in ("train", "val", "test"))
    return Crops(identity=identity, plan=plan, train=train, validation=validation, test=test)


def _source(cohort: str) -> Path | None:
    if cohort != "mni":
        return manifest(cohort)
    folder = WORK / "mni"
    if not (folder / "manifest.csv").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_mni_cohort(folder)
    return folder / "manifest.csv"


def _plan(source: Path, folder: Path) -> None:
    gathered = gather(Request(method="autoencoder").of(source), workers=1)
    plan = _shared(decide(gathered, gathered.split, workers=1))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.yaml").write_text(plan.to_yaml())
    (folder / "split.json").write_text(json.dumps(dict(gathered.split)))


def _shared(plan: Plan) -> Plan:
    """Return the plan for whole images in one pose, without what the peers do not have."""
    why = "as every rival of the race sees the crops"
    pose = plan.view.value == "pose"
    size = plan.size.value if pose else (16,) * 3  # of the template: its patches as they are
    network = replace(plan.network.value, size=size, channels_in=1, channels_out=1)
    chosen = {
        "view": "pose",
        "spacing": plan.spacing.value if pose else (1.0,) * 3,
        "size": size,
        "margin": plan.margin.value if pose else 0.0,
        "network": network,
        "mask_channel": 0.0,
        "loss_region": "all",
        "symmetries": "none",
        "deformation": None,
        "shift": choose_shift("pose", size, deformed=False).value,
    }
    kept = plan.model_dump()
    kept |= {name: Choice(value=value, reason=why).model_dump() for name, value in chosen.items()}
    return Plan.model_validate(kept)
