"""What the report shows, as arrays in pictures/data.npz.

In: a fitting and its stores. Out: some test cases beside their reconstructions, traversals of the
most active latents, thumbnails with nearest neighbours, and a map of the codes. Values are in the
acquisition's unit where the cohort has one, else normalised; NaN lies outside the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, FloatArray, Sample, write_atomic
from latentomics.dataset import Store
from latentomics.evaluation import redundancy
from latentomics.features import input_of
from latentomics.flow.fitting import Fitting
from latentomics.flow.question import Arrays
from latentomics.preprocess import inside

DATA = "pictures/data.npz"
SHOWN = 6
TRAVERSED = 6
STEPS = np.linspace(-2.5, 2.5, 7)
QUERIES = 4
NEIGHBOURS = 5
THUMBNAIL = 48  # pixels an edge
TRACE = 512  # samples of a signal
MOST_ALIKE = 256  # latents in the picture of their correlations


def write_pictures(
    folder: Path, fitting: Fitting, store: Store, unit: str, classes: Mapping[str, object]
) -> None:
    """Write pictures/data.npz.

    ``store`` holds all cases in the order of the fitting's; ``classes`` those of cases by which
    some are shown, none where cases have no class.
    """
    test = [row for row, case in enumerate(store.cases) if fitting.split[case] == "test"]
    rows, rule = shown_rows(test, [classes.get(store.cases[row]) for row in test])
    arrays = _reconstructions(fitting, store, unit, rows) | _codes(fitting)
    arrays |= {"rule": np.array([rule])}
    if not fitting.plan.network.value.block:
        arrays |= _traversals(fitting)
    if len(fitting.cases) == len(fitting.sample_cases):
        arrays |= _neighbours(fitting, store)
    folder.mkdir(exist_ok=True)
    _save(folder / "data.npz", arrays)


def add_pictures(run: Path, arrays: Arrays) -> str:
    """Put arrays to those of a run, in place of those of the same name; return the file's name."""
    path, stored = run / DATA, dict[str, npt.NDArray[np.generic]]()
    if path.is_file():
        with np.load(path, allow_pickle=False) as archive:
            stored = {name: archive[name] for name in archive.files}
    path.parent.mkdir(exist_ok=True)
    _save(path, stored | arrays)
    return DATA


def _save(path: Path, arrays: Arrays) -> None:
    def save(part: Path) -> None:
        with part.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **arrays)

    write_atomic(path, save)


