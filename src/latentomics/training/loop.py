"""The training loop, for any network and any task.

In: a network, a task that gives the loss of a step and a validation pass, and an ``Optimisation``.
Out: the network with its best weights, its history and its sha256. What a step does depends on its
number alone, so a run that was killed and resumed ends with the bytes of one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import Interrupted
from latentomics.planning import Length
from latentomics.training.checkpoint import FOLDER, clear_checkpoints, weights_sha256
from latentomics.training.desk import Desk
from latentomics.training.halving import in_halves, parts_at
from latentomics.training.interruption import Interruption
from latentomics.training.records import EpochRecord, Optimisation, Progress, Task, Terms, Trained
from latentomics.training.schedule import rate_factor, resolve_length, validation_due
from latentomics.training.state import FINISHED, State, load_state
from latentomics.training.wall_time import overrun, settle, stall

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim import AdamW

    from latentomics.objectives import Companion

BETAS = (0.9, 0.99)
WEIGHT_DECAY = 0.01
CLIP = 4.0  # times the running mean of the gradient's norm


def train_network(
    network: nn.Module,
    task: Task,
    how: Optimisation,
    *,
    folder: Path | None = None,
    resume: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    on_record: Callable[[EpochRecord], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Trained:
    """Train a network until its length is reached; it ends with the best weights of validation.

    Parameters
    ----------
    network : Module
        Any; its ``parameter_groups()``, where it has them, give factors on the rate.
    task : Task
        Gives losses and validation terms.
    how : Optimisation
        Length, rate, precision.
    folder : Path, optional
        Where checkpoints and history.jsonl go.
    resume : bool
        Go on from the newest checkpoint of the folder, where there is one.
    on_progress, on_record : callable, optional
        Told where training stands; told each line of the history when it is written.
    clock : callable
        Seconds, monotonic.

    Raises
    ------
    Interrupted
        After Ctrl-C or SIGTERM, with a checkpoint written.
    RequestError
        When there is no length, or the checkpoint belongs to another plan.
    IntegrityError
        When no checkpoint is what was written.
    """
    optimiser = make_optimiser(network)
    timed = resolve_length(how.length, how.epoch_steps).steps is None
    companion = getattr(task, "companion", None)
    state = _begin(network, optimiser, companion, how, folder, resume)
    desk = Desk(
        folder=folder,
        how=how,
        state=state,
        network=network,
        optimiser=optimiser,
        companion=companion,
        on_progress=on_progress,
        clock=clock,
    )
    with _deterministic(how.threads), Interruption() as wish:
        while state.outcome == FINISHED:
            if validation_due(state.step, state.length, how.epoch_steps) and not state.validated:
                record = _validate(network, task, how, desk)
                if record.remark:
                    desk.show(dict(record.train), timed=timed, remark=record.remark)
                if on_record is not None:
                    on_record(record)
                state.length = stall(state, how.epoch_steps, timed=timed)
                desk.save_sometimes()
            if state.outcome != FINISHED or state.done:
                break
            terms = take_step(network, optimiser, task, how, state)
            state.outcome = _judge(terms)
            if state.outcome != FINISHED:
                break
            state.step += 1
            state.count(terms)
            desk.read_clock()
            if timed:
                state.length = settle(state, how.epoch_steps)
                state.length = overrun(state, state.length)
            desk.show(terms, timed=timed)
            if wish.asked:
                break
    if not wish.asked:
        state.length = _closed(state)
    desk.save()
    if wish.asked:
        raise _interrupted(folder, state.step)
    network.load_state_dict(state.best)
    return Trained(
        network=network.eval(),
        length=state.length,
        history=tuple(state.history),
        best_step=state.best_step,
        outcome=state.outcome,
        weights_sha256=weights_sha256(state.best),
    )


def make_optimiser(network: nn.Module) -> AdamW:
    """Return AdamW over the network's parameter groups, each with a factor on the rate."""
    from torch.optim import AdamW

    groups = getattr(network, "parameter_groups", None)
    parts = groups() if groups else [{"params": list(network.parameters()), "lr_factor": 1.0}]
    parts = [part for part in parts if part["params"]]
    return AdamW(parts, lr=0.0, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True)


