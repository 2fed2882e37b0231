"""A rehearsal of the evidence and the report: small parts of them, timed before there is a network.

In: features that nobody learned, labels, sites. Out: seconds. One set of features stands for all:
what a regression takes follows from its columns, and everything else is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from latentomics.core import IntArray
from latentomics.evaluation import (
    COMPONENTS,
    Part,
    ks,
    label_efficiency,
    mmd,
    numbered,
    probe,
    site_predictability,
    site_variance,
)
from latentomics.features import ByCase, Classified
from latentomics.flow.evidence import SITE_SETS
from latentomics.flow.further import BY_FEATURE, harmonisable
from latentomics.flow.gather import Gathered, Split
from latentomics.flow.question import one_thread, part_of, size_block
from latentomics.planning import Effort

STAND_INS = {"latent": "random/0", "pooled": "random pooled/0"}
TIMED = "pca"  # the set that stands for all
DRAWS = 500
FEW, PERMUTATIONS, OF_THEM = 1, 99, 999  # of an MMD
MMD_SETS = 2
COLUMNS = 16  # timed one by one
HARMONISED_SETS = 2  # the latent before and after
KNOWN, BESIDE_KNOWN = "known/", "latent/"
NOT_FEW = (KNOWN, BESIDE_KNOWN)  # no curve of few labels
KNOWN_SETS = 5  # besides the picture, which a label is also probed from, and the latent twice more
FIXED, POWER = 0.2, 1.9  # of a regression's time in its columns; 1 to 128 columns were measured
OTHERS = 1.2  # all evidence over what is counted here

Now = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """Seconds of parts of the evidence, and of the report.

    Attributes
    ----------
    widths : mapping of str to int
        Columns of every set of features, after reduction.
    columns : int
        Of the set that was timed.
    fits_s, draw_s, few_s : float
        One set, every label: its regressions in one part, one resample, a curve of few labels.
    site_s, shift_s : float
        One set: site and permutations in one part, one MMD with its permutations.
    by_feature_s : float
        Features of the sets that are looked at one by one.
    harmonised : bool
        Whether the latent is harmonised between sites, and probed before and after.
    again_s : float
        All test cases that are measured again.
    """

    widths: Mapping[str, int]
    columns: int
    fits_s: float
    draw_s: float
    few_s: float
    site_s: float
    shift_s: float
    by_feature_s: float
    report_s: float
    again_s: float = 0.0
    harmonised: bool = False

    def evidence_s(self, parts: int, effort: Effort) -> float:
        """Return the seconds of the whole evidence."""
        sets = len(self.widths)
        known = sum(name in self.widths for name in SITE_SETS)
        weight = sum(self._relative(width) for width in self.widths.values())
        seconds = self.fits_s * parts * weight + self.draw_s * effort.draws * sets
        curves = sum(not name.startswith(NOT_FEW) for name in self.widths)
        seconds += self.few_s * curves * bool(effort.few_labels and parts == 1)
        seconds += self.site_s * known * parts + self.shift_s * MMD_SETS + self.by_feature_s
        seconds += self._harmonised_s(effort) if self.harmonised else 0.0
        return OTHERS * seconds + self.again_s * effort.remeasured

    def _harmonised_s(self, effort: Effort) -> float:
        """Return the seconds of its probes, of each label and of the site, on one split."""
        weight = self._relative(self.widths["latent"])
        each = self.fits_s * weight + self.draw_s * effort.draws + self.site_s
        return HARMONISED_SETS * each

    def _relative(self, columns: int) -> float:
        grown: float = (columns / self.columns) ** POWER
        return FIXED + (1 - FIXED) * grown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandIn:
    """Features in the place of a fitting's, before there is one."""

    cases: tuple[str, ...]
    features: Mapping[str, ByCase]
    classic: Classified | None


