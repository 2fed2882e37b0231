"""What classic radiomics tell, over several seeds of folds.

Usage: classic_folds.py COHORT TABLE --label malignant [--label 'texture<5' ...] [--seeds 5]
TABLE is what ``latentomics classic COHORT -o TABLE`` wrote. Five folds by patient, a linear probe
fitted in each; prints a Markdown table of the AUROC's mean and SD over the seeds of the folds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from latentomics.dataset import fold_cases
from latentomics.evaluation import Part, comparable, numbered, probe
from latentomics.features import read_table
from latentomics.sources import label_of, read_cohort

FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cohort", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--label", action="append", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    table = read_table(asked.table)
    by_id = {case.id: case for case in read_cohort(asked.cohort).cases}
    cases = [by_id[name] for name in map(str, table.frame["case"])]
    patients = numbered([case.patient for case in cases])
    labels = [label_of(cases, name) for name in asked.label]
    values = table.values("classic").astype(np.float64)
    found = np.empty((asked.seeds, len(labels)))
    for seed in range(asked.seeds):
        parts = []
        for fold in fold_cases(cases, FOLDS, labels=[labels[0].values], seed=seed):
            side = np.array([fold[case.id] for case in cases])
            train = np.flatnonzero(side != "test")
            blocks = {"classic": [comparable(values, train)]}
            parts.append(Part(train=train, test=np.flatnonzero(side == "test"), blocks=blocks))
        for column, label in enumerate(labels):
            results = probe(label, parts, patients, draws=1, seed=seed)
            found[seed, column] = next(r.value for r in results if r.metric == "auroc")
    print(f"| AUROC | {' | '.join(asked.label)} |")
    print("|---" * (len(labels) + 1) + "|")
    for name, row in (("mean", found.mean(0)), ("SD", found.std(0, ddof=1))):
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |")


if __name__ == "__main__":
    main()
