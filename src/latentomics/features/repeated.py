"""Features of cases that were measured several times, by perturbing them.

In: cases, the pipeline and what describes a store. Out: tables (cases, ways, columns): the first
way is the case as it is, then chains of all perturbations, then each kind by itself. A way's turns,
shifts and gains are the same for all cases, as those of a rater would be; noise and contours are
drawn for each case. One case is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from latentomics.core import Case, DoubleArray, FloatArray, Mask, Sample, map_cases, stream
from latentomics.dataset import Store
from latentomics.features.classic import classic_features, measure_region, region_of
from latentomics.features.classic.extract import PREFIX
from latentomics.features.perturb import perturb
from latentomics.features.perturbation import KINDS, OF_MASK, Perturbation, chained, single
from latentomics.features.reposition import box_of_samples
from latentomics.features.samples import ByCase
from latentomics.planning import Classic
from latentomics.preprocess import Pipeline, prepare
from latentomics.sources import read_case

CHAINS = 3
ORIGINAL, CHAINED = "original", "chained"
SIZE, CLASSIC = "size", "classic"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeated:
    """Features of cases in several ways: each table (cases, ways, columns)."""

    cases: tuple[str, ...]
    ways: tuple[str, ...]  # original, chained (several), and the kinds that apply
    tables: Mapping[str, FloatArray]
    names: Mapping[str, tuple[str, ...]]

    def raters(self, kind: str) -> list[int]:
        """Return the ways that repeat a measurement in one manner, the original first."""
        return [way for way, name in enumerate(self.ways) if name in (ORIGINAL, kind)]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the manners of repeating, each once."""
        return tuple(dict.fromkeys(name for name in self.ways if name != ORIGINAL))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Remeasured:
    """One case: samples named by the number of their way, and the volume (mm3) of each mask."""

    samples: tuple[Sample, ...]
    ways: tuple[str, ...]
    volumes: tuple[float, ...]  # empty without a mask
    classic: tuple[DoubleArray, ...]  # empty where none are asked for


def repeated_features(
    cases: Sequence[Case],
    pipeline: Pipeline,
    open_samples: Callable[[Sequence[Sample]], Store],
    describe: Callable[[Store], Mapping[str, ByCase]],
    *,
    classic: Classic | None = None,
    seed: int,
    workers: int | None = None,
    on_done: Callable[[object], None] | None = None,
) -> Repeated | None:
    """Measure cases again and again, and describe each time; None where no case could be.

    Parameters
    ----------
    open_samples : callable
        Samples to a store, as the network reads them.
    describe : callable
        A store to features of its cases, by name.
    classic : Classic, optional
        Settings of classic features, which are measured on the same perturbed cases.
    """
    job = partial(remeasure, pipeline=pipeline, seed=seed, classic=classic)
    outcomes = map_cases(job, cases, name=lambda case: case.id, workers=workers, on_done=on_done)
    done: list[str] = []
    rows: dict[str, list[FloatArray]] = {}
    names: dict[str, tuple[str, ...]] = {}
    ways: tuple[str, ...] = ()
    for outcome in outcomes:
        found = outcome.value
        if found is None or (ways and found.ways != ways):
            continue
        described = {**describe(open_samples(found.samples)), **_beside(found)}
        if done and any(one.names != names[name] for name, one in described.items()):
            continue  # one slice where the others have several: other columns
        ways = found.ways
        done.append(outcome.key)
        for name, features in described.items():
            rows.setdefault(name, []).append(features.values)
            names[name] = features.names
    if not done:
        return None
    tables = {name: np.stack(each) for name, each in rows.items() if len(each) == len(done)}
    return Repeated(cases=tuple(done), ways=ways, tables=tables, names=names)


def _beside(found: Remeasured) -> dict[str, ByCase]:
    """Return what was measured without a network."""
    ways = tuple(_name(way) for way in range(len(found.ways)))
    beside = {}
    if found.volumes:
        volumes = np.log(np.array(found.volumes, np.float32))[:, None]
        beside[SIZE] = ByCase(cases=ways, values=volumes, names=("size_mm3 (log)",))
    if found.classic:
        names = tuple(PREFIX + f.name for f in classic_features(len(found.samples[0].frame.size)))
        values = np.stack(found.classic).astype(np.float32)
        beside[CLASSIC] = ByCase(cases=ways, values=values, names=names)
    return beside


def remeasure(
    case: Case, pipeline: Pipeline, seed: int, classic: Classic | None = None
) -> Remeasured:
    """Read a case, perturb it in every way, and prepare each.

    Raises
    ------
    CaseError
        What reading and preparing find.
    """
    acquisition, mask = read_case(case)
    dimension = acquisition.values.ndim - 1
    first = prepare(pipeline, acquisition, mask, case.id)
    box = box_of_samples([sample.frame for sample in first], acquisition.values.shape[1:])
    planned = ways_of(dimension, acquisition.unit, masked=mask is not None, seed=seed)
    samples: list[Sample] = []
    volumes: list[float] = []
    rows: list[DoubleArray] = []
    for number, (_, how) in enumerate(planned):
        draws = stream(seed, "remeasured", case.id, number)
        again, redrawn = perturb(acquisition, mask, how, draws, box=box)
        samples += prepare(pipeline, again, redrawn, _name(number))
        if redrawn is not None:
            volumes.append(_volume(redrawn))
            if classic is not None:
                rows.append(measure_region(region_of(again, redrawn, classic, f"case {case.id}")))
    return Remeasured(
        samples=tuple(samples),
        ways=tuple(way for way, _ in planned),
        volumes=tuple(volumes),
        classic=tuple(rows),
    )


def ways_of(
    dimension: int, unit: str, *, masked: bool, seed: int
) -> tuple[tuple[str, Perturbation], ...]:
    """Return the ways of measuring, the same for every case of a cohort; the first as it is."""
    chains = [
        (CHAINED, chained(stream(seed, "chain", number), dimension, unit))
        for number in range(CHAINS)
    ]
    impossible = (() if masked else OF_MASK) + (("rotation",) if dimension == 1 else ())
    kinds = [kind for kind in KINDS if kind not in impossible]
    as_it_is = (ORIGINAL, Perturbation())
    return (as_it_is, *chains, *((kind, single(kind, dimension, unit)) for kind in kinds))


def _name(way: int) -> str:
    return f"{way:03d}"


def _volume(mask: Mask) -> float:
    return float(mask.values.sum() * np.prod(mask.grid.spacing))
