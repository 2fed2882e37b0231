"""What every evaluation of a run is given, and what it is.

In: a run's fittings and its cohort. Out: a ``Question``, the sets of features of a split, and the
record of an ``Evaluation``. The rows of a question are cases, or patients where a run asks for
those. Labels meet features here and nowhere earlier (PROMISES L3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, IntArray, Result
from latentomics.evaluation import LabelLike, Part, comparable, numbered
from latentomics.features import ByCase, Classified
from latentomics.flow.fitting import Fitting, Stores
from latentomics.flow.gather import Gathered, Split
from latentomics.flow.records import OnEvent, ignore
from latentomics.planning import Effort

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits

    from latentomics.models import Network

Arrays = dict[str, npt.NDArray[np.generic]]
Blocks = dict[str, list[npt.NDArray[np.floating]]]
UNTRAINED_POOLED = "random pooled/"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """A fitted run and its cohort; rows are those of the main fitting's features."""

    gathered: Gathered
    main: Fitting
    stores: Stores  # the samples of the main fitting, whose rows are always cases
    folds: tuple[Fitting, ...] = ()
    asked: frozenset[str] = frozenset()  # evaluations that a user named, all at once
    workers: int | None = None
    on_event: OnEvent = ignore

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.gathered.request.seed

    @property
    def effort(self) -> Effort:
        """How thoroughly the run is judged."""
        return self.main.plan.effort.value

    @property
    def network(self) -> Network:
        """The run's own network."""
        return self.main.fitted.network  # type: ignore[return-value]

    @property
    def fittings(self) -> tuple[Fitting, ...]:
        """Those of the folds where there are some, else the main one."""
        return self.folds or (self.main,)

    @property
    def labels(self) -> tuple[LabelLike, ...]:
        """The labels that are asked for, a value a row."""
        return self.gathered.labels(self.gathered.cases)

    @property
    def sites(self) -> tuple[str | None, ...]:
        """The site of each row."""
        return tuple(case.site for case in self.gathered.cases)

    @property
    def patients(self) -> IntArray:
        """The number of each row's patient."""
        return numbered([case.patient for case in self.gathered.cases])

    @property
    def test(self) -> IntArray:
        """The rows that the main fitting held out."""
        return np.flatnonzero([self.main.split.get(case) == "test" for case in self.main.cases])

    def part(self, fitting: Fitting | None = None) -> Part:
        """Return the split of a fitting, by default the main one, with its sets of features."""
        one = fitting or self.main
        sizes = size_block(self.gathered) if one.sizes is None else one.sizes
        return part_of(one, one.split, sizes)


def no_pictures(_: Question) -> Arrays:
    """Return nothing: most evaluations show their records alone."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation; its name is the word ``evaluation`` of its records.

    Attributes
    ----------
    answer : callable
        Returns records, none where the cohort does not allow any.
    needs : str
        What a cohort must have for it, in words.
    labelled : bool
        Whether it asks of labels, one target each.
    of_rows : bool
        Whether it is answered from tables, a row a case or a patient, and on one thread; else from
        cases with the network, which has as many threads as it likes.
    folds, errors : bool
        Whether it reads the fittings of the folds, and errors of reconstruction.
    pictures : callable
        Returns arrays for the report's pictures, of cases; asked on demand alone.
    """

    answer: Callable[[Question], list[Result]]
    needs: str
    labelled: bool = False
    of_rows: bool = True
    folds: bool = False
    errors: bool = False
    pictures: Callable[[Question], Arrays] = no_pictures


class Described(Protocol):
    """What a split's sets of features are made of; ``Fitting`` is one."""

    @property
    def cases(self) -> tuple[str, ...]:
        """Rows of the features."""

    @property
    def features(self) -> Mapping[str, ByCase]:
        """By name: latent, pca, random/0, ..."""

    @property
    def classic(self) -> Classified | None:
        """Classic features, where they were asked for."""


def one_thread() -> threadpool_limits:
    """Return a context in which linear algebra has one thread.

    The matrices are small: where another process keeps a core busy, threads that wait for each
    other make them ten times slower.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")


def held_out(question: Question) -> tuple[IntArray, list[str | None], IntArray]:
    """Return the rows that were held out, their sites and the numbers of their patients."""
    rows, sites = question.test, question.sites
    return rows, [sites[row] for row in rows], question.patients[rows]


def size_block(gathered: Gathered) -> DoubleArray | None:
    """Return the logarithm of each case's volume (n, 1), None where cases have no masks."""
    volumes = [gathered.facts[case.id].mask_mm3 for case in gathered.cases]
    if any(not volume for volume in volumes):
        return None
    return np.log(np.array(volumes, np.float64))[:, None]


def part_of(fitting: Described, split: Split, sizes: DoubleArray | None) -> Part:
    """Return a split with its sets of features; a probe fits on training and validation cases."""
    side = np.array([split.get(case, "none") for case in fitting.cases])
    train = np.flatnonzero((side == "train") | (side == "val"))
    sets = _sets(fitting, sizes)
    if fitting.classic is not None:  # it knows the size already
        sets["classic"] = [comparable(fitting.classic.columns.values.astype(np.float64), train)]
        sets["latent+classic"] = [*sets["latent"], *sets["classic"]]
    return Part(train=train, test=np.flatnonzero(side == "test"), blocks=sets)


def _sets(fitting: Described, sizes: DoubleArray | None) -> Blocks:
    values = {name: features.values for name, features in fitting.features.items()}
    sets: Blocks = {
        name: [block] for name, block in values.items() if not name.startswith(UNTRAINED_POOLED)
    }
    if "pooled" in values:
        sets["latent+pooled"] = [values["latent"], values["pooled"]]
    for name in values:
        if name.startswith(UNTRAINED_POOLED):
            seed = name.partition("/")[2]
            sets[f"random+pooled/{seed}"] = [values[f"random/{seed}"], values[name]]
    if sizes is not None:
        sets["size"] = [sizes]
        for name in [name for name in sets if "pooled" not in name and name != "size"]:
            base, _, repetition = name.partition("/")
            label = f"{base}+size/{repetition}" if repetition else f"{base}+size"
            sets[label] = [*sets[name], sizes]
    return sets
