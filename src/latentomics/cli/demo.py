"""``latentomics demo``: the main job on images that are at hand: of a pip package, or made.

In: the name of an example. Out: its cohort and a run folder, side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from latentomics.cli.command import command
from latentomics.cli.options import Asked, request_of
from latentomics.cli.summary import run_document, run_text
from latentomics.cli.talk import Talk


class Example(StrEnum):
    """Cohorts that come with a pip package, or are made."""

    MNI = "mni"
    MNIST = "mnist"
    LESIONS = "lesions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """What is asked of an example, and what its report must say first."""

    asked: Asked
    sentence: str


LESION_FACTORS = (  # of ``sources.synthetic``, without the scanner's
    "diameter_mm",
    "elongation",
    "edge_mm",
    "texture_mm",
    "contrast_hu",
    "x_mm",
    "y_mm",
    "z_mm",
)
DEMONSTRATIONS = {
    Example.MNI: Demonstration(
        asked=Asked(label=["tissue"], site="site"),
        sentence="A demonstration of the mechanics: one brain, n = 1, no clinical verdict.",
    ),
    Example.MNIST: Demonstration(
        asked=Asked(label=["digit"]),
        sentence="A demonstration of the mechanics: handwritten digits, no clinical verdict.",
    ),
    Example.LESIONS: Demonstration(
        asked=Asked(label=[*LESION_FACTORS], method="vae", latent=10),
        sentence="A demonstration of the mechanics: made lesions with known factors, no patients "
        "and no clinical verdict.",
    ),
}


@command(
    "latentomics demo",
    "latentomics demo mnist -o demo-run --budget 10m",
    "latentomics demo lesions -o made --cohort-only",
)
def demo(
    talk: Talk,
    example: Annotated[
        Example,
        typer.Argument(
            help="mni: tissue patches of the MNI152 brain; mnist: 5,000 digits; lesions: 1,000 "
            "made CTs of lesions with known factors."
        ),
    ] = Example.MNI,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the cohort and the run."),
    ] = Path("demo-run"),
    budget: Annotated[
        str, typer.Option("--budget", metavar="TIME", help="Wall time of the run: 90s, 5m.")
    ] = "220s",
    cohort_only: Annotated[
        bool, typer.Option("--cohort-only", help="Write the cohort, and run nothing.")
    ] = False,
) -> int:
    """Run the main job on images of a pip package, or on made ones; a few minutes."""
    from latentomics import flow

    cohort, folder = free_folders(output, example.value)
    cohort.mkdir(parents=True)
    manifest = write_example(example, cohort)
    chosen = DEMONSTRATIONS[example]
    if cohort_only:
        talk.result(f"cohort    {manifest}", {"manifest": str(manifest)})
        return 0
    talk.remark(chosen.sentence)
    talk.resume_command = f"latentomics run {folder / 'plan.yaml'} -o {folder} --resume"
    asked = request_of(replace(chosen.asked, budget=budget), demonstration=chosen.sentence)
    record = flow.run(manifest, folder, asked, on_event=talk.on_event)
    talk.result(f"{chosen.sentence}\n\n{run_text(record, intervals=False)}", run_document(record))
    return record.exit_code


def write_example(example: Example, folder: Path) -> Path:
    """Write the cohort of an example, and return its manifest."""
    from latentomics import sources

    writers: dict[Example, Callable[[Path], Path]] = {
        Example.MNI: sources.examples.write_mni_cohort,
        Example.MNIST: sources.examples.write_mnist_cohort,
        Example.LESIONS: sources.synthetic.write_lesion_cohort,
    }
    return writers[example](folder)


def free_folders(output: Path, name: str) -> tuple[Path, Path]:
    """Return folders for a cohort and its run that do not exist yet; earlier ones are kept."""
    stems = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    pairs = ((output / f"{stem}-cohort", output / stem) for stem in stems)
    return next(pair for pair in pairs if not any(folder.exists() for folder in pair))
