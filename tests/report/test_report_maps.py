"""The section of the report on maps: by UMAP where it was asked for, and what to do where not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from report_run import CASES, record, write_json, write_run

from latentomics.report.page import Gallery, Table, Words
from latentomics.report.reading import read_run
from latentomics.report.sections.maps import latent_maps


def asked(folder: Path, *, umap: bool) -> Path:
    """Write what ``evaluate --only embedding`` leaves, with 30 of the cases on the map by UMAP."""
    found = json.loads((folder / "results.json").read_text())
    kinds = ("", "_tsne", "_umap") if umap else ("", "_tsne")
    for name in ("raw", "latent"):
        for place, kind in enumerate(kinds):
            more = {"each": {"seed 0": 0.7, "seed 1": 0.9}} if kind else {}
            for metric in ("r_nx_area", "trustworthiness"):
                value = 0.5 + 0.1 * place
                found.append(record("embedding", name + kind, metric, value, target="raw",
                                    span=None, **more))  # fmt: skip
    found.append(record("embedding", "pca", "trustworthiness", 0.99, target="images", span=None))
    write_json(folder / "results.json", found)
    if umap:
        path = folder / "pictures" / "data.npz"
        stored = dict(np.load(path))
        stored |= {"map_umap": stored["map"][:30], "map_umap_case": stored["map_case"][:30]}
        np.savez(path, **stored)
    return folder


def test_maps_stand_beside_each_other_with_how_far_they_can_be_trusted(tmp_path: Path) -> None:
    blocks = latent_maps(read_run(asked(write_run(tmp_path / "run"), umap=True)))
    (gallery,) = [block for block in blocks if isinstance(block, Gallery)]
    assert [picture.name for picture in gallery.pictures] == ["latent_map", "latent_map_umap"]
    assert f"n = 30 of {CASES}" in gallery.pictures[1].caption
    assert "distances between them mean nothing" in gallery.pictures[1].caption
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert [row[:3] for row in table.rows] == [
        ("code: two components", "raw images", "0.50"),
        ("code: t-SNE", "raw images", "0.60"),
        ("code: UMAP", "raw images", "0.70"),
        ("raw images: two components", "raw images", "0.50"),
        ("raw images: t-SNE", "raw images", "0.60"),
        ("raw images: UMAP", "raw images", "0.70"),
        ("code: two components", "whole code", "0.81"),
    ]
    assert "mean of several seeds" in table.caption
    assert not any(isinstance(block, Words) for block in blocks)


@pytest.mark.parametrize(
    ("done", "said"), [(False, "A map by UMAP, and how it"), (True, "UMAP was not installed")]
)
def test_where_there_is_no_umap_the_report_says_how_to_get_it(
    tmp_path: Path, done: bool, said: str
) -> None:
    folder = write_run(tmp_path / "run")
    blocks = latent_maps(read_run(asked(folder, umap=False) if done else folder))
    (words,) = [block.text for block in blocks if isinstance(block, Words)]
    assert words.startswith(said)
    assert "pip install 'latentomics[embedding]'" in words
