"""What a run says where the answer is known: yes on one cohort, no on another, in words.

Each run goes through the command line; answers are read from results.json and the report.
"""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from answers_cohort import write_answers
from typer.testing import CliRunner

from latentomics.cli.main import app
from latentomics.core import Result
from latentomics.flow.folder import read_results

CLOSED_FORM = ("--method", "probabilistic-pca", "--latent", "4")
LABELS = ("--label", "shade", "--label", "scanner")


def asked(folder: Path, manifest: Path, *words: str) -> Path:
    """Run a cohort through the command line; return the run folder."""
    run = folder / "RUN"
    line = ["run", str(manifest), "-o", str(run), "--site", "site", "--workers", "1", *words]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTOMICS_CACHE", str(folder / "cache"))
        shown = CliRunner().invoke(app, line)
    assert shown.exit_code == 0, shown.stderr
    return run


def one(run: Path, evaluation: str, metric: str, target: str | None, of: str = "latent") -> Result:
    wanted = (evaluation, metric, target, of)
    return next(
        found
        for found in read_results(run / "results.json")
        if (found.evaluation, found.metric, found.target, found.features) == wanted
    )


def first_page(run: Path) -> str:
    """Return the verdict of the report as text."""
    page = html.unescape((run / "report.html").read_text())
    return page.partition('id="verdict"')[2].partition("</section>")[0]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shade and scanner are in the pictures, and scanner B adds stripes."""
    folder = tmp_path_factory.mktemp("told")
    return asked(folder, write_answers(folder / "c", shift=4.0), *CLOSED_FORM, *LABELS)


@pytest.fixture(scope="module")
def untold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same disks: labels are dealt out at random, and the scanners are alike."""
    folder = tmp_path_factory.mktemp("untold")
    return asked(folder, write_answers(folder / "c", told=False), *CLOSED_FORM, *LABELS)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of noise."""
    folder = tmp_path_factory.mktemp("noise")
    return asked(folder, write_answers(folder / "c", kind="noise"), *CLOSED_FORM)


def test_a_label_in_the_pictures_is_told_and_one_dealt_at_random_is_not(
    told: Path, untold: Path
) -> None:
    yes, no = (one(run, "probe", "auroc", "shade") for run in (told, untold))
    assert yes.low > 0.8
    assert no.low < 0.5 < no.high
    assert "tells shade with AUROC" in first_page(told)
    assert "shade with AUROC" in first_page(untold)
    assert "not above chance" in first_page(untold)
    assert "There is nothing above chance to compare" in first_page(untold)


def test_a_label_that_is_the_site_is_said_to_hang_on_it_and_a_random_one_is_not(
    told: Path, untold: Path
) -> None:
    yes, no = (
        one(run, "confounding", "variance_share", "scanner", "site") for run in (told, untold)
    )
    assert yes.value == pytest.approx(1, abs=1e-6)
    assert yes.settings["p"] < 0.01 < 0.05 < no.settings["p"]
    assert "scanner can be told without a look, from site" in first_page(told)
    assert "how often it occurs differs between sites: 0% at A, 100% at B" in first_page(told)
    assert "scanner cannot be told from site alone" in first_page(untold)
    assert "shade cannot be told from site alone" in first_page(told)  # within one run, too


def test_a_shift_between_sites_is_found_and_where_there_is_none_none_is(
    told: Path, untold: Path
) -> None:
    for evaluation, metric, target in (
        ("site", "auroc", "site"),
        ("mmd", "mmd2", "A | B"),
        ("site_variance", "variance_share_mean", "site"),
    ):
        yes, no = (one(run, evaluation, metric, target) for run in (told, untold))
        assert yes.settings["p"] < 0.01 < 0.05 < no.settings["p"], evaluation
        assert yes.value > no.value
    assert one(told, "ks", "share_shifted", "site").value > 0
    assert one(untold, "ks", "share_shifted", "site").value == 0
    assert "The features tell the site" in first_page(told)
    assert "The site explains" in first_page(told)
    assert "The features do not tell the site clearly" in first_page(untold)
    assert "The site explains" not in first_page(untold)


@pytest.mark.slow
def test_features_of_pictures_repeat_and_features_of_noise_do_not(told: Path, noise: Path) -> None:
    yes, no = (one(run, "stability", "icc_median", "chained") for run in (told, noise))
    assert yes.value > 0.75
    assert no.value < 0.5
    words = "most of what they say is not about the case"
    assert words not in first_page(told)
    assert words in first_page(noise)
    assert "no better than on noise" in first_page(noise)
    assert "no better than on noise" not in first_page(told)


@pytest.mark.slow
def test_a_collapsed_code_is_said_and_one_in_use_is_not(told: Path, tmp_path: Path) -> None:
    words = ("--method", "vae", "--set", "beta=100000", "--latent", "4", "--epochs", "10")
    collapsed = asked(tmp_path, write_answers(tmp_path / "c"), *words)
    assert one(collapsed, "collapse", "active_share", None).value == 0
    assert "The code has collapsed: only 0% of 4 latents vary" in first_page(collapsed)
    assert one(told, "collapse", "active_share", None).value == 1
    assert "The code is in use: 100% of 4 latents" in first_page(told)


@pytest.mark.slow
def test_a_label_that_is_the_size_is_said_to_hang_on_it_and_another_is_not(tmp_path: Path) -> None:
    words = (*CLOSED_FORM, "--label", "large", "--label", "shade")
    sized = asked(tmp_path, write_answers(tmp_path / "c", masks=True), *words)
    assert one(sized, "confounding", "auroc", "large", "size").value == 1
    assert "large can be told without a look, from size (AUROC 1.000)" in first_page(sized)
    assert "shade cannot be told from site or size alone" in first_page(sized)
