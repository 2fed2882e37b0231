"""Tiny networks, plans and stores on which every method is tried."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from features_store import ball, make_store

from latentomics.core import NetworkSpec
from latentomics.dataset import Store, fit_pca
from latentomics.methods import METHODS, Method, method_named, method_of
from latentomics.objectives import LIKELIHOODS
from latentomics.planning import Noise, Plan
from latentomics.planning.kinds import completed, whole_capsules
from latentomics.training import Fitted, fit

SIZES = {1: (50,), 2: (13, 18), 3: (9, 14, 11)}
NOISE = Noise(model="gaussian", sigma=0.1, unit="scale")
LATENT = 4


def corrupted(model: str, sigma: float, unit: str) -> tuple[str, dict[str, float | str], dict]:
    """The denoising method with a noise model of its own."""
    return "denoising", {"noise": model}, {"noise": Noise(model=model, sigma=sigma, unit=unit)}


VARIANTS: list[tuple[str, dict[str, float | str], dict[str, object]]] = [
    ("sparse", {"kind": "l1"}, {}),
    ("sparse", {"kind": "top-k", "active": 2.0}, {}),
    ("contractive", {"jacobian": "hutchinson", "probes": 2.0}, {}),
    ("basis-vae", {"kind": "strict"}, {}),
    ("basis-vae", {"basis": 7.0}, {}),
    ("vq-vae", {}, {"kind": "dense"}),
    ("vq-vae", {}, {"kind": "convolutional"}),
    ("deep", {"activation": "linear"}, {}),
    ("invariant", {"against_site": "mmd"}, {}),
    ("invariant", {"against_site": "adversary"}, {}),
    ("beta-tcvae", {"estimator": "weighted"}, {}),
    ("dip-vae", {"kind": "II"}, {}),
    ("wae-mmd", {"code": "gaussian"}, {}),
    ("annealed-vae", {"schedule": "warm-up", "warm_up_steps": 2.0, "free_nats": 0.5}, {}),
    ("balanced-vae", {"rule": "lowest"}, {}),
    ("control-vae", {"smoothing": 0.5, "capacity_steps": 10.0}, {}),
    ("vae", {"likelihood": "gaussian-per-voxel"}, {}),
    ("iwae", {"likelihood": "bernoulli", "draws": 3.0}, {"normalisation": "percentile"}),
    corrupted("rician", 0.1, "scale"),
    corrupted("correlated", 0.1, "scale"),
    corrupted("poisson", 0.01, "1 / sqrt(photons)"),
    corrupted("masking", 0.25, "probability"),
    corrupted("coarse", 0.25, "probability"),
]
IDS = [
    "-".join(map(str, [name, *settings.values(), changes.get("kind", "")])).strip("-")
    for name, settings, changes in VARIANTS
]


def usual_size(name: str) -> tuple[int, ...]:
    """An image, or a signal where a method reads nothing else."""
    return SIZES[2] if 2 in METHODS[name].dimensions else SIZES[1]


def spec_for(method: Method, size: tuple[int, ...], kind: str | None = None) -> NetworkSpec:
    """The network that a plan would choose, smaller."""
    kind = kind or method.kinds[0]
    spec = NetworkSpec(
        kind=kind, dimension=len(size), size=size, channels_in=1, channels_out=1,
        latent=whole_capsules(LATENT, len(size), kind), code=method.code,
        widths=(8,) if kind == "recurrent" else (8, 16), stem=2 if kind == "spatial" else 4,
        output=LIKELIHOODS[method.likelihood].output,
    )  # fmt: skip
    return completed(spec, method.network, 10)


def plan_for(
    name: str,
    *,
    size: tuple[int, ...] = SIZES[3],
    settings: dict[str, float | str] | None = None,
    seed: int = 0,
    **changes: object,
) -> Plan:
    settings = settings or {}
    method = method_named(name, settings)
    kind = str(changes.pop("kind", method.kinds[0]))
    local = method.kinds[0] == "local"
    values: dict[str, object] = {
        "dimension": len(size), "view": "local" if local else "pose",
        "spacing": (1.0,) * len(size), "size": size, "margin": 4.0, "normalisation": "robust-z",
        "window": (0.0, 1.0), "method": name, "uses": method.uses,
        "network": spec_for(method, size, kind),
        "mask_channel": False, "loss_region": "mask+ring" if local else "all",
        "noise": NOISE if method.corruption else None,
        "shift": 2 if method.code == "capsules" else 0, "symmetries": "none",
        "pooled": False, "batch": 4, "learning_rate": 1e-3, "precision": "float32",
        "length": {"steps": 4}, "split": (0.6, 0.2, 0.2), "threads": 1,
    } | changes  # fmt: skip
    choices = {key: {"value": value, "reason": "test"} for key, value in values.items()}
    request = {"manifest": "m.csv", "settings": settings, "seed": seed}
    return Plan.model_validate({"request": request, **choices})


def pictures(size: tuple[int, ...], count: int, seed: int) -> np.ndarray:
    """Smooth bumps at random places, values in [0, 1]; the first ones are those of any count."""
    generator = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
    shown = []
    for *place, width in generator.uniform(0, 1, (count, len(size) + 1)):
        squares = sum((axis - x + 0.5) ** 2 for axis, x in zip(axes, place, strict=True))
        shown.append(np.exp(-(1 + 5 * width) * squares))
    return np.array(shown)[:, None]


def store_for(plan: Plan, count: int = 10, seed: int = 1) -> Store:
    size = plan.size.value
    values = pictures(size, count, seed).astype(np.float32)
    local = plan.view.value == "local"
    return make_store(
        list(values),
        [ball(size, min(size) / 3)] * count,
        cases=[f"{seed}-{number}" for number in range(count)],
        loss_region=plan.loss_region.value,
        patch=size if local else None,
    )


def run(plan: Plan, folder: Path | None = None, **settings: object) -> Fitted:
    train, held_out = store_for(plan), store_for(plan, 6, 2)
    method = method_of(plan)
    if method.closed_form:
        rows = train.batch(np.arange(len(train)), None).values.flatten(1).numpy()
        settings = {"initial": fit_pca(rows, LATENT, 0), **settings}
    return fit(plan, method, plan.network.value, train, held_out, folder, **settings)  # type: ignore[arg-type]
