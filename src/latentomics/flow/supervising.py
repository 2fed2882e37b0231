"""The same encoder trained on labels, beside the probe of what was learned without (METHODS 29).

In: a ``Question``. Out: records: the encoder trained from scratch on the labels, the same
fine-tuned from the run's weights, and the probe of the latent, all on the same test patients.
Training stops on validation patients.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np

from latentomics.core import DoubleArray, IntArray, RequestError, Result
from latentomics.evaluation import LabelLike, probe, truth_of
from latentomics.flow.question import Question, one_thread
from latentomics.flow.records import Event, OnEvent
from latentomics.models import Network, build_network
from latentomics.planning import Length
from latentomics.training import Labelled, Progress, Taught, teach, told

EPOCHS = 60  # at most, of an encoder whose run had a closed form
CROP_STEPS = 300  # at most, of encoders whose maps are read by region: each crop is read whole
LEAST_STEPS = 300  # at most, of an encoder whose run was shorter: a clock says nothing of labels
SCRATCH, TUNED = "supervised", "fine-tuned"
COMPARED = {SCRATCH: ("latent",), TUNED: ("latent", SCRATCH), "latent": ()}


def supervised(question: Question) -> list[Result]:
    """Train on each label with the training patients that have it, and score the test patients.

    Raises
    ------
    RequestError
        When a label has more than two classes, or no validation patient of a class has it.
    """
    return [result for label in question.labels for result in _of_label(question, label)]


def _of_label(question: Question, label: LabelLike) -> list[Result]:
    """Train on one label from scratch and from the run's weights."""
    refuse_classes(label)
    encoders = {SCRATCH: untaught(question), TUNED: deepcopy(question.network)}
    parts = [_part(question, label, name) for name in ("train", "val")]
    every = labelled(question, label, np.arange(len(question.main.cases)))
    given, notes = {}, {}
    for name, encoder in encoders.items():
        taught = teach(
            encoder,
            question.main.plan,
            *parts,
            binary=label.kind == "binary",
            length=length_of(question),
            on_progress=_teller(f"{name} on {label.name}", question.on_event),
        )
        given[name] = by_case(question, every, told(taught, every))
        notes[name] = _note(taught, parts[0])
    latent = {"latent": question.part().blocks["latent"]}
    with one_thread():
        found = probe(
            label,
            [replace(question.part(), blocks=latent)],
            question.patients,
            seed=question.seed,
            evaluation="supervised",
            given=given,
            comparisons=COMPARED,
        )
    return [replace(one, settings={**one.settings, **notes.get(one.features, {})}) for one in found]


def refuse_classes(label: LabelLike) -> None:
    """Refuse a label of more than two classes.

    Raises
    ------
    RequestError
        With the way to ask of two.
    """
    if label.kind == "classes":
        raise RequestError(
            "an encoder is trained on two classes or a quantity",
            f"label {label.name!r}",
            f"compare it with one word: --label '{label.name}==WORD'",
        )


def untaught(question: Question, number: int = 0) -> Network:
    """Return the run's encoder with new weights."""
    plan = question.main.plan
    device = next(question.network.parameters()).device
    return build_network(plan.network.value, plan.seed + number).to(device)


def length_of(question: Question) -> Length:
    """Return as many steps as the run's own training had, 300 at least; of whole crops 300."""
    steps = question.main.plan.length.value.steps
    if question.main.beside.regions is not None:
        return Length(steps=CROP_STEPS)
    return Length(steps=max(steps, LEAST_STEPS)) if steps else Length(epochs=EPOCHS)


def labelled(question: Question, label: LabelLike, rows: IntArray) -> Labelled:
    """Return the samples of some rows, which are cases, with what the label says of each."""
    truth = truth_of(label).columns[:, 0]
    known = {question.main.cases[row]: float(truth[row]) for row in rows.tolist()}
    every, regions = question.stores.every, question.main.beside.regions
    store = every.of(list(known))
    if regions is not None:
        places: dict[str, list[int]] = {}
        for row, case in enumerate(every.cases):
            places.setdefault(case, []).append(row)
        regions = tuple(regions[row] for case in known for row in places[case])
    return Labelled(
        store=store, truth=np.array([known[case] for case in store.cases]), regions=regions
    )


def by_case(question: Question, part: Labelled, values: DoubleArray) -> DoubleArray:
    """Return the mean of each case's samples (cases,); not a number of cases without any."""
    place = {case: row for row, case in enumerate(question.main.cases)}
    rows = np.array([place[case] for case in part.store.cases])
    count = np.bincount(rows, minlength=len(place))
    sums = np.bincount(rows, values, minlength=len(place))
    means: DoubleArray = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return means


def _part(question: Question, label: LabelLike, name: str) -> Labelled:
    """Return the samples of a part's cases that have the label."""
    split = question.main.split
    of_part = np.array([split.get(case) == name for case in question.main.cases])
    found = labelled(question, label, np.flatnonzero(of_part & truth_of(label).known))
    if len(set(found.truth.tolist())) < 2:
        raise RequestError(
            f"the label does not vary among the {len(found.truth)} samples of part {name!r} that "
            "have it",
            f"label {label.name!r}",
            "name a label that more cases have: training stops on validation patients",
        )
    return found


def _note(taught: Taught, part: Labelled) -> dict[str, object]:
    return {
        "trained_on": len(set(part.store.cases)),
        "best_step": taught.best_step,
        "steps": taught.steps,
        "stopped_on": "validation patients",
    }


def _teller(name: str, on_event: OnEvent) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        on_event(
            Event(
                stage="train",
                done=progress.fraction,
                total=1.0,
                seconds_left=progress.seconds_left,
                message=f"{name}, step {progress.step}",
            )
        )

    return tell