def shown_rows(test: Sequence[int], classes: Sequence[object]) -> tuple[list[int], str]:
    """Return rows spread over the table, of each of a few classes as many, and the rule in words.

    Examples
    --------
    >>> shown_rows(range(12), [None] * 12)
    ([0, 2, 4, 6, 8, 10], 'Shown: every 2nd test case in the order of the table.')
    >>> shown_rows(range(12), ["no"] * 10 + ["yes"] * 2)[0]
    [0, 3, 6, 10, 11]
    """
    found = sorted({str(one) for one in classes if one is not None})
    if not 2 <= len(found) <= SHOWN:
        step = max(1, len(test) // SHOWN)
        every = "the first test cases" if step == 1 else f"every {_nth(step)} test case"
        return list(test[::step])[:SHOWN], f"Shown: {every} in the order of the table."
    count, rows = SHOWN // len(found), []
    for name in found:
        own = [row for row, one in zip(test, classes, strict=True) if str(one) == name]
        rows += own[:: max(1, len(own) // count)][:count]
    rule = f"Shown: of each class up to {count} test cases, spread evenly over the table."
    return sorted(rows), rule


def _nth(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"


def _reconstructions(fitting: Fitting, store: Store, unit: str, rows: Sequence[int]) -> Arrays:
    physical = unit in ("HU", "SUV")
    originals, outputs, masks = [], [], []
    for row in rows:
        sample = store.sample(row)
        scale = sample.frame.scale[0] if physical else 1.0
        offset = sample.frame.offset[0] if physical else 0.0
        originals.append(_seen(sample) * scale + offset)
        outputs.append(_rebuilt(fitting, store, row) * scale + offset)
        masks.append(sample.mask)
    size = np.max([values.shape for values in originals], axis=0)
    grid, flat = store.sample(rows[0]).frame.target, flat_axis(store.sample(rows[0]))
    return {
        "input": np.stack([_filled(values, size) for values in originals]),
        "reconstruction": np.stack([_filled(values, size) for values in outputs]),
        "mask": np.stack([_filled(mask.astype(np.float32), size, 0.0) > 0 for mask in masks]),
        "case": np.array([store.cases[row] for row in rows]),
        "spacing": np.array([sample_spacing(store.sample(row)) for row in rows]),
        "unit": np.array([unit if physical else "normalised units"]),
        "spacing_unit": np.array([grid.unit]),
        **({} if flat is None else {"flat_axis": np.array([flat])}),
    }


def _seen(sample: Sample) -> FloatArray:
    """Return the first channel, without what pads it beyond the image."""
    frame = sample.frame
    covered = inside(frame.source_size, frame.source, frame.target, frame.size)
    return np.where(covered.reshape(sample.mask.shape), sample.values[0], np.float32(np.nan))


def sample_spacing(sample: Sample) -> list[float]:
    """Return the spacing along the axes that a sample has."""
    flat = flat_axis(sample)
    return [step for axis, step in enumerate(sample.frame.target.spacing) if axis != flat]


def flat_axis(sample: Sample) -> int | None:
    """Return the axis that a plane of a volume was cut across; None for other samples."""
    if len(sample.frame.size) == sample.mask.ndim:
        return None
    return sample.frame.size.index(1)


def _rebuilt(fitting: Fitting, store: Store, row: int) -> FloatArray:
    import torch

    network = fitting.fitted.network
    sample = store.sample(row)
    channels = fitting.plan.network.value.channels_in
    values = input_of(store, row, channels)
    device = next(network.parameters()).device
    with torch.inference_mode():
        output = network.rebuild(torch.from_numpy(values[None]).to(device))  # type: ignore[operator]
    inside = tuple(slice(0, edge) for edge in sample.mask.shape)
    image: FloatArray = output[0, 0].cpu().numpy()[inside]
    return image


def _filled(values: FloatArray, size: npt.NDArray[np.int64], fill: float = np.nan) -> FloatArray:
    """Centre values in a larger array; what lies outside is not shown."""
    filled = np.full(size, fill, np.float32)
    first = [(whole - edge) // 2 for whole, edge in zip(size, values.shape, strict=True)]
    inside = tuple(slice(o, o + edge) for o, edge in zip(first, values.shape, strict=True))
    filled[inside] = values
    return filled


def _codes(fitting: Fitting) -> Arrays:
    values = fitting.features["latent"].values.astype(np.float64)
    centred = values - values.mean(0)
    variances, directions = (part[..., ::-1] for part in np.linalg.eigh(centred.T @ centred))
    shares = np.clip(variances, 0, None) / max(float(variances.sum()), 1e-12)
    codes = fitting.encoded.codes
    found: Arrays = _redundancy(fitting) | {
        "map": (centred @ directions[:, :2]).astype(np.float32),
        "map_case": np.array(fitting.cases),
        "map_shares": shares[:2],
    }
    if fitting.encoded.kl is not None:
        return found | {"latent_kl": _test_kl(fitting, fitting.encoded.kl)}
    variance = codes.astype(np.float64).var(0)
    return found | {"latent_variance": variance / max(float(variance.mean()), 1e-12)}


def _test_kl(fitting: Fitting, kl: DoubleArray) -> DoubleArray:
    """Return the mean KL (latent,) of test cases, of all where there are none."""
    test = np.array([fitting.split.get(case) == "test" for case in fitting.sample_cases])
    mean: DoubleArray = kl[test if test.any() else slice(None)].mean(axis=0)
    return mean


def _redundancy(fitting: Fitting) -> Arrays:
    """Return |Spearman| of the latents on test cases, those that repeat each other together."""
    test = np.flatnonzero([fitting.split.get(case) == "test" for case in fitting.cases])
    values = fitting.features["latent"].values[test].astype(np.float64)
    varying = np.flatnonzero(values.std(axis=0) > 0) if len(test) > 2 else np.empty(0, np.int64)
    if not len(varying):
        return {}
    groups, alike = redundancy(values[:, varying])
    order = np.argsort(groups, kind="stable")[:MOST_ALIKE]
    return {"alike": alike[np.ix_(order, order)].astype(np.float32), "alike_group": groups[order]}


def _traversals(fitting: Fitting) -> Arrays:
    import torch

    network = fitting.fitted.network
    codes, kl = fitting.encoded.codes, fitting.encoded.kl
    carried = codes.var(0) if kl is None else _test_kl(fitting, kl)  # as the bars are ordered
    active = np.argsort(-carried)[:TRAVERSED]
    device = next(network.parameters()).device
    centre = codes.mean(0)
    moved = np.tile(centre, (len(active), len(STEPS), 1))
    for row, latent in enumerate(active):
        moved[row, :, latent] += STEPS * codes[:, latent].std()
    with torch.inference_mode():
        images = [
            network.reconstruct(torch.from_numpy(row).float().to(device))[:, 0].cpu().numpy()  # type: ignore[operator]
            for row in moved
        ]
    return {
        "traversal": np.stack(images),
        "traversal_names": np.array([f"latent_{latent:03d}" for latent in active]),
        "traversal_values": STEPS,
    }


def _neighbours(fitting: Fitting, store: Store) -> Arrays:
    values = fitting.features["latent"].values.astype(np.float64)
    test = [row for row, case in enumerate(fitting.cases) if fitting.split[case] == "test"]
    queries = test[:: max(1, len(test) // QUERIES)][:QUERIES]
    squared = np.stack([((values - values[query]) ** 2).sum(1) for query in queries])
    nearest = np.argsort(squared, axis=1)[:, 1 : NEIGHBOURS + 1]
    used, places = np.unique(np.concatenate([queries, nearest.ravel()]), return_inverse=True)
    return {
        "thumbnails": np.stack([_thumbnail(store, int(row)) for row in used]),
        "thumbnail_case": np.array([store.cases[row] for row in used]),
        "neighbour_query": places[: len(queries)],
        "neighbour_index": places[len(queries) :].reshape(nearest.shape),
    }


def _thumbnail(store: Store, row: int) -> FloatArray:
    """Return a signal, or the middle slice (through the mask where there is one), in one size."""
    sample = store.sample(row)
    image = _seen(sample)
    if image.ndim == 1:
        along = np.linspace(0, len(image) - 1, TRACE)
        return np.interp(along, np.arange(len(image)), image).astype(np.float32)
    if image.ndim == 3:
        masked = np.flatnonzero(sample.mask.any((0, 1)))
        image = image[:, :, int(masked[len(masked) // 2]) if len(masked) else image.shape[2] // 2]
        image = image[::-1, ::-1].T  # anterior at the top, the patient's right on the left
    longest = max(image.shape)
    square = _filled(image, np.array((longest, longest)))
    places = np.arange(THUMBNAIL) * longest // THUMBNAIL
    return square[np.ix_(places, places)]
