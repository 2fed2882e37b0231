"""What nobody may conclude from this page.

In: the plan and the table of cases. Out: one section.
"""

from __future__ import annotations

from latentomics.report.page import Points, Section
from latentomics.report.reading import RunFiles
from latentomics.report.sections.cases import column_of
from latentomics.report.words import number, said

_FEW = 50  # test patients below which an AUROC's interval spans about a quarter of the scale

_ALWAYS = (
    "Not for clinical use. This is research software; it is no medical device and gives no "
    "diagnosis.",
    "A figure holds for cases like the ones it was computed on. Other scanners, protocols or "
    "populations need a new evaluation.",
    "A reconstruction shows what the code keeps of an image. It can leave out a finding and can "
    "draw one that is not there; never read it in place of the image.",
    "Learned numbers have no unit and no fixed meaning: a new training gives other ones. The model "
    "in model/ gives the same numbers again.",
    "Several targets and baselines are compared; p values are not corrected for their number, but "
    "for two that say so: of single features between sites (Holm), and the verdict's p of MMD.",
)


def limits_section(files: RunFiles) -> Section:
    """Return the section about limits."""
    points = [files.demonstration] if files.demonstration else []
    points += _ALWAYS
    uses = files.choice("uses")
    if isinstance(uses, (list, tuple)) and uses:
        points.append(
            f"The encoder was not trained on pictures alone: it used the {said(uses)} of each "
            "training case, to learn features that do not tell it. What truly differs between "
            "sites, such as how common a disease is, may be lost with it."
        )
    splits, patients = column_of(files, "split"), column_of(files, "patient")
    tested = {p for s, p in zip(splits, patients, strict=False) if s == "test"}
    if tested and len(tested) < _FEW:
        points.append(
            f"Only {number(len(tested))} patients were held out for the test: differences of a few "
            "hundredths cannot be seen with so few."
        )
    if column_of(files, "site") and len({s for s in column_of(files, "site") if s}) < 2:
        points.append("All cases come from one site: nothing here speaks about another one.")
    return Section(anchor="limits", title="Limits", lead="", blocks=(Points(items=tuple(points)),))
