"""Whether a run folder is whole and as it was written.

``seal`` writes the sha256 of every file of a finished run into seal.json; ``verify`` compares, and
``report`` writes the report again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from latentomics.core import IntegrityError, RequestError, file_sha256, write_atomic

SEAL = "seal.json"
UNSEALED = ("checkpoint", "folds", "tracking", ".lock")  # of use while training, or others' files


def seal(folder: Path) -> None:
    """Write the hashes of a finished run's files."""
    found = {
        str(path.relative_to(folder)): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _left_out(path.relative_to(folder))
    }
    write_atomic(folder / SEAL, json.dumps(found, indent=1) + "\n")


def report(run: Path) -> Path:
    """Write report and model card of a run again from its files, and seal them anew, no more."""
    return renew(run)


def renew(run: Path, changed: Sequence[str] = ()) -> Path:
    """Write report and model card after some files have changed, and seal those and them anew."""
    from latentomics.report import write_card, write_report

    path = write_report(run)
    made = {path, *(run / name for name in changed)}
    made |= {write_card(run)} if (run / "model").is_dir() else set()
    sealed = run / SEAL
    if sealed.is_file():
        made |= set((run / "pictures").glob("*.png"))
        made |= set((run / "pictures").glob("*.svg"))
        found = json.loads(sealed.read_text())
        found |= {str(one.relative_to(run)): file_sha256(one) for one in sorted(made)}
        write_atomic(sealed, json.dumps(found, indent=1) + "\n")
    return path


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
    compare(run, sealed)
    from latentomics.flow.model import load_fitted

    model = load_fitted(run / "model")
    return [
        f"{len(sealed)} files have the sha256 that the run recorded",
        f"model loads: {model.plan.method.value}, {model.plan.network.value.latent} latents",
    ]


def compare(run: Path, sealed: Mapping[str, str]) -> None:
    """Compare the files of a run with their sealed hashes.

    Raises
    ------
    IntegrityError
        When a file is missing or changed, by name.
    """
    for name, sha256 in sealed.items():
        path = run / name
        if not path.is_file():
            raise IntegrityError("a file of the run is missing", str(path), "copy the run again")
        if file_sha256(path) != sha256:
            raise IntegrityError(
                "a file is not what the run wrote", str(path), "copy the run again, or repeat it"
            )


def _left_out(relative: Path) -> bool:
    return (
        relative.parts[0] in UNSEALED
        or relative.name == SEAL
        or relative.name.startswith((".", "owner", "lock"))
    )