def take_step(
    network: nn.Module, optimiser: AdamW, task: Task, how: Optimisation, state: State
) -> Terms:
    """Do one step and return the batch means of its terms; no step is made on a term not finite.

    The norm of the gradient is held to a few times its own running mean, which needs no unit.
    """
    import torch

    companion: Companion | None = getattr(task, "companion", None)
    kept = {} if companion is None else companion.state()
    kept = {name: value.clone() for name, value in kept.items()}
    buffers = {buffer: buffer.clone() for buffer in network.buffers()}  # a codebook learns too
    planned = parts_at(state.length, state.step)

    def backward(parts: int) -> dict[str, Tensor]:
        if parts > planned:  # memory ran out in the middle: the step is repeated whole
            if companion is not None:
                companion.restore(kept)
            for buffer, before in buffers.items():
                buffer.copy_(before)
        optimiser.zero_grad(set_to_none=True)
        return _backward(network.train(), task, how, state.step, parts)

    named = in_halves(backward, state, how.batch)
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    named["gradient"] = torch.nn.utils.get_total_norm(gradients).float()
    values = torch.stack(list(named.values())).tolist()  # the one wait for the device
    means: Terms = dict(zip(named, values, strict=True))
    if all(math.isfinite(value) for value in values):
        limit = _clip_limit(state, means["gradient"])
        if means["gradient"] > limit:
            torch._foreach_mul_(gradients, limit / means["gradient"])
        for group in optimiser.param_groups:
            group["lr"] = _rate(how, state) * group["lr_factor"]
        optimiser.step()
    return means


def _backward(
    network: nn.Module, task: Task, how: Optimisation, step: int, parts: int
) -> dict[str, Tensor]:
    """Leave the gradient of a step's mean loss in the network, and return the means of its terms.

    Parts of a batch count by their samples, so the gradient is that of the batch as a whole.
    """
    sums: dict[str, Tensor] = {}
    count = 0
    for part in range(parts):
        with autocast(network, how.precision):
            loss, terms = task.training(step, part, parts)
        (loss.mean() if parts == 1 else loss.sum()).backward()  # type: ignore[no-untyped-call]
        count += len(loss)
        for name, term in {**terms, "total": loss}.items():
            sums[name] = sums.get(name, 0.0) + term.detach().float().sum()
    if parts > 1:
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.grad /= count
    return {name: total / count for name, total in sums.items()}


def autocast(network: nn.Module, precision: str) -> torch.autocast:
    """Return the context in which a network computes at a precision, on its own device."""
    import torch

    device = next(network.parameters()).device.type
    return torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def _begin(
    network: nn.Module,
    optimiser: AdamW,
    companion: Companion | None,
    how: Optimisation,
    folder: Path | None,
    resume: bool,
) -> State:
    state = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        if resume:
            state = load_state(folder, how, network, optimiser, companion)
        else:
            clear_checkpoints(folder / FOLDER)
    return state or State(length=resolve_length(how.length, how.epoch_steps))


def _validate(network: nn.Module, task: Task, how: Optimisation, desk: Desk) -> EpochRecord:
    import torch

    state = desk.state
    desk.read_clock()
    before = state.seconds
    network.eval()
    with torch.inference_mode(), autocast(network, how.precision):
        terms = in_halves(task.validation, state, how.batch)
    state.keep_best(network, terms["total"])
    if state.step:  # untrained weights may give anything, and training may mend that
        state.outcome = _judge(terms)
    desk.read_clock()
    state.validation_seconds += state.seconds - before
    judge = getattr(task, "remark", None)
    remark = judge(state.step, terms, state.history, last=state.done) if judge else ""
    record = state.record(_rate(how, state), how.epoch_steps, terms, remark)
    desk.write_history()
    return record


def _rate(how: Optimisation, state: State) -> float:
    return how.learning_rate * rate_factor(state.step, state.length)


def _judge(terms: Terms) -> str:
    for name, value in terms.items():
        if not math.isfinite(value):
            return f"stopped: {name} became {'NaN' if math.isnan(value) else 'infinite'}"
    return FINISHED


def _clip_limit(state: State, norm: float) -> float:
    usual = norm if state.gradient_norm is None else state.gradient_norm
    limit = CLIP * usual
    state.gradient_norm = 0.98 * usual + 0.02 * min(norm, limit)
    return limit


def _closed(state: State) -> Length:
    """Return the length of a run, also of one that ended before it was settled; it replays so."""
    if state.length.steps is not None:
        return state.length
    return state.length.model_copy(update={"steps": state.step + 1, "decay_steps": 0})


def _interrupted(folder: Path | None, step: int) -> Interrupted:
    what = f"training was interrupted after {step} steps"
    if folder is None:
        return Interrupted(f"{what}; nothing is kept", "no run folder was given", "train again")
    return Interrupted(
        f"{what}; they are kept", str(folder), "go on with the same command and --resume"
    )


@contextmanager
def _deterministic(threads: int | None) -> Iterator[None]:
    """Hold the number of threads and the choice of kernels, on which the last bits depend."""
    import torch

    before = torch.get_num_threads(), torch.backends.cudnn.deterministic
    torch.set_num_threads(threads or before[0])
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cudnn.deterministic = before[1]
