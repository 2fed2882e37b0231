"""Whether a run folder is whole and as it was written.

``seal`` writes the sha256 of every file of a finished run into seal.json; ``verify`` compares.
"""

from __future__ import annotations

import json
from pathlib import Path

from latentomics.core import IntegrityError, RequestError, file_sha256, write_atomic

SEAL = "seal.json"
UNSEALED = ("checkpoint", "folds", ".lock")  # of use while training only


def seal(folder: Path) -> None:
    """Write the hashes of a finished run's files."""
    found = {
        str(path.relative_to(folder)): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _left_out(path.relative_to(folder))
    }
    write_atomic(folder / SEAL, json.dumps(found, indent=1) + "\n")


def verify(run: Path) -> list[str]:
    """Check every file of a run, and that its model loads.

    Raises
    ------
    RequestError
        When no finished run lies there.
    IntegrityError
        When a file is missing or changed, by name.
    """
    try:
        sealed = json.loads((run / SEAL).read_text())
    except (OSError, ValueError):
        raise RequestError(
            "no finished run lies here", str(run), "give the folder of a run that ended"
        ) from None
    for name, sha256 in sealed.items():
        path = run / name
        if not path.is_file():
            raise IntegrityError("a file of the run is missing", str(path), "copy the run again")
        if file_sha256(path) != sha256:
            raise IntegrityError(
                "a file is not what the run wrote", str(path), "copy the run again, or repeat it"
            )
    from latentomics.flow.model import load_fitted

    model = load_fitted(run / "model")
    return [
        f"{len(sealed)} files have the sha256 that the run recorded",
        f"model loads: {model.plan.method.value}, {model.plan.network.value.latent} latents",
    ]


def _left_out(relative: Path) -> bool:
    return (
        relative.parts[0] in UNSEALED
        or relative.name == SEAL
        or relative.name.startswith((".", "owner", "lock"))
    )
