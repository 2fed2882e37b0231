"""Views that a plan can be edited to: whole tiny runs, and new cases encoded one by one."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

from latentomics import flow
from latentomics.features import read_table
from latentomics.planning import Request

SIZE = (20, 22, 12)
VIEWS = {  # view: dimension, size of a sample, whether a case has several
    "slices": (2, [16, 16], True),
    "patches": (3, [8, 8, 8], True),
    "fixed": (3, [16, 16, 12], False),
}


def write(folder: Path, cases: int = 24) -> Path:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SIZE), indexing="ij"))
    rows = []
    for number in range(cases):
        centre = np.array(SIZE) / 2 + rng.uniform(-3, 3, 3)
        radius = rng.uniform(2.5, 5)
        inside = np.sqrt(((grid - centre[:, None, None, None]) ** 2).sum(0)) < radius
        values = (100 + 80 * inside + rng.normal(0, 5, SIZE)).astype(np.float32)
        for name, array in (("image", values), ("mask", inside.astype(np.uint8))):
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), folder / f"{name}{number}.nii.gz")
        rows.append({"case": f"c{number}", "image": f"image{number}.nii.gz",
                     "mask": f"mask{number}.nii.gz", "modality": "MR"})  # fmt: skip
    return write_rows(folder / "cohort.csv", rows)


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def edited(plan: str, view: str) -> str:
    dimension, size, several = VIEWS[view]
    found = yaml.safe_load(plan)
    spec = found["network"]["value"] | {"dimension": dimension, "size": size}
    chosen = {"view": view, "dimension": dimension, "size": size, "spacing": [1.0] * dimension}
    if several:
        spec |= {"channels_in": 1, "channels_out": 1}
        chosen |= {"mask_channel": 0.0, "loss_region": "all", "pooled": True, "symmetries": "none"}
    for name, value in (chosen | {"network": spec}).items():
        found[name]["value"] = value
    return yaml.safe_dump(found)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_gives_a_whole_run_and_each_case_alone_the_same_features(
    tmp_path: Path, view: str
) -> None:
    manifest = write(tmp_path)
    asked = Request(epochs=1, latent=4, method="autoencoder")
    plan = flow.make_plan(manifest, asked, workers=1).to_yaml()
    (tmp_path / "plan.yaml").write_text(edited(plan, view))
    record = flow.run(tmp_path / "plan.yaml", tmp_path / "RUN", workers=1)
    assert "No pictures" not in record.report.read_text()
    table = read_table(record.table)
    latent = list(table.groups["latent"])
    assert len(latent) == (8 if VIEWS[view][2] else 4)  # mean and SD over a case's samples
    assert latent[-1].endswith("_sd") == VIEWS[view][2]
    frame = table.frame.set_index("case")
    with manifest.open() as opened:
        rows = list(csv.DictReader(opened))[:2]
    for row in rows:
        alone = write_rows(tmp_path / "one.csv", [row])
        encoded = flow.encode(record.folder, alone, tmp_path / "one.parquet", workers=1)
        again = read_table(encoded.table).frame.set_index("case")
        np.testing.assert_array_equal(
            again.loc[row["case"], latent].to_numpy(float),
            frame.loc[row["case"], latent].to_numpy(float),
        )
