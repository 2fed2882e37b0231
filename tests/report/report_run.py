"""A small run folder, made up: every file that the report reads, in the form that a run writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

CASES = 40
SIZE = (16, 20, 12)
DEMONSTRATION = "One brain, n = 1, no clinical verdict."
BASELINES = ("pca", "random", "size")


def write_run(
    folder: Path,
    *,
    demonstration: str | None = None,
    case_prefix: str = "case",
    label: str = "malignant",
    dimension: int = 3,
    shown: int = 2,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pictures").mkdir(exist_ok=True)
    names = [f"{case_prefix}{index:03d}" for index in range(CASES)]
    write_plan(folder, demonstration, label)
    write_cohort(folder, names, label)
    write_json(folder / "results.json", results(label))
    write_json(folder / "verdict.json", VERDICT)
    write_json(folder / "provenance.json", PROVENANCE)
    write_json(folder / "check.json", check(label))
    write_history(folder)
    write_pictures(folder, names, dimension, shown)
    (folder / "rejected.csv").write_text(
        "case,file,code,reason,remedy\n"
        "lost,lost.nii.gz,missing,the file is not there,correct the path\n"
    )
    (folder / "features_dictionary.csv").write_text(
        "name,group,unit,meaning\nlatent_000,latent,,code\nlatent_001,latent,,code\n"
        "size_mm3,size,mm3,volume of the mask\n"
    )
    return folder


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def write_plan(folder: Path, demonstration: str | None, label: str) -> None:
    def choice(value: object, reason: str = "because the cohort says so") -> dict[str, object]:
        return {"value": value, "reason": reason}

    plan = {
        "version": 1,
        "request": {
            "manifest": "cohorts/lungs.csv",
            "labels": [label],
            "site": "site",
            "demonstration": demonstration,
            "settings": {},
            "seed": 3,
        },
        "dimension": choice(3),
        "view": choice("fixed", "sizes carry meaning here"),
        "spacing": choice([1.0, 1.0, 2.0], "the median of the files"),
        "normalisation": choice("hu-window"),
        "window": choice([-1000.0, 400.0], "lung window"),
        "method": choice("autoencoder"),
        "network": choice({"kind": "convolutional", "latent": 8, "widths": [64, 128]}),
        "noise": choice(None, "not asked for"),
    }
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan, sort_keys=False))


def write_cohort(folder: Path, names: list[str], label: str) -> None:
    draws = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "case": names,
            "patient": [f"p{index // 2}" for index in range(CASES)],
            "site": np.where(np.arange(CASES) % 3 == 0, "north", "south"),
            "split": np.repeat(["train", "val", "test"], [24, 6, 10]),
            f"target_{label}": np.arange(CASES) % 2,
            "target_volume": draws.normal(3000, 400, CASES),
            "size": [list(SIZE)] * CASES,
            "spacing": [[1.0, 1.0, 2.0]] * CASES,
            "size_mm3": draws.lognormal(6, 1, CASES),
        }
    )
    table.to_parquet(folder / "cohort.parquet")


def record(evaluation: str, features: str, metric: str, value: float, **more: object) -> dict:
    span = more.pop("span", 0.05)
    interval = (None, None) if span is None else (value - span, value + span)
    return {
        "evaluation": evaluation,
        "features": features,
        "target": more.pop("target", None),
        "metric": metric,
        "value": value,
        "low": interval[0],
        "high": interval[1],
        "n": more.pop("n", 20),
        "settings": more,
    }


def check(label: str) -> dict[str, object]:
    by_size = {"label": label, "by": "size", "metric": "auroc", "value": 0.712, "cases": CASES,
               "patients": 20}  # fmt: skip
    return {
        "rows": CASES,
        "facts": [{"case": "case000"}],
        "counts": {"modality": {"CT": CASES}, "site": {"north": 14, "south": 26}},
        "predictability": [by_size],
        "remarks": ["two spacings are mixed"],
    }


def results(label: str) -> list[dict]:
    scores = {"latent+size": 0.93, "latent": 0.91, "pca": 0.84, "random": 0.86, "size": 0.71}
    found = [
        record(
            "reconstruction",
            name,
            "mse",
            value,
            split=split,
            span=0.0004,
            region="all",
            unit="squared normalised units",
            samples=40,
        )
        for split in ("test", "train")
        for name, value in {"latent": 0.0071, "pca": 0.0077, "mean": 0.0214}.items()
    ]
    found.append(record("reconstruction", "latent", "mse_ratio_to_pca", 0.922, split="test"))
    found.append(record("collapse", "latent", "active_share", 0.875, split="test", latent=8))
    for name, value in scores.items():
        more = {"by_seed": [value - 0.01, value, value + 0.01]} if name == "random" else {}
        found.append(record("probe", name, "auroc", value, target=label, scored="test",
                            cases=40, positive=20, **more))  # fmt: skip
        found.append(record("probe", name, "average_precision", value - 0.1, target=label,
                            cases=40, positive=20))  # fmt: skip
        found.append(record("probe", name, "r2", value - 0.4, target="volume"))
    for baseline in BASELINES:
        difference = scores["latent"] - scores[baseline]
        found.append(record("probe", "latent", f"auroc_minus_{baseline}", difference,
                            target=label, p=0.0314))  # fmt: skip
    found.append(record("label_efficiency", "latent", "auroc", 0.8, target=label, n_labels=20))
    found.append(record("label_efficiency", "pca", "auroc", 0.7, target=label, n_labels=20))
    found.append(record("site", "latent", "auroc", 0.62, target="site", chance=0.5, p=0.0271))
    found.append(record("structure", "latent", "distinct_share", 0.75, span=None, varying=8))
    found.append(record("structure", "latent", "dimension_twonn", 4.9, span=0.2, n=50_000,
                        scored="test", points=4000))  # fmt: skip
    found.append(record("structure", "latent", "total_correlation_nats", 0.4, span=None,
                        estimator="of a Gaussian"))  # fmt: skip
    found.append(record("embedding", "latent", "trustworthiness", 0.81, target="code", span=None))
    found.append(record("harmonisation", "latent harmonised", "auroc_minus_latent", -0.09,
                        target="site", p=0.027))  # fmt: skip
    for name, value in {"latent+known": 0.92, "known": 0.8, "size": 0.71, "site": 0.55}.items():
        found.append(record("confounding", name, "auroc", value, target=label, scored="test"))
    found.append(record("confounding", "latent+known", "auroc_minus_known", 0.12, target=label,
                        p=0.0314))  # fmt: skip
    found.append(record("confounding", "site", "variance_share", 0.02, target=label, span=None,
                        p=0.041, mean_by_site={"north": [0.4], "south": [0.6]}))  # fmt: skip
    each = {"names": ["latent_0", "latent_1", "latent_2"]}
    found.append(record("site_variance", "latent", "variance_share_mean", 0.24, target="site",
                        p=0.027, by_feature={**each, "share": [0.61, 0.1, -0.02]}))  # fmt: skip
    found.append(record("ks", "latent", "share_shifted", 0.33, target="site", span=None,
                        by_feature={**each, "p": [0.001, 0.4, 1.0]}))  # fmt: skip
    found += repeated("latent", 0.8) + repeated("intensity", 0.6)
    found.append(record("mmd", "latent", "mmd2", 0.0123, target="site", span=0.0021, p=0.041,
                        images_by_site=[1000, 1000], of_images=[50_000, 1000]))  # fmt: skip
    return found


def repeated(features: str, highest: float) -> list[dict]:
    icc = [round(highest - 0.05 * row, 3) for row in range(6)]
    each = {"names": [f"{features}_{row}" for row in range(6)], "icc": [*icc[:5], None],
            "low": [*(v - 0.1 for v in icc[:5]), None],
            "high": [*(v + 0.05 for v in icc[:5]), None]}  # fmt: skip
    common = {"target": "chained", "scored": "test", "cases": 10, "columns": 6}
    return [
        record("stability", features, "icc_median", icc[2], by_feature=each, **common),
        record("stability", features, "share_above_075", 0.2, span=None, **common),
        record("stability", features, "icc_median", 0.66, **{**common, "target": "rotation"}),
    ]


VERDICT = [
    {"status": "ok", "sentence": "The model keeps more of an image than PCA of the same size."},
    {"status": "ok", "sentence": "All 8 latents are in use."},
    {"status": "ok", "sentence": "The features know malignancy better than size alone."},
    {"status": "warn", "sentence": "Untrained encoders know nearly as much."},
    {"status": "fail", "sentence": "The site can be read from the features."},
]
PROVENANCE = {
    "version": "0.1.0",
    "command": "latentomics run lungs.csv -o RUN",
    "seed": 3,
    "packages": {"torch": "2.13.0", "numpy": "2.4.6"},
    "pipeline": ["resampled to 1 x 1 x 2 mm, linear", "clipped to -1000 to 400 HU"],
    "seconds": {"prepare": 3.2, "train": 91.0},
}


def write_history(folder: Path) -> None:
    lines = []
    for epoch in range(1, 13):
        nll, kl = 4000 / epoch + 900, 30 - 20 / epoch
        terms = {"total": nll + kl, "nll": nll, "kl": kl, "mse": nll / 1e5}
        validation = {key: value * 1.1 for key, value in terms.items()}
        lines.append({"epoch": epoch, "step": epoch * 50, "seconds": epoch * 7.0, "rate": 1e-3,
                      "train": terms, "validation": validation})  # fmt: skip
    (folder / "history.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n")


def write_pictures(folder: Path, names: list[str], dimension: int, shown: int = 2) -> None:
    draws = np.random.default_rng(1)
    size = SIZE[:dimension]
    axes = np.meshgrid(*[np.linspace(-1, 1, count) for count in size], indexing="ij")
    ball = sum(axis**2 for axis in axes) < 0.4
    values = np.where(ball, 40.0, -800.0) + draws.normal(0, 30, (shown, *size))
    steps = np.linspace(-3, 3, 5)
    moved = np.stack([np.stack([ball * 100.0 * (row + 1) * step for step in steps])
                      for row in range(2)])  # fmt: skip
    np.savez(
        folder / "pictures" / "data.npz",
        input=values.astype(np.float32),
        reconstruction=(values * 0.9).astype(np.float32),
        mask=np.repeat(ball[None], shown, axis=0),
        case=np.array(names[:shown]),
        spacing=np.array([1.0, 1.0, 2.0][:dimension]),
        rule=np.array(["Shown: every 2nd test case in the order of the table."]),
        unit=np.array("HU"),
        traversal=moved.astype(np.float32),
        traversal_names=np.array(["latent_003", "latent_005"]),
        traversal_values=steps,
        thumbnails=draws.random((len(names), *(12, 12)[:dimension])).astype(np.float32),
        neighbour_query=np.array([0, 5]),
        neighbour_index=np.array([[1, 2, 3], [6, 7, 8]]),
        map=draws.normal(size=(len(names), 2)),
        map_case=np.array(names),
        map_shares=np.array([0.43, 0.21]),
        alike=np.eye(8),
        alike_group=np.array([0, 0, 1, 2, 3, 4, 5, 6]),
        latent_variance=np.array([2.0, 1.5, 1.0, 0.5, 0.2, 0.1, 0.02, 0.001]),
    )
