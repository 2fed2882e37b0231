"""Images that a model makes up: draws from its prior, and the path between two cases.

In: a run folder. Out: a picture, and how near the images come to training cases beside how near
cases come that the model has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latentomics.core import FloatArray, RequestError, stream
from latentomics.dataset import Store
from latentomics.evaluation import memorisation, memorisation_sentence
from latentomics.features import decode_codes, encode_store, nearest_distances
from latentomics.flow.opened import Opened, load_run, open_run
from latentomics.flow.pictures import flat_axis, sample_spacing
from latentomics.flow.records import Event, OnEvent, SampleRecord, ignore
from latentomics.methods import Method

MOST_COMPARED = 256  # held-out samples
FEWEST_STEPS = 3  # of a path: its ends and something between


def sample(
    run: Path,
    output: Path,
    *,
    count: int = 16,
    between: tuple[str, str] | None = None,
    seed: int = 0,
    workers: int | None = None,
    on_event: OnEvent = ignore,
) -> SampleRecord:
    """Draw images from a run's model and write them as one picture.

    Parameters
    ----------
    run : Path
        The run folder.
    output : Path
        The picture, .png.
    count : int
        Images to draw, or steps of the path, its ends among them.
    between : (str, str), optional
        Two cases of the run: their codes are joined by a straight line. Without it codes are drawn
        from the prior N(0, I).
    seed : int
        Of the draws.

    Raises
    ------
    RequestError
        When the method's codes have no prior, or a case is none of the run's.
    IntegrityError
        When the model is not what was written.
    """
    if output.suffix != ".png":
        raise RequestError(
            f"a picture is .png, not {output.suffix!r}", str(output), "name a file in .png"
        )
    fewest = FEWEST_STEPS if between else 1
    if count < fewest:
        raise RequestError(f"{count} images are too few", "-n", f"ask for {fewest} or more")
    model, method = load_run(run)
    _refuse_codes_without_prior(method)
    opened = open_run(run, model, method, workers=workers, on_event=on_event)
    if between is None:
        drawn = stream(seed, "sample").standard_normal((count, model.network.spec.latent))
        codes = drawn.astype(np.float32)
        titles: tuple[str, ...] = ("",) * count
    else:
        codes = _path(opened, between, count)
        titles = (between[0], *("",) * (count - 2), between[1])
    on_event(Event(stage="sample", done=0, total=1, message="decoding"))
    images = decode_codes(model.network, codes, opened.store.channels)
    _draw(output, images[:, 0], titles, opened.store)
    found = _memorised(opened, images[1:-1] if between else images, between or ())
    return SampleRecord(
        picture=output, count=count, memorisation=found, sentence=memorisation_sentence(found)
    )


def _refuse_codes_without_prior(method: Method) -> None:
    if not method.generates:
        raise RequestError(
            f"method {method.name} holds its codes to no prior, so a code that no case has stands "
            "for no image",
            f"code {method.code}",
            "use a method with a prior, such as vae or wae-mmd",
        )


def _path(opened: Opened, between: tuple[str, str], count: int) -> FloatArray:
    """Return codes on the straight line between those of two cases, (count, latent)."""
    unknown = [case for case in between if case not in opened.split]
    if unknown:
        raise RequestError(
            f"no case of the run is called {unknown[0]!r}",
            "--between",
            "give two names of the column case of features.parquet",
        )
    ends = []
    for case in between:
        store = opened.store.of([case])
        codes = encode_store(opened.model.network, opened.model.plan, store).codes
        ends.append(codes[len(codes) // 2])  # the middle one where a case has several samples
    along = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    path: FloatArray = (1 - along) * ends[0] + along * ends[1]
    return path


def _memorised(opened: Opened, images: FloatArray, without: Sequence[str]) -> float:
    """Return how near images come to training cases, held-out cases being 1."""
    train = [case for case in opened.cases if opened.split[case.id] == "train"]
    training = opened.store.of([case.id for case in train if case.id not in without])
    held_out = opened.part(opened.held_out)
    rows = np.linspace(0, len(held_out) - 1, min(MOST_COMPARED, len(held_out))).round()
    unseen = held_out.whole(np.unique(rows).astype(np.int64))
    return memorisation(nearest_distances(images, training), nearest_distances(unseen, training))


def _draw(output: Path, images: FloatArray, titles: tuple[str, ...], store: Store) -> None:
    from latentomics.report import write_images

    first = store.sample(0)
    flat = flat_axis(first)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_images(
        output,
        images,
        titles,
        spacing=tuple(sample_spacing(first)),
        anatomical=images.ndim == 4 or flat is not None,
        flat=2 if flat is None else flat,
    )
