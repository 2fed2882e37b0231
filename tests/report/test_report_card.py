"""The model card: every figure from the records, every string harmless."""

from __future__ import annotations

import json
from pathlib import Path

from report_run import CASES, DEMONSTRATION, write_json, write_run

from latentomics.report import write_card

HOSTILE = "a|b<script>`x`[y](z)\n# heading"
HEADINGS = (
    "Intended use and limits",
    "Cohort",
    "Preprocessing",
    "Method and network",
    "Training",
    "Evidence",
    "Load and encode",
    "Licence and citation",
)


def card(run: Path) -> str:
    (run / "model").mkdir(exist_ok=True)
    return write_card(run).read_text()


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_card_says_what_it_is_for_and_where_its_figures_come_from(tmp_path: Path) -> None:
    text = card(write_run(tmp_path))
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(HEADINGS)
    assert "# Model card: lungs" in text
    assert "Not for clinical use" in text
    found = rows(text)
    assert ["all", str(CASES), str(CASES // 2)] in found
    assert "north 14, south 26" in text
    assert "resampled to 1 x 1 x 2 mm, linear" in text
    probe = ["probe", "malignant", "latent", "AUROC", "0.910", "0.860 to 0.960", "20"]
    assert probe in found
    paired = next(cells for cells in found if cells[3:4] == ["AUROC, minus PCA"])
    assert paired[:5] == ["probe", "malignant", "latent", "AUROC, minus PCA", "+0.070"]
    assert "The site can be read from the features." in text
    assert "latentomics encode model new.csv -o new.parquet" in text
    assert 'latentomics.encode("model", "new.csv", "new.parquet")' in text


def test_a_figure_of_the_card_is_the_record(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    records = json.loads((run / "results.json").read_text())
    for record in records:
        if (record["evaluation"], record["features"], record["metric"]) == (
            "probe",
            "latent",
            "auroc",
        ):
            record |= {"value": 0.7654, "low": 0.7012, "high": 0.8123, "n": 17}
    write_json(run / "results.json", records)
    probe = ["probe", "malignant", "latent", "AUROC", "0.765", "0.701 to 0.812", "17"]
    assert probe in rows(card(run))


def test_S3_no_string_becomes_markdown_or_html(tmp_path: Path) -> None:
    text = card(write_run(tmp_path, label=HOSTILE))
    assert "<script>" not in text
    assert "a\\|b&lt;script&gt;" in text
    assert text.count("\n# ") == 0  # one heading of the first level, the first line
    assert {len(cells) for cells in rows(text) if cells[0] == "probe"} == {7}


def test_a_demonstration_has_no_intervals(tmp_path: Path) -> None:
    text = card(write_run(tmp_path, demonstration=DEMONSTRATION))
    assert DEMONSTRATION in text
    assert "0.860 to 0.960" not in text


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    for name in ("results.json", "cohort.parquet", "provenance.json"):
        (run / name).unlink()
    text = card(run)
    assert "results.json is not in the run folder." in text
    assert "cohort.parquet is not in the run folder." in text
