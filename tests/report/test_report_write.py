"""The page: safe with any string, complete without a network, honest about what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
import yaml
from report_run import (
    CASES,
    DEMONSTRATION,
    VERDICT,
    results,
    write_history,
    write_json,
    write_pictures,
    write_run,
)

from latentomics.core import RequestError
from latentomics.report import write_report

HOSTILE = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}$\\frac{"
FILES = (
    "plan.yaml",
    "cohort.parquet",
    "rejected.csv",
    "history.jsonl",
    "results.json",
    "verdict.json",
    "provenance.json",
    "check.json",
    "features_dictionary.csv",
    "pictures/data.npz",
)


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.style = ""
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.style += data
            self._in_style = False
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def drawings(self) -> list[ElementTree.Element]:
        prefix = "data:image/svg+xml;base64,"
        sources = [str(attributes["src"]) for tag, attributes in self.tags if tag == "img"]
        return [
            ElementTree.fromstring(base64.b64decode(source.removeprefix(prefix)))
            for source in sources
            if source.startswith(prefix)
        ]

    def drawn_text(self) -> str:
        return " ".join(t for drawing in self.drawings() for t in drawing.itertext())


def page_of(folder: Path) -> Page:
    return Page(write_report(folder).read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return page_of(run)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = write_run(tmp_path_factory.mktemp("hostile") / "run", case_prefix=HOSTILE,
                       label=HOSTILE, demonstration=HOSTILE)  # fmt: skip
    write_json(folder / "verdict.json", [{"status": HOSTILE, "sentence": HOSTILE}])
    write_json(folder / "provenance.json", {HOSTILE: HOSTILE, "version": HOSTILE})
    (folder / "rejected.csv").write_text(
        'case,file,code,reason,remedy\n"' + '","'.join([HOSTILE.replace('"', '""')] * 5) + '"\n'
    )
    return page_of(folder)


def test_S3_no_string_becomes_markup(hostile: Page) -> None:
    known = set(
        re.findall(
            r"\w+",
            "html head meta title style body nav p ol li a main header h1 h2 h3 section span "
            "dl div dd dt table caption thead tbody tr th td figure img figcaption details "
            "summary ul strong footer code pre",
        )
    )
    assert {tag for tag, _ in hostile.tags} <= known
    for tag, attributes in hostile.tags:
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            assert str(attributes["src"]).startswith("data:image/")
    assert "<script>alert(1)</script>" in hostile.text  # shown as what it is
    assert "{{7*7}}" in hostile.text


def test_S3_no_string_becomes_markup_in_drawings(hostile: Page) -> None:
    drawings = hostile.drawings()
    assert drawings
    for drawing in drawings:
        for element in drawing.iter():
            assert not element.tag.endswith(("script", "foreignObject", "image"))
            assert not [name for name in element.attrib if name.startswith("on")]


def test_S3_names_that_are_no_xml_are_shown_with_a_mark(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", label="a\x01b\u202ec", shown=1)
    (folder / "verdict.json").write_text('[{"status": "ok", "sentence": "half \\ud800 pair"}]')
    shown = page_of(folder)
    assert "a\ufffdb\ufffdc" in shown.text
    assert "half \ufffd pair" in shown.text


def test_S3_policy_allows_only_what_is_in_the_page(page: Page) -> None:
    (policy,) = [attributes["content"] for tag, attributes in page.tags
                 if attributes.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert str(policy).split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not [tag for tag, attributes in page.tags if "style" in attributes]  # policy forbids


def test_S2_the_page_refers_to_no_network(page: Page, hostile: Page) -> None:
    for shown in (page, hostile):
        assert not re.search(r"url\(|@import|https?:", shown.style)
        for tag, attributes in shown.tags:
            assert tag not in ("script", "link", "iframe", "object", "embed", "form", "base")
            for name in ("src", "href", "srcset", "action"):
                assert str(attributes.get(name, "#")).startswith(("#", "data:image/"))
        for drawing in shown.drawings():
            for element in drawing.iter():
                links = [v for k, v in element.attrib.items() if k.endswith(("href", "src"))]
                assert all(link.startswith("#") for link in links)


def test_T6_the_verdict_comes_first_with_words_for_its_marks(page: Page) -> None:
    places = [page.text.index(str(point["sentence"])) for point in VERDICT]
    assert places == sorted(places)
    assert places[-1] < page.text.index("Who was studied")
    assert "3 points hold, 1 asks for care, 1 fails." in page.text
    assert re.search(r"! *take care *Untrained", page.text)
    assert re.search(r"✕ *fails *The site", page.text)


def test_figures_of_the_page_are_those_of_the_records(page: Page) -> None:
    drawn = page.drawn_text()
    assert "0.910  (0.860 to 0.960)" in drawn  # latent AUROC
    assert "0.0071  (0.0067 to 0.0075)" in drawn  # reconstruction
    assert re.search(r"malignant latent PCA AUROC \+0.070 \+0.020 to \+0.120 0.031", page.text)
    assert re.search(r"PCA 0.922 0.872 to 0.972 ✓ better", page.text)
    assert "malignant size alone AUROC 0.712 20" in page.text
    assert "north 0.40; south 0.60" in page.text
    assert "average precision is the share of positive cases, 0.500" in page.text
    assert "average precision is the share of the site" in page.text
    assert f"{CASES} cases (20 positive)" in page.text


def test_figures_of_a_sample_say_of_how_many_cases_and_how_sure(page: Page) -> None:
    drawn = "From 1,000 of 50,000 and 1,000 of 1,000 images, ± 0.0021 (95 %)."
    assert drawn in page.text
    assert "On 4,000 of 50,000 test cases, ± 0.2 (95 %)." in page.text


def test_what_the_code_alone_gains_is_folded_behind_the_richest_set(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", shown=1)
    records = results("malignant")
    gain = next(r for r in records if r["metric"] == "auroc_minus_pca")
    write_json(
        folder / "results.json",
        [
            *records,
            {**gain, "features": "latent+size", "metric": "auroc_minus_pca+size", "value": 0.0123},
            {**gain, "features": "latent+size", "metric": "auroc_minus_size", "value": 0.0456},
        ],
    )
    text = page_of(folder).text
    whole = text[text.index("What the code adds") : text.index("All metrics of each target")]
    assert whole.count("+0.046") == 1  # with and without the code: told once
    richer, alone = whole.split("The code alone against the baselines")
    assert "+0.012" in richer
    assert "malignant latent PCA AUROC +0.070" in alone


def test_words_beside_pictures_and_times_say_what_they_are(page: Page) -> None:
    assert "Shown: every 2nd test case in the order of the table." in page.text
    assert "The yellow line, black in the difference, is the border" in page.text
    (alternative,) = [
        str(attributes["alt"])
        for tag, attributes in page.tags
        if tag == "img" and "Map of the latent codes" in str(attributes["alt"])
    ]
    assert "cases, coloured by malignant, by volume, by site." in alternative
    assert "seconds: train (the network's training, and PCA" in page.text


def test_every_target_and_seed_is_drawn(page: Page, run: Path) -> None:
    assert (run / "pictures" / "probe_01.svg").is_file()
    assert (run / "pictures" / "probe_02.svg").is_file()
    assert not (run / "pictures" / "probe_03.svg").exists()


def test_L3_the_use_of_sites_is_said(tmp_path: Path, page: Page) -> None:
    folder = write_run(tmp_path / "run")
    plan = yaml.safe_load((folder / "plan.yaml").read_text())
    plan["uses"] = {"value": ["site"], "reason": "the method learns from it"}
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    words = " ".join(Page(write_report(folder).read_text()).words)
    said = "used the site of each training case"
    assert said in words
    assert "used beside pictures" in words
    assert said not in " ".join(page.words)


def test_demonstration_comes_first_and_without_intervals(tmp_path: Path) -> None:
    shown = page_of(write_run(tmp_path / "run", demonstration=DEMONSTRATION, shown=1))
    body = shown.text[shown.text.index("for research, not for clinical use") :]
    assert body.index(DEMONSTRATION) < body.index("Verdict")
    told, _ = shown.text.split("What the figures of this report mean")  # what follows is ours
    together = told + shown.drawn_text()
    assert "0.910" in together
    assert not re.search(r"[0-9] to [+−]?[0-9]", shown.drawn_text())
    assert not re.search(r"0\.8[67]0 to|95 % interval|0\.031|0\.0271|0\.041", together)
    assert "Intervals and p values are left out" in shown.text


@pytest.mark.parametrize("absent", [FILES[0::3], FILES[1::3], FILES[2::3]])
def test_missing_files_are_skipped_with_words(tmp_path: Path, absent: tuple[str, ...]) -> None:
    folder = write_run(tmp_path / "run", shown=1)
    for name in absent:
        (folder / name).unlink()
    text = page_of(folder).text
    for name in FILES:
        assert (f"{name} is not in the run folder" in text) == (name in absent)


def test_damaged_files_are_skipped_with_words(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    for name in FILES:
        (folder / name).write_bytes(b"\xff\xfe{ 'not': [what it was")
    with pytest.raises(RequestError, match="not a run folder"):
        write_report(folder)
    write_json(folder / "verdict.json", VERDICT)
    text = page_of(folder).text
    for name in set(FILES) - {"verdict.json"}:
        assert f"{name} cannot be read" in text


def test_a_run_with_one_file_still_has_a_page(tmp_path: Path) -> None:
    write_json(tmp_path / "verdict.json", VERDICT)
    assert str(VERDICT[0]["sentence"]) in page_of(tmp_path).text


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RequestError, match="not a run folder"):
            write_report(folder)


def test_a_last_line_cut_short_costs_itself_only(tmp_path: Path) -> None:
    folder = tmp_path
    write_history(folder)
    with (folder / "history.jsonl").open("a") as opened:
        opened.write('{"epoch": 13, "step": 6')
    assert "600 steps in 1 min 24 s" in page_of(folder).text


def test_S1_nothing_in_the_folder_is_executed(tmp_path: Path) -> None:
    folder, mark = tmp_path, tmp_path / "executed"
    (folder / "pictures").mkdir()
    write_json(folder / "verdict.json", VERDICT)
    (folder / "plan.yaml").write_text(f"!!python/object/apply:os.mkdir ['{mark}']")
    np.savez(folder / "pictures" / "data.npz", input=np.array([{"a": 1}], dtype=object))
    text = page_of(folder).text
    assert not mark.exists()
    assert "plan.yaml cannot be read" in text
    assert "pictures/data.npz cannot be read" in text


def test_pictures_that_do_not_fit_are_skipped_with_words(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "pictures").mkdir()
    write_pictures(folder, ["a", "b", "c"], 3)
    stored = dict(np.load(folder / "pictures" / "data.npz"))
    stored = {key: stored[key] for key in ("input", "reconstruction", "mask", "case", "spacing")}
    stored["reconstruction"] = stored["reconstruction"][:, :-1]
    np.savez(folder / "pictures" / "data.npz", **stored)
    assert "inputs and reconstructions do not have the same size" in page_of(folder).text


def test_how_many_cases_were_measured_again_is_said_or_why_none_was(
    tmp_path: Path, page: Page
) -> None:
    assert "10 of 10 test cases, one a patient first, are measured again" in page.text
    assert "latent 6 0.70 0.65 to 0.75" in page.text  # the median with its interval
    assert "corrected for their number, but for two that say so" in page.text
    assert "a triangle stands for one below −0.5" in page.text
    folder = write_run(tmp_path / "run", shown=1)
    write_json(folder / "results.json", [])
    assert "measured again: there are fewer than five" in page_of(folder).text
    plan = yaml.safe_load((folder / "plan.yaml").read_text())
    plan["effort"] = {"value": {"remeasured": False}, "reason": "the budget is short"}
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    assert "No test case was measured again, as the plan says: the bud" in page_of(folder).text


def test_what_harmonising_does_to_the_site_is_said_with_its_levels(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", shown=1)
    site = next(r for r in results("malignant") if r["evaluation"] == "site")
    gain = next(r for r in results("malignant") if r["evaluation"] == "harmonisation")
    before = {**gain, "features": "latent", "metric": "auroc", "value": 0.5, "high": 0.55}
    after = {**before, "features": "latent harmonised", "value": 0.41, "low": 0.36, "high": 0.46}
    write_json(folder / "results.json", [site, gain, before, after])
    text = page_of(folder).text
    assert "The site is told clearly less well after ComBat; what is left, 0.410 " in text
    assert "lies clearly below chance (it is 0.5)" in text
    write_json(
        folder / "results.json", [site, {**gain, "high": 0.01}, before, {**after, "high": 0.51}]
    )
    text = page_of(folder).text
    assert "The site is told neither clearly better nor clearly worse after ComBat" in text
    assert "lies below chance, though not clearly" in text
    write_json(folder / "results.json", [site, {**gain, "low": 0.01, "high": 0.1}])
    assert "clearly better after ComBat, which it should not be" in page_of(folder).text


def test_sites_with_too_few_patients_and_unknown_columns_are_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", shown=1)
    table = pandas.read_parquet(folder / "cohort.parquet")
    table.loc[table.index[:3], "site"] = "Toshiba"  # of two patients
    table.to_parquet(folder / "cohort.parquet")
    records = results("malignant")
    for one in records:
        if one["evaluation"] == "confounding":
            one["settings"]["left_out"] = ["age", "sex"]
    write_json(folder / "results.json", records)
    text = page_of(folder).text
    assert "Left out of this section: Toshiba (2 patients, 3 cases)." in text
    assert "“All that is known” is site and size together" in text
    assert "fewer than half of the cases: age, sex." in text


def test_two_dimensions_and_no_site_or_label(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", dimension=2, shown=1)
    write_json(folder / "results.json", [])
    text = page_of(folder).text
    assert "No label was probed" in text
    assert "Sites were not compared" in text
    assert "atient's right" not in text  # rows and columns have no side
    assert "in the plane where most changes" not in text


def test_signals_are_drawn_as_lines(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", dimension=1, shown=1)
    text = page_of(folder).text
    assert "input and reconstruction on one scale" in text
    assert "grey scale" not in text
    assert "in the plane" not in text
    assert (folder / "pictures" / "case_01.svg").is_file()
    assert (folder / "pictures" / "traversals.svg").is_file()
    assert (folder / "pictures" / "neighbours.png").is_file()


def test_of_several_channels_the_one_that_is_shown_is_named(tmp_path: Path, page: Page) -> None:
    folder = write_run(tmp_path / "run", shown=1)
    plan = yaml.safe_load((folder / "plan.yaml").read_text())
    plan["request"]["channels"] = ["image", "image_ct"]
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    assert "Of 2 channels the first is shown: image." in page_of(folder).text
    assert "channels the first is shown: " not in page.text


def test_L4_the_verdict_says_what_it_calls_clear(tmp_path: Path) -> None:
    clear = {"status": "ok", "sentence": "grade: clearly better than PCA (+0.02), not size (-0.1)."}
    for demonstration, words in (
        (None, "stands with its interval in the sections below"),
        (DEMONSTRATION, "of a demonstration are not printed"),
    ):
        folder = write_run(tmp_path / words[:8], demonstration=demonstration, shown=1)
        plain = page_of(folder).text
        assert "leaves out zero" not in plain
        write_json(folder / "verdict.json", [clear])
        said = page_of(folder).text
        assert said.index("leaves out zero") < said.index("Who was studied")
        assert words in said
        assert "size (−0.1)" in said


def test_a_last_entry_of_few_steps_is_no_mean_of_the_training(tmp_path: Path) -> None:
    write_history(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    last = {**lines[-1], "step": lines[-1]["step"] + 1}
    last["train"] = dict.fromkeys(last["train"], 123456.0)
    with (tmp_path / "history.jsonl").open("a") as opened:
        opened.write(json.dumps(last) + "\n")
    assert "100,000" not in page_of(tmp_path).drawn_text()


@pytest.mark.parametrize(
    ("manifest", "title"),
    [("cohorts/lungs.csv", "lungs"), ("mni-cohort/manifest.csv", "mni-cohort"), (None, "run")],
)
def test_the_title_names_the_cohort(tmp_path: Path, manifest: str | None, title: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "plan.yaml").write_text(yaml.safe_dump({"request": {"manifest": manifest}}))
    assert f"{title} – latentomics" in page_of(folder).text


def test_D1_the_same_run_gives_the_same_page_and_leaves_the_library_alone(
    run: Path, page: Page
) -> None:
    import matplotlib

    before, first = dict(matplotlib.rcParams), (run / "report.html").read_bytes()
    assert write_report(run).read_bytes() == first
    assert dict(matplotlib.rcParams) == before
    assert len(first) < 5e6


def test_the_report_needs_no_torch(tmp_path: Path) -> None:
    write_json(tmp_path / "results.json", [])
    code = (
        "import sys, pathlib; from latentomics.report import write_report; "
        f"write_report(pathlib.Path({str(tmp_path)!r})); import latentomics.report.figures; "
        "sys.exit(bool({'torch', 'matplotlib.pyplot', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_records_of_another_form_are_refused_with_words(tmp_path: Path) -> None:
    records = results("malignant")
    records[0]["note"] = "not a key of results.json"
    write_json(tmp_path / "results.json", records)
    write_json(tmp_path / "verdict.json", VERDICT)
    assert "results.json cannot be read: a record has the keys" in page_of(tmp_path).text


def test_a_measured_likelihood_stands_beside_the_latents(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    assert "How likely held-out cases are" not in page_of(folder).text
    record = {
        "evaluation": "likelihood", "features": "latent", "target": None, "metric": "nll",
        "value": 1234.0, "low": 1200.0, "high": 1300.0, "n": 10,
        "settings": {"split": "test", "samples": 12, "draws": 500},
    }  # fmt: skip
    write_json(folder / "results.json", [*results("malignant"), record])
    page = page_of(folder).text
    assert "How likely held-out cases are" in page
    assert "negative log-likelihood (nats a sample)" in page
    assert "1,234 1,200 to 1,300" in page
