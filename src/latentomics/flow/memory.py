"""How much memory a run will take, estimated before work starts (PROMISES M1).

In: a plan and the facts of the cases. Out: bytes, by what takes them. Factors were measured on the
networks and views of this package (maximum resident size of a process that did one thing), and are
rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from latentomics.core import IntArray
from latentomics.dataset import copies_for
from latentomics.evaluation import COMPONENTS, DRAWS, MOST_IMAGES, draws_for
from latentomics.features import CHUNK, FLIP_VOXELS, PATCHES
from latentomics.flow.baselines import POOLED_COLUMNS, POOLED_ROWS
from latentomics.models import parameter_counts
from latentomics.planning import Effort, Need, Plan, pipeline_of
from latentomics.sources import CaseFacts

PROGRAM_BYTES = 590_000_000  # python with torch, scikit-learn, pandas, matplotlib
EARLY_BYTES = 530_000_000  # before components and evidence
WORKER_BYTES = 60_000_000  # of its own, beside pages shared with the program
IMAGE_COPIES = 5  # float32 copies of an image while it is read, checked and resampled: 4.1 measured
PARAMETER_BYTES = 24  # weight, gradient, two moments, best copy, and room
STEP_COPIES = 2.0  # of all activations in a step: 1.5 to 2.0 measured
READING_COPIES = 1.0  # of all activations while encoding: 0.4 to 0.6 measured
ROWS_COPIES = 3  # of the samples that components are fitted on: as drawn, centred, projected
REGIONAL = 15  # columns of a channel of a local code: five statistics of three regions
CASE_BYTES = 3500  # what is known of a case, and where it lies: 3,000 measured
SAMPLE_BYTES = 1500  # of each further sample of a case
UNTRAINED = Effort().untrained
SETS = 2 + UNTRAINED  # of features: learned, components, untrained encoders
PROBED_COPIES = 3.5  # float64 copies of the widest set of features while it is probed
RESAMPLED = 0.7  # share of the cases in the largest part that is resampled
POOLED_COPIES = 2.5  # float64 copies of pooled maps that components are fitted on
SPATIAL_MULTIPLE = 4  # voxels that local crops are rounded up to


def need_of(plan: Plan, facts: Sequence[CaseFacts], training: int) -> Need:
    """Estimate what a run of all cases takes, ``training`` of which are learned from."""
    voxels, cases = sample_voxels(plan, facts), len(facts)
    bytes_each = 4 * facts[0].channels + (2 if plan.loss_region.value == "mask+ring" else 1)
    image = max(int(np.prod(fact.size, dtype=np.int64)) * fact.channels for fact in facts)
    return Need(
        program=PROGRAM_BYTES,
        early=EARLY_BYTES,
        worker=WORKER_BYTES + IMAGE_COPIES * 4 * image,
        records=CASE_BYTES * cases + SAMPLE_BYTES * (len(voxels) - cases),
        samples=0 if plan.mapped.value else int(voxels.sum()) * bytes_each,
        stages={
            "fitting components": _components(plan, training),
            "training": _step(plan) + _features(plan, cases),
            "encoding": _encoding(plan, int(voxels.max())) + _described(plan, cases, training),
            "probing": _features(plan, cases) + _evidence(plan, cases),
        },
    )


def sample_voxels(plan: Plan, facts: Sequence[CaseFacts]) -> IntArray:
    """Return the voxels of each sample; of a local crop as its mask and margin ask."""
    if plan.view.value != "local":
        several = pipeline_of(plan).samples if plan.several else 1
        return np.full(several * len(facts), np.prod(plan.size.value), np.int64)
    spacing, least = np.array(plan.spacing.value), np.array(plan.size.value)
    extents = np.array([fact.mask_extent_mm or (0.0,) * len(least) for fact in facts])
    edges = np.maximum((extents + 2 * plan.margin.value) / spacing + 1, least)
    rounded = np.ceil(edges / SPATIAL_MULTIPLE) * SPATIAL_MULTIPLE
    return np.asarray(rounded.prod(1), np.int64)


def _components(plan: Plan, training: int) -> int:
    """Count the samples that components are fitted on, centred, and their moved copies."""
    spec = plan.network.value
    if spec.block:
        voxels: int = spec.block**spec.dimension
        return PATCHES * voxels * spec.channels_in * 4 * ROWS_COPIES
    several = pipeline_of(plan).samples if plan.several else 1
    row, most = spec.channels_in * math.prod(spec.size) * 4, plan.components_bytes.value
    rows = min(training * several, max(2, most // row))
    moved = spec.linear_path and bool(plan.shift.value or plan.deformation.value)
    copies = copies_for(rows, row, most) if moved else 0
    return row * rows * (ROWS_COPIES + 2 * copies)


def _step(plan: Plan) -> int:
    counts = parameter_counts(plan.network.value)
    return int(
        PARAMETER_BYTES * counts.network + STEP_COPIES * 4 * counts.activations * plan.batch.value
    )


def _encoding(plan: Plan, largest: int) -> int:
    """Count a chunk of whole samples; or the flips of a local crop, with their maps."""
    spec = plan.network.value
    counts = parameter_counts(spec)
    if not spec.block:
        return int(4 * counts.network + READING_COPIES * 4 * counts.activations * CHUNK)
    a_voxel = counts.activations / np.prod(spec.size)
    at_once = max(FLIP_VOXELS, largest)
    positions = largest / 2**spec.dimension
    maps = 2**spec.dimension * spec.latent * 3 * 4 * positions
    blocks = spec.block**spec.dimension * spec.channels_in * 4 * positions
    return int(READING_COPIES * 4 * a_voxel * at_once + maps + blocks)


def _columns(plan: Plan) -> tuple[int, int]:
    """Return the columns of a set of features, and those of its pooled maps as they are kept."""
    spec = plan.network.value
    several = 2 if plan.several else 1  # mean and SD over the samples of a case
    learned = spec.latent * (REGIONAL if spec.block else 1)
    return learned * several, POOLED_COLUMNS if plan.pooled.value else 0


def _features(plan: Plan, cases: int) -> int:
    """Count every set of features, in single precision, of every split."""
    return 4 * SETS * sum(_columns(plan)) * cases * (1 + plan.request.folds)


def _described(plan: Plan, cases: int, training: int) -> int:
    """Count features, and pooled maps as wide as the encoder, those of one network at a time."""
    maps = 3 * sum(plan.network.value.widths) * (2 if plan.several else 1)
    if not plan.pooled.value:
        return _features(plan, cases)
    whole = 4 * maps * cases
    fitted = 8 * maps * min(training, POOLED_ROWS) * POOLED_COPIES
    return _features(plan, cases) + whole + int(fitted)


def _evidence(plan: Plan, cases: int) -> int:
    """Count the widest set as it is probed, beside resamples or distances between patients."""
    learned, pooled = _columns(plan)
    wide = max(learned, min(learned, COMPONENTS) + pooled)
    part = int(RESAMPLED * cases)
    resamples = 8 * part * draws_for(part, DRAWS)
    distances = 8 * 3 * min(2 * MOST_IMAGES, cases) ** 2
    return int(8 * PROBED_COPIES * wide * cases) + max(resamples, distances)