def rehearse(
    gathered: Gathered,
    split: Split,
    features: Mapping[str, ByCase],
    classic: Classified | None,
    now: Now,
) -> Rehearsed:
    """Time parts of the evidence on one set of features, and one chart.

    Parameters
    ----------
    features : mapping of str to ByCase
        Those of baselines.
    now : callable
        Seconds.
    """
    learned = {name: features[other] for name, other in STAND_INS.items() if other in features}
    stand_in = StandIn(
        cases=features[TIMED].cases, features={**features, **learned}, classic=classic
    )
    part = part_of(stand_in, split, size_block(gathered))
    widths = {
        name: sum(min(COMPONENTS, block.shape[1]) for block in blocks)
        for name, blocks in part.blocks.items()
    }
    widths |= {f"{KNOWN}{number}": 2 for number in range(KNOWN_SETS)}
    widths |= {f"{BESIDE_KNOWN}{number}": widths["latent"] + 2 * number for number in range(2)}
    one = replace(part, blocks={TIMED: part.blocks[TIMED]})
    patients = numbered([case.patient for case in gathered.cases])
    with one_thread():
        fits_s, draw_s, few_s = _labels(gathered, one, patients, now)
        site_s, shift_s, feature_s = _sites(gathered, one, features[TIMED], patients, now)
    sites = [case.site for case in gathered.cases]
    of_sets = [stand_in.features[name] for name in BY_FEATURE if name in stand_in.features]
    columns = sum(len(found.names) for found in of_sets)
    columns += len(classic.columns.names) if classic else 0
    timed = min(COLUMNS, features[TIMED].values.shape[1])
    return Rehearsed(
        widths=widths,
        columns=max(1, widths[TIMED]),
        fits_s=fits_s,
        draw_s=draw_s,
        few_s=few_s,
        site_s=site_s,
        shift_s=shift_s,
        by_feature_s=feature_s * columns / timed,
        report_s=_report(len(gathered.request.labels), now),
        harmonised=harmonisable(sites, patients, part.train) is not None,
    )


def _labels(
    gathered: Gathered, part: Part, patients: IntArray, now: Now
) -> tuple[float, float, float]:
    """Time each label once; the first is probed twice, for libraries that load at first use."""
    labels = gathered.labels(gathered.cases)
    for label in labels[:1]:
        probe(label, [part], patients, draws=1, calibrated=True)
    begun = now()
    for label in labels:
        probe(label, [part], patients, draws=1, calibrated=True)
    fitted = now()
    for label in labels:
        probe(label, [part], patients, draws=1 + DRAWS, calibrated=True)
    drawn = now()
    for label in labels:
        label_efficiency(label, part, patients)
    fits_s = fitted - begun
    return fits_s, max(0.0, drawn - fitted - fits_s) / DRAWS, now() - drawn


def _sites(
    gathered: Gathered, part: Part, features: ByCase, patients: IntArray, now: Now
) -> tuple[float, float, float]:
    sites = [case.site for case in gathered.cases]
    of_test, test_patients = [sites[row] for row in part.test], patients[part.test]
    begun = now()
    site_predictability([part], sites, patients)
    told = now()
    blocks = [block[part.test] for block in part.blocks[TIMED]]
    mmd(TIMED, blocks, of_test, test_patients, permutations=FEW)
    few_s = now() - told
    mmd(TIMED, blocks, of_test, test_patients, permutations=FEW + PERMUTATIONS)
    each_s = max(0.0, now() - told - 2 * few_s) / PERMUTATIONS
    shift_s = few_s + each_s * (OF_THEM - FEW)
    names, values = features.names[:COLUMNS], features.values[part.test][:, :COLUMNS]
    ks(TIMED, names[:1], values[:, :1], of_test, test_patients)  # loads what it needs
    compared = now()
    ks(TIMED, names, values, of_test, test_patients)
    site_variance(TIMED, names, values, of_test, test_patients)
    return told - begun, shift_s, now() - compared


def _report(labels: int, now: Now) -> float:
    """Time a chart, the second one: the first also loads what draws."""
    from latentomics.report import CHARTS, CHARTS_A_LABEL, draw_sample

    draw_sample()
    begun = now()
    draw_sample()
    return (now() - begun) * (CHARTS + CHARTS_A_LABEL * labels)
