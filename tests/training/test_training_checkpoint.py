"""Weights are what was written, or they are refused (T10)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from training_toy import make_network

from latentomics.core import IntegrityError
from latentomics.training import load_model, load_weights, save_model, weights_sha256
from latentomics.training.checkpoint import INDEX, load_checkpoint, save_checkpoint


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def test_T10_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    sha256 = save_model(tmp_path, make_network(), {"network": {"kind": "toy"}})
    weights, description = load_model(tmp_path)
    assert description["network"] == {"kind": "toy"}
    assert sha256 == description["weights_sha256"] == weights_sha256(weights)
    flip_a_byte(tmp_path / "weights.safetensors")
    with pytest.raises(IntegrityError, match="not those that were written") as raised:
        load_model(tmp_path)
    assert raised.value.exit_code == 4


def test_T10_missing_weights_and_descriptions_are_named(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"model\.json"):
        load_model(tmp_path)
    with pytest.raises(IntegrityError, match=r"none\.safetensors"):
        load_weights(tmp_path / "none.safetensors", "0")


def test_equal_weights_have_equal_hashes() -> None:
    first, second = make_network().state_dict(), make_network().state_dict()
    assert weights_sha256(first) == weights_sha256(dict(reversed(second.items())))
    second["0.bias"] = second["0.bias"] + 1e-6
    assert weights_sha256(first) != weights_sha256(second)


def test_two_checkpoints_are_kept_and_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, {"a": torch.full((9,), float(step))}, {"step": step})
    files = sorted(tmp_path.glob("state-*"))
    assert [file.name[6:15] for file in files] == ["000000002", "000000003"]
    flip_a_byte(files[1])
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found[1] == {"step": 2}
    assert found[0]["a"][0] == 2
    flip_a_byte(files[0])
    with pytest.raises(IntegrityError, match="no checkpoint"):
        load_checkpoint(tmp_path)


def test_T1_what_a_killed_writer_left_goes_with_the_next_checkpoint(tmp_path: Path) -> None:
    left = tmp_path / f".{INDEX}.abc.part", tmp_path / ".state-000000001.safetensors.abc.part"
    for part in left:
        part.write_text("half")
    save_checkpoint(tmp_path, {"a": torch.ones(2)}, {"step": 2})
    assert not any(part.exists() for part in left)
    assert load_checkpoint(tmp_path) is not None
