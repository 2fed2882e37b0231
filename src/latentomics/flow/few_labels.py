"""How many labels a code saves: curves from few labelled patients to all, asked of a finished run.

In: a ``Question``. Out: records of the code, and of what it is compared with, on nested subsets of
the labelled training patients (METHODS 22). Where training on labels is asked for at the same time,
the run's encoder is trained from scratch on some of the subsets too (METHODS 29).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from latentomics.core import DoubleArray, Result
from latentomics.evaluation import (
    TAUGHT,
    Curves,
    LabelLike,
    Lesson,
    Part,
    label_curve,
    lessons,
    taught_curve,
)
from latentomics.flow.question import Question, one_thread
from latentomics.flow.records import Event, OnEvent
from latentomics.flow.refitted import raw_values
from latentomics.flow.supervising import (
    by_case,
    labelled,
    length_of,
    refuse_classes,
    untaught,
)
from latentomics.planning import Length
from latentomics.training import Progress, teach, told

CURVES = (
    "latent",
    "pca",
    "random",
    "classic",
    "size",
    "latent+classic",
    "latent+pooled",
    "random+pooled",
)
STEPS = 300  # of one training at most: a curve takes twenty of them
SEEN = 0.1  # of the first training, before it says how long all will take
CROP_STEPS = 150  # where crops are read whole, which takes longer


def curves(question: Question) -> list[Result]:
    """Measure the code and what it is compared with on nested subsets of labelled patients."""
    part = question.part()
    sets = {name: blocks for name, blocks in part.blocks.items() if name.split("/")[0] in CURVES}
    values = raw_values(question.stores)
    if values is not None:
        sets["raw"] = [values[0]]
    results: list[Result] = []
    for number, label in enumerate(question.labels):
        told_of = f"few labels of {label.name}"
        question.on_event(
            Event(stage="evidence", done=number, total=len(question.labels), message=told_of)
        )
        taught = _taught(question, label, part) if TAUGHT in question.asked else None
        with one_thread():
            results += label_curve(
                label,
                replace(part, blocks=sets),
                question.patients,
                raw_values=None if values is None else values[1],
                taught=taught,
                seed=question.seed,
            )
    return results


def _taught(question: Question, label: LabelLike, part: Part) -> Curves | None:
    """Train the run's encoder from scratch on subsets of the labelled patients."""
    refuse_classes(label)
    every = lessons(label, part, question.patients, seed=question.seed)
    course = _Course(
        label=label.name,
        trainings=len(every),
        on_event=question.on_event,
        begun=time.monotonic(),
    )
    scores: dict[int, list[DoubleArray]] = {}
    for number, lesson in enumerate(every):
        draw = len(scores.setdefault(lesson.labelled, []))
        tell = course.teller(number, lesson.labelled)
        scores[lesson.labelled].append(_scores(question, label, part, lesson, draw, tell))
    if not scores:
        return None
    return taught_curve(label, part, question.patients, scores, seed=question.seed)


def _scores(
    question: Question,
    label: LabelLike,
    part: Part,
    lesson: Lesson,
    draw: int,
    tell: Callable[[Progress], None],
) -> DoubleArray:
    """Train once, with first weights of the draw's own; return what is said of test rows (n,)."""
    most = STEPS if question.main.beside.regions is None else CROP_STEPS
    steps = min(length_of(question).steps or most, most)
    taught = teach(
        untaught(question, draw),
        question.main.plan,
        labelled(question, label, lesson.train),
        labelled(question, label, lesson.stop),
        binary=label.kind == "binary",
        length=Length(steps=steps),
        on_progress=tell,
    )
    test = labelled(question, label, part.test)
    return by_case(question, test, told(taught, test))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Course:
    """Tells how far all trainings are, and how long they will take by those that are done."""

    label: str
    trainings: int
    on_event: OnEvent
    begun: float

    def teller(self, number: int, patients: int) -> Callable[[Progress], None]:
        """Return what tells of one training."""

        def tell(progress: Progress) -> None:
            done = number + progress.fraction
            left = (time.monotonic() - self.begun) * (self.trainings - done) / max(done, SEEN)
            self.on_event(
                Event(
                    stage="train",
                    done=done,
                    total=self.trainings,
                    seconds_left=left if done >= SEEN else None,
                    message=f"training {number + 1} of {self.trainings} on {self.label}, "
                    f"{patients} patients",
                )
            )

        return tell
