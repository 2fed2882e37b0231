"""The deep autoencoder and the transforming autoencoder of their papers, on MNIST.

Usage: LATENTOMICS_DATA=... python deep_mnist.py [--epochs 30] [--picture map.png] [--brief]
784-1000-500-250-30 and the same with a code of 2, logistic units, cross-entropy, AdamW in place of
RBMs, on 55,000 digits; the squared error a test digit beside as many principal components, as in
Hinton and Salakhutdinov 2006 (who report 3.00 and 13.87 for 30), and a picture of both maps. Then
capsules that are told how a digit moved (Hinton et al. 2011): the slope of their poses against the
true shift, which should be 1 within .1, and the error of what they decode. Records:
work/studies/deep_mnist.jsonl; the two codes of each digit in the picture, too.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from digits import EDGE, Digits, digits, plan_for
from study import markdown, options, study_of

from latentomics.core import Capsules, FloatArray, NetworkSpec, stream
from latentomics.dataset import fit_pca
from latentomics.methods import method_of
from latentomics.models import Network, centre
from latentomics.models.capsules import shifted
from latentomics.planning import Length, Plan
from latentomics.training import fit
from latentomics.training.asked import draw_shifts
from latentomics.training.augment import move_batch

DEEP = NetworkSpec(
    kind="dense", dimension=2, size=(EDGE, EDGE), channels_in=1, channels_out=1, latent=30,
    code="point", widths=(1000, 500, 250), activation="logistic", output="logits",
)  # fmt: skip
CAPSULES = NetworkSpec(
    kind="capsules", dimension=2, size=(EDGE, EDGE), channels_in=1, channels_out=1, latent=6,
    code="capsules", widths=(40, 150),
)  # fmt: skip
NUMBERS = {2: (40, 150), 20: (20, 30)}  # of capsules, and their units
REACH = 3  # voxels: known shifts, an eighth of the digit
DRAWN = 5_000  # digits in the picture


def train(
    data: Digits, spec: NetworkSpec, method: str, epochs: int, seed: int
) -> tuple[Network, Plan]:
    """Train by a method, with the batch and the rate that the planner chooses."""
    settings: dict[str, float | str | bool] = {}
    if spec.output == "logits":
        settings = {"likelihood": "bernoulli"}
    shift = REACH if spec.kind == "capsules" else 0
    train, validation = data.store("train"), data.store("val")
    plan = plan_for(
        spec, method, Length(epochs=epochs), len(train), shift=shift, seed=seed, settings=settings
    )
    fitted = fit(plan, method_of(plan), spec, train, validation)
    return fitted.network.eval(), fitted.plan  # type: ignore[return-value]


def deep(data: Digits, latent: int, epochs: int, seed: int) -> dict:
    """Return the squared error a test digit, and the codes where they are two numbers."""
    method = "deep" if latent == DEEP.latent else "dense"
    spec = replace(DEEP, latent=latent)
    network, _ = train(data, spec, method, epochs, seed)
    values = torch.from_numpy(data.values["test"][:, None])
    with torch.inference_mode():
        code = centre(network.encode(values))
        error = (network.decode(code).sigmoid() - values).square().sum((1, 2, 3)).mean()
    return {"error": float(error)} | _drawn(code.numpy(), latent)


def principal(data: Digits, latent: int, seed: int) -> dict:
    """Return the same of principal components."""
    rows = {part: values.reshape(len(values), -1) for part, values in data.values.items()}
    pca = fit_pca(rows["train"], latent, seed)
    code = pca.encode(rows["test"])
    error = ((pca.decode(code) - rows["test"]) ** 2).sum(1).mean()
    return {"error": float(error)} | _drawn(code, latent)


def capsules(data: Digits, number: int, epochs: int, seed: int) -> dict:
    """Return slopes of the poses, and errors of what is decoded with and without the shift."""
    spec = replace(CAPSULES, latent=3 * number, widths=NUMBERS[number])
    network, _ = train(data, spec, "transforming", epochs, seed)
    values = torch.from_numpy(data.values["test"][:, None])
    moves, shifts = draw_shifts(stream(seed, "true shifts"), len(values), 2, REACH)
    moved, told = move_batch(values, moves), torch.from_numpy(shifts)
    with torch.inference_mode():
        before, after = network.encode(values), network.encode(moved)
        if not isinstance(before, Capsules) or not isinstance(after, Capsules):
            raise TypeError("the network has no capsules")
        decoded = [network.decode(code) for code in (shifted(before, told), centre(before))]
    apart = ((after.pose - before.pose) * before.presence[..., None]).sum(1)
    apart = (apart / before.presence.sum(1, keepdim=True).clamp_min(1e-6)).numpy()
    slopes = [float(np.polyfit(shifts[:, axis], apart[:, axis], 1)[0]) for axis in range(2)]
    errors = [float((d - moved).square().sum((1, 2, 3)).mean()) for d in decoded]
    return {"slopes": slopes, "error_told": errors[0], "error_untold": errors[1]}


def _drawn(code: FloatArray, latent: int) -> dict:
    return {"code": code[:DRAWN].round(3).astype(float).tolist()} if latent == 2 else {}


def draw_maps(path: Path, maps: dict[str, np.ndarray], numbers: np.ndarray) -> None:
    """Draw two-dimensional codes of test digits, a colour a digit."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(maps), figsize=(5 * len(maps), 5), layout="constrained")
    for ax, (name, codes) in zip(axes, maps.items(), strict=True):
        shown = ax.scatter(
            *codes.T, c=numbers[: len(codes)], cmap="tab10", s=3, vmin=-0.5, vmax=9.5
        )
        ax.set_title(name)
        ax.set_xticks([])
        ax.set_yticks([])
    figure.colorbar(shown, ax=axes, ticks=range(10), label="digit", shrink=0.8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "deep_mnist")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--training", type=int, help="digits; all 55,000 by default")
    parser.add_argument("--picture", type=Path, help="of the maps; beside the records by default")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    epochs, training, test = given.epochs, given.training, None
    if given.brief:
        epochs, training, test = 1, 1_000, 300
    study, seed = study_of(given), given.seed
    data = digits(binary=False, training=training, test=test)
    asked = {"epochs": epochs, "training": training, "seed": seed}
    found = {}
    for latent in (30, 2):
        ways = {
            "PCA": partial(principal, data, latent, seed),
            "deep autoencoder": partial(deep, data, latent, epochs, seed),
        }
        for name, way in ways.items():
            key = {"what": name, "latent": latent, **asked}
            found[name, latent] = study.piece(key, way)
    rows = [(name, latent, record["error"]) for (name, latent), record in found.items()]
    print(markdown(("", "code", "squared error a test digit"), rows))
    moved = []
    for number in NUMBERS:
        key = {"what": f"{number} capsules", **asked}
        parts = study.piece(key, partial(capsules, data, number, epochs, seed))
        moved.append((number, *parts["slopes"], parts["error_told"], parts["error_untold"]))
    head = ("capsules", "slope of poses, down", "across", "squared error, shift told", "not told")
    print(f"\npose against true shift (goal 1 within .1)\n{markdown(head, moved)}")
    maps = {name: np.array(found[name, 2]["code"]) for name in ("PCA", "deep autoencoder")}
    picture = given.picture or study.path.with_suffix(".png")
    draw_maps(picture, maps, data.numbers["test"])
    print(f"maps      {picture}")


if __name__ == "__main__":
    main()
