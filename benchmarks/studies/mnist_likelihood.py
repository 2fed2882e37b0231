"""Likelihood of binarised MNIST beside pythae: the same network, split and measure.

Usage: LATENTOMICS_DATA=... .venv-peers/bin/python mnist_likelihood.py [--epochs 20] [--brief]
A VAE and an IWAE of 784-400-40-400-784 on 55,000 binary digits, models chosen on 5,000 others, the
negative log likelihood of test digits by importance sampling (METHODS 6) with one function for
both sides. pythae's own trainer runs for so many epochs, at its own rate and at ten times that one;
the better of the two by its test likelihood is the rival, which favours it. Ours then gets that
trainer's time, a half and a fifth of it. Seconds are those that one core spent, so that other work
on it costs nothing; wall time stands beside. Records: work/studies/mnist_likelihood.jsonl.
"""

from __future__ import annotations

import platform
import time
from pathlib import Path

import numpy as np
import torch
from digits import EDGE, Digits, digits, plan_for
from pythae_likelihood import train as train_pythae
from study import Study, markdown, options, study_of

from latentomics.core import NetworkSpec
from latentomics.evaluation import importance_nll
from latentomics.features import importance_weights
from latentomics.methods import method_of
from latentomics.models import build_network
from latentomics.planning import Choice, Length
from latentomics.training import Optimisation, measure_pace, train_network
from latentomics.training.fit import make_task

METHODS = ("vae", "iwae")
RATES = (1e-4, 1e-3)  # pythae's own, and ours before AdamW's
SHARES = (1.0, 0.5, 0.2)  # of the rival's time
IMPORTANCE = 8  # draws of iwae while training
SPEC = NetworkSpec(
    kind="dense", dimension=2, size=(EDGE, EDGE), channels_in=1, channels_out=1, latent=40,
    code="gaussian", widths=(400,), output="logits",
)  # fmt: skip
HEAD = (
    "method", "trainer", "seconds of the core", "wall s", "epochs", "test NLL, nats (SE)",
    "bound", "beside the rival (SE)",
)  # fmt: skip


def measured(network: torch.nn.Module, data: Digits, draws: int) -> dict:
    """Return the negative log likelihood of each test digit, and its bound."""
    found = importance_weights(network, "bernoulli", data.store("test"), draws=draws, seed=0)  # type: ignore[arg-type]
    nll, effective = importance_nll(found.log_weights)
    return {
        "nll": [round(float(value), 3) for value in nll],
        "bound": round(float(-found.log_weights.mean()), 3),
        "effective_draws": round(float(effective.mean()), 1),
    }


def train_ours(
    method: str, data: Digits, budget_s: float, seed: int
) -> tuple[torch.nn.Module, dict]:
    """Train by our loop for so many seconds of a core, the choice of a precision included."""
    train, validation = data.store("train"), data.store("val")
    settings: dict[str, float | str | bool] = {"likelihood": "bernoulli"}
    settings |= {"draws": float(IMPORTANCE)} if method == "iwae" else {}
    wall, core = time.perf_counter(), time.process_time()
    plan = plan_for(
        SPEC, method, Length(budget_s=budget_s), len(train), seed=seed, settings=settings
    )
    pace = measure_pace(SPEC, 1, plan.batch.value)
    plan = plan.model_copy(update={"precision": Choice(value=pace.precision, reason=pace.reason)})
    network = build_network(SPEC, plan.seed)
    task = make_task(plan, method_of(plan), network, train, validation)
    how = Optimisation(
        learning_rate=plan.learning_rate.value,
        length=Length(budget_s=max(0.5, budget_s - (time.process_time() - core))),
        epoch_steps=task.epoch_steps,
        precision=plan.precision.value,
        threads=1,
    )
    trained = train_network(network, task, how, clock=time.process_time)
    seconds = {
        "seconds": round(time.perf_counter() - wall, 2),
        "core_seconds": round(time.process_time() - core, 2),
    }
    steps = trained.history[-1].step
    about = {"steps": steps, "batch": task.feed.batch, "precision": plan.precision.value}
    return network.eval(), seconds | about | {"epochs": round(steps / task.epoch_steps, 1)}


def pythae_piece(study: Study, method: str, rate: float, data: Digits, asked: dict) -> dict:
    key = {"trainer": "pythae", "method": method, "rate": rate, **asked}

    def do() -> dict:
        network, how = train_pythae(
            method, data, SPEC, rate=rate, epochs=asked["epochs"], draws=IMPORTANCE,
            seed=asked["seed"],
        )  # fmt: skip
        return how | measured(network, data, asked["draws"])

    return study.piece(key, do)


def our_piece(
    study: Study, method: str, share: float, rival: dict, data: Digits, asked: dict
) -> dict:
    key = {"trainer": "latentomics", "method": method, "share": share, **asked}
    budget = share * rival["core_seconds"]

    def do() -> dict:
        network, how = train_ours(method, data, budget, asked["seed"])
        return how | {"budget_s": budget} | measured(network, data, asked["draws"])

    return study.piece(key, do)


def mean_nll(record: dict) -> float:
    return float(np.mean(record["nll"]))


def row(record: dict, rival: dict) -> tuple[object, ...]:
    key, nll = record["key"], np.array(record["nll"])
    apart = nll - np.array(rival["nll"])
    ours = key["trainer"] == "latentomics"
    name = f"latentomics, {key['share']:g} of the time" if ours else f"pythae, rate {key['rate']:g}"
    beside = "the rival" if record is rival else _with_error(apart, "+")
    return (
        key["method"], name, f"{record['core_seconds']:.0f}", f"{record['seconds']:.0f}",
        record["epochs"], _with_error(nll), f"{record['bound']:.1f}", beside,
    )  # fmt: skip


def _with_error(values: np.ndarray, sign: str = "") -> str:
    return f"{values.mean():{sign}.2f} ({values.std(ddof=1) / len(values) ** 0.5:.2f})"


def processor() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text().splitlines() if found.is_file() else []
    return next((line.split(":")[1].strip() for line in lines if "model name" in line),
                platform.processor())  # fmt: skip


def main() -> None:
    parser = options(__doc__, "mnist_likelihood")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--epochs", type=int, default=20, help="of pythae's trainer")
    parser.add_argument("--draws", type=int, default=500, help="of importance sampling")
    parser.add_argument("--test", type=int, default=10_000, help="test digits, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    training, epochs, draws, test = None, given.epochs, given.draws, given.test
    if given.brief:
        training, epochs, draws, test = 2_000, 2, 20, 50
    data, study = digits(binary=True, training=training, test=test), study_of(given)
    asked = {"epochs": epochs, "draws": draws, "test": test, "seed": given.seed}
    asked |= {"machine": processor()}
    rows = []
    for method in given.methods:
        peers = [pythae_piece(study, method, rate, data, asked) for rate in RATES]
        rival = min(peers, key=mean_nll)
        ours = [our_piece(study, method, share, rival, data, asked) for share in SHARES]
        rows += [row(record, rival) for record in (*peers, *ours)]
    print(f"{len(data.values['test'])} test digits, {draws} draws, {asked['machine']}\n")
    print(markdown(HEAD, rows))


if __name__ == "__main__":
    main()
