"""Checkpoints that survive a kill at any moment, and weights that are what was written.

In: tensors by name and plain data. Out: safetensors files, each with its sha256 recorded beside it
and checked at every load. Paths inside a record are names, so a run folder may move.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from latentomics.core import IntegrityError, file_sha256, write_atomic

if TYPE_CHECKING:
    from torch import Tensor, nn

FOLDER = "checkpoint"
INDEX = "checkpoint.json"
WEIGHTS = "weights.safetensors"
MODEL = "model.json"

Meta = dict[str, object]


def save_checkpoint(folder: Path, tensors: Mapping[str, Tensor], meta: Meta) -> None:
    """Write a checkpoint beside the last one, then make it the first of the two that are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"state-{meta['step']:09}.safetensors"
    kept = [entry for entry in _entries(folder) if entry["file"] != name][:1]
    write_atomic(folder / name, lambda part: _save(tensors, part))
    entry = {"file": name, "sha256": file_sha256(folder / name), "meta": meta}
    write_atomic(folder / INDEX, json.dumps([entry, *kept]))
    names = {name, *(str(old["file"]) for old in kept)}
    of_the_killed = folder.glob(f".{INDEX}.*.part")  # writers that never finished
    for file in (*folder.glob("*.safetensors*"), *of_the_killed):
        if file.name not in names:
            file.unlink(missing_ok=True)


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(dict(tensors), path)
    except SafetensorError as error:  # its own words for a full disk
        raise OSError(errno.EIO, str(error), str(path)) from error


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], Meta] | None:
    """Return the newest checkpoint that is intact; None where none was ever written.

    Raises
    ------
    IntegrityError
        When there are checkpoints and none of them is what was written.
    """
    entries = _entries(folder)
    for entry in entries:
        try:
            tensors = load_weights(folder / str(entry["file"]), str(entry["sha256"]))
        except IntegrityError:
            continue  # the one before it is as good, only older
        meta = entry["meta"]
        if isinstance(meta, dict):
            return tensors, meta
    if entries:
        raise IntegrityError(
            "no checkpoint is what was written", str(folder), "start again without --resume"
        )
    return None


def clear_checkpoints(folder: Path) -> None:
    """Forget the checkpoints of an earlier run, so that they are never continued by mistake."""
    (folder / INDEX).unlink(missing_ok=True)
    for file in folder.glob("state-*.safetensors"):
        file.unlink(missing_ok=True)


def weights_bytes(state: Mapping[str, Tensor]) -> bytes:
    """Return weights as the bytes of a safetensors file; equal weights give equal bytes."""
    from safetensors.torch import save

    return save({name: value.detach().cpu().contiguous() for name, value in state.items()})


def weights_sha256(state: Mapping[str, Tensor]) -> str:
    """Return the sha256 that a file with these weights has, in hex."""
    return hashlib.sha256(weights_bytes(state)).hexdigest()


def load_weights(path: Path, sha256: str) -> dict[str, Tensor]:
    """Read tensors from a safetensors file whose sha256 is known.

    Raises
    ------
    IntegrityError
        When the file is missing, or its bytes are not those that were written.
    """
    from safetensors.torch import load

    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"the weights cannot be read: {error.strerror}", str(path), "train the model again"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise IntegrityError(
            f"the weights are not those that were written: sha256 {found[:12]}, not {sha256[:12]}",
            str(path),
            "copy the file again from where it came, or train the model again",
        )
    return load(content)


def save_model(folder: Path, network: nn.Module, description: Mapping[str, object]) -> str:
    """Write weights.safetensors and model.json; return the sha256 of the weights.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    network : Module
        With the weights to keep.
    description : mapping
        Plain data that stands in model.json beside ``weights_sha256``: architecture, pipeline.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = weights_bytes(network.state_dict())
    sha256 = hashlib.sha256(content).hexdigest()
    write_atomic(folder / WEIGHTS, content)
    record = {**description, "weights_sha256": sha256}
    write_atomic(folder / MODEL, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return sha256


def load_model(folder: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Return the weights and the description that ``save_model`` wrote.

    Raises
    ------
    IntegrityError
        When either is missing or not what was written.
    """
    path = folder / MODEL
    try:
        description = json.loads(path.read_text())
        sha256 = str(description["weights_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        raise IntegrityError(
            "the model's description cannot be read",
            str(path),
            "give the folder of a finished run, or copy it again",
        ) from None
    return load_weights(folder / WEIGHTS, sha256), description


def _entries(folder: Path) -> list[dict[str, object]]:
    try:
        entries = json.loads((folder / INDEX).read_text())
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise IntegrityError(
            "the list of checkpoints cannot be read",
            str(folder / INDEX),
            "start again without --resume",
        ) from None
    return list(entries)
