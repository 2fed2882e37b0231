"""The same encoder trained on labels, beside the probe of what was learned without (METHODS 29).

In: a ``Question``. Out: records: the encoder trained from scratch on the
labels, the same fine-tuned from the run's weights, and the probe of the latent, all on the same
test patients. Training stops on validation patients.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np

from latentomics.core import DoubleArray, RequestError, Result
from latentomics.dataset import Store
from latentomics.evaluation import LabelLike, probe, truth_of
from latentomics.flow.question import Question, one_thread
from latentomics.flow.records import Event, OnEvent
from latentomics.models import Network, build_network
from latentomics.planning import Length
from latentomics.training import Labelled, Progress, Taught, teach, told

EPOCHS = 60  # at most, of an encoder whose run had a closed form
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
    if label.kind == "classes":
        raise RequestError(
            "an encoder is trained on two classes or a quantity",
            f"label {label.name!r}",
            f"compare it with one word: --label '{label.name}==WORD'",
        )
    network, plan = question.network, question.main.plan
    device = next(network.parameters()).device
    encoders: dict[str, Network] = {
        SCRATCH: build_network(plan.network.value, plan.seed).to(device),
        TUNED: deepcopy(network),
    }
    parts = {name: _labelled(question, label, name) for name in ("train", "val")}
    given, notes = {}, {}
    for name, encoder in encoders.items():
        taught = teach(
            encoder,
            plan,
            parts["train"],
            parts["val"],
            binary=label.kind == "binary",
            length=_length(question),
            on_progress=_teller(f"{name} of {label.name}", question.on_event),
        )
        given[name] = _by_case(question, told(taught, question.stores.every))
        notes[name] = _note(taught, parts["train"].store)
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


def _length(question: Question) -> Length:
    """Return as many steps as the run's own training had."""
    steps = question.main.plan.length.value.steps
    return Length(steps=steps) if steps else Length(epochs=EPOCHS)


def _labelled(question: Question, label: LabelLike, name: str) -> Labelled:
    """Return the samples of a part's cases that have the label."""
    truth = truth_of(label)
    known = {
        case.id: float(truth.columns[row, 0])
        for row, case in enumerate(question.gathered.cases)
        if truth.known[row] and question.gathered.split[case.id] == name
    }
    if len(set(known.values())) < 2:
        raise RequestError(
            f"the label does not vary among the {len(known)} cases of part {name!r} that have it",
            f"label {label.name!r}",
            "name a label that more cases have: training stops on validation patients",
        )
    store: Store = question.stores.every.of(list(known))
    return Labelled(store=store, truth=np.array([known[case] for case in store.cases]))


def _by_case(question: Question, values: DoubleArray) -> DoubleArray:
    place = {case: row for row, case in enumerate(question.main.cases)}
    rows = np.array([place[case] for case in question.stores.every.cases])
    means: DoubleArray = np.bincount(rows, values) / np.bincount(rows)
    return means


def _note(taught: Taught, store: Store) -> dict[str, object]:
    return {
        "trained_on": len(set(store.cases)),
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
