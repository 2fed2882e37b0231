"""Each command hands its words to the flow and prints what comes back."""

import dataclasses
import importlib
import importlib.util
import inspect
import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import cli_stand_in
import pytest
import yaml

from latentomics.planning import Request


def test_run_hands_every_option_to_the_flow(flow: cli_stand_in.Flow, shell: Callable) -> None:
    words = shlex.split("""run cohort.csv -o RUN --label malignant --label grade>=2 --site site
    --channels image,image_ct --mask-label 2 --folds 5 --budget 5m --epochs 7 --memory 4GB
    --method vae --set beta=4 --latent 16 --seed 3 --workers 2 --resume""")
    shown = shell(*words)
    assert shown.exit_code == 0, shown.stderr
    name, (source, folder, asked), options = flow.calls[0]
    assert (name, source, folder) == ("run", Path("cohort.csv"), Path("RUN"))
    begun = options.pop("begun")
    assert time.monotonic() - 60 < begun < time.monotonic()
    assert options == {"resume": True, "workers": 2, "track": ()}
    assert asked == Request(
        labels=("malignant", "grade>=2"),
        site="site",
        channels=("image", "image_ct"),
        mask_label=2,
        folds=5,
        budget_s=300.0,
        epochs=7,
        memory_bytes=4 * 10**9,
        method="vae",
        settings={"beta": 4.0},
        seed=3,
        latent=16,
    )


def test_without_options_the_plan_decides(flow: cli_stand_in.Flow, shell: Callable) -> None:
    shell("run", "cohort.csv", "-o", "RUN")
    assert flow.calls[0][1][2] == Request()


def test_run_prints_verdict_figures_and_paths(flow: cli_stand_in.Flow, shell: Callable) -> None:
    flow.results = (
        cli_stand_in.result(),
        cli_stand_in.result(metric="auroc_minus_pca", value=0.123),
        cli_stand_in.result(value=0.456, settings={"split": "train"}),
        cli_stand_in.result(
            evaluation="mmd", metric="mmd2", low=0.01, high=0.03, settings={"p": 0.014}
        ),
    )
    shown = shell("run", "cohort.csv", "-o", "RUN")
    for part in (
        "The label hangs on the site.",
        "0.927",
        "0.9 to 0.95",
        "0.01 to 0.03, p = 0.014",
        "RUN/report.html",
    ):
        assert part in shown.stdout
    assert "0.123" not in shown.stdout  # differences and training figures stay in results.json
    assert "0.456" not in shown.stdout


def test_progress_goes_to_stderr_and_quiet_leaves_it_out(
    flow: cli_stand_in.Flow, shell: Callable
) -> None:
    loud, quiet = (
        shell("run", "c.csv", "-o", "R"),
        shell("run", "c.csv", "-o", "R", "--quiet"),
    )
    assert "prepare 50%, 3 s left: case c1" in loud.stderr
    assert "prepare" not in loud.stdout
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout


def test_json_is_one_document(flow: cli_stand_in.Flow, shell: Callable) -> None:
    shown = json.loads(shell("run", "c.csv", "-o", "R", "--json").stdout)
    assert shown["results"][0]["value"] == 0.927
    assert shown["verdict"][1] == {"status": "fail", "sentence": "The label hangs on the site."}
    assert shown["report"] == "R/report.html"


def test_I1_a_run_that_rejected_cases_says_so_with_3(
    flow: cli_stand_in.Flow, shell: Callable
) -> None:
    flow.rejected = 4
    shown = shell("run", "c.csv", "-o", "R")
    assert shown.exit_code == 3
    assert "4 cases, rejected.csv" in shown.stdout


def test_dry_run_prints_the_plan_and_runs_nothing(flow: cli_stand_in.Flow, shell: Callable) -> None:
    words = ("run", "c.csv", "-o", "R", "--dry-run", "--resume", "--track", "mlflow")
    shown = shell(*words)
    assert yaml.safe_load(shown.stdout) == {"version": 1}  # the rest are comments
    assert "# memory    about 0.67 GB\n# time      about 600 s in all\n" in shown.stdout
    (name, given, options) = flow.calls[0]
    assert (name, given[:2], len(flow.calls)) == ("outlook", (Path("c.csv"), Path("R")), 1)
    assert options == {"resume": True, "workers": None, "track": ("mlflow",)}
    assert json.loads(shell(*words, "--json").stdout)["seconds"] == 600.0
    flow.rejected = 2
    assert shell(*words).exit_code == 3


def test_plan_goes_to_stdout_or_to_a_file(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path
) -> None:
    assert shell("plan", "c.csv").stdout == "version: 1\n"
    assert json.loads(shell("plan", "c.csv", "--json").stdout) == {"version": 1}
    written = tmp_path / "plan.yaml"
    assert shell("plan", "c.csv", "-o", str(written)).exit_code == 0
    assert written.read_text() == "version: 1\n"


def test_plan_refuses_a_missing_folder_before_it_reads_the_cohort(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path
) -> None:
    assert shell("plan", "c.csv", "-o", str(tmp_path / "none" / "plan.yaml")).exit_code == 2
    assert flow.calls == []


def test_check_prints_what_was_found(flow: cli_stand_in.Flow, shell: Callable) -> None:
    shown = shell("check", "c.csv", "--label", "a", "--site", "s")
    assert shown.stdout == "3 cases\nno faults\n"
    assert shown.exit_code == 0
    assert flow.calls[0][2] == {
        "labels": ("a",),
        "site": "s",
        "channels": ("image",),
        "mask_label": None,
        "workers": None,
    }
    assert json.loads(shell("check", "c.csv", "--json").stdout) == {"cases": 3, "mean": None}


def test_I4_check_says_with_3_that_cases_were_rejected(
    flow: cli_stand_in.Flow, shell: Callable
) -> None:
    flow.rejected = 1
    assert shell("check", "c.csv").exit_code == 3


def test_encode_and_verify(flow: cli_stand_in.Flow, shell: Callable) -> None:
    shown = shell("encode", "RUN", "new.csv", "-o", "new.parquet")
    assert "new.parquet" in shown.stdout
    assert "1 unlike the training cohort" in shown.stdout
    assert flow.calls[0][1] == (Path("RUN"), Path("new.csv"), Path("new.parquet"))
    assert flow.calls[0][2]["posterior"] is False
    shell("encode", "RUN", "new.csv", "-o", "new.parquet", "--posterior")
    assert flow.calls[-1][2]["posterior"] is True
    assert shell("verify", "RUN").stdout.splitlines()[-1] == "intact"


def test_rows_are_patients_where_it_is_asked(flow: cli_stand_in.Flow, shell: Callable) -> None:
    asked = ("--per", "patient", "--aggregate", "largest")
    shell("encode", "RUN", "new.csv", "-o", "new.parquet", *asked)
    shell("encode", "RUN", "new.csv", "-o", "new.parquet")
    shell("run", "c.csv", "-o", "RUN", *asked)
    (_, _, given), (_, _, default), (_, (_, _, request), _) = flow.calls
    assert (given["per"], given["aggregate"]) == ("patient", "largest")
    assert (default["per"], default["aggregate"]) == (None, None)
    assert (request.per, request.aggregate) == ("patient", "largest")
    assert shell("run", "c.csv", "-o", "RUN", "--per", "hospital").exit_code == 2
    alone = shell("run", "c.csv", "-o", "RUN", "--aggregate", "mean")
    assert alone.exit_code == 2
    assert "add --per patient" in alone.stderr


def test_export_prints_the_largest_difference(flow: cli_stand_in.Flow, shell: Callable) -> None:
    shown = shell("export", "RUN", "-o", "portable")
    assert shown.exit_code == 0
    assert "portable/encoder.onnx" in shown.stdout
    assert "compared  on random inputs and 8 cases" in shown.stdout
    assert "largest difference from torch 3.0e-07, at most 1e-05" in shown.stdout
    assert flow.calls[0][1] == (Path("RUN"), Path("portable"))


def test_demo_writes_the_cohort_says_what_it_is_and_keeps_earlier_ones(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latentomics.cli import demo

    monkeypatch.setattr(demo, "write_example", lambda _, folder: folder / "manifest.csv")
    first = shell("demo", "-o", str(tmp_path))
    second = shell("demo", "-o", str(tmp_path), "--budget", "90s")
    assert first.exit_code == second.exit_code == 0, first.stderr
    assert "one brain, n = 1, no clinical verdict" in first.stdout
    assert "0.9 to 0.95" not in first.stdout  # intervals would claim what one brain cannot show
    (_, (manifest, folder, asked), _), (_, (other, _, shorter), _) = flow.calls
    assert manifest == tmp_path / "mni-cohort" / "manifest.csv"
    assert folder == tmp_path / "mni"
    assert other != manifest
    assert asked.labels == ("tissue",)
    assert (asked.budget_s, shorter.budget_s) == (220, 90)
    assert asked.demonstration in first.stdout


def test_demo_of_lesions_writes_the_cohort_alone_where_that_is_asked(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latentomics.cli import demo
    from latentomics.sources import synthetic

    assert set(demo.LESION_FACTORS) == set(synthetic.FACTORS) - set(synthetic.NUISANCES)
    write = synthetic.write_lesion_cohort
    monkeypatch.setattr(synthetic, "write_lesion_cohort", lambda folder: write(folder, 20))
    shown = shell("demo", "lesions", "-o", str(tmp_path), "--cohort-only")
    assert shown.exit_code == 0, shown.stderr
    assert str(tmp_path / "lesions-cohort" / "images.csv") in shown.stdout
    assert len(list((tmp_path / "lesions-cohort" / "masks").iterdir())) == 20
    assert flow.calls == []


@pytest.mark.parametrize("command", ["info", "report"])
def test_a_folder_without_a_run_is_refused(shell: Callable, tmp_path: Path, command: str) -> None:
    shown = shell(command, str(tmp_path))
    assert shown.exit_code == 2
    assert shown.stderr.splitlines()[0] == "no run lies here"


def test_evaluate_hands_on_what_to_ask_of_the_posterior(
    flow: cli_stand_in.Flow, shell: Callable
) -> None:
    flow.results = (cli_stand_in.result(evaluation="likelihood", metric="nll", value=123.4567),)
    shown = shell("evaluate", "RUN", "--nll", "500", "--posterior")
    assert shown.exit_code == 0, shown.stderr
    assert flow.calls == [
        ("posterior", (Path("RUN"),), {"nll": 500, "variances": True, "workers": None})
    ]
    assert "nll     123.46  0.9 to 0.95" in shown.stdout
    assert "RUN/features.parquet" in shown.stdout


def test_evaluate_takes_known_factors_as_columns(flow: cli_stand_in.Flow, shell: Callable) -> None:
    settings = {"rotated_95": 0.1, "beyond_rotations": True, "by_latent": {"names": ["a"]}}
    flow.results = (
        cli_stand_in.result(evaluation="disentanglement", metric="mig", value=0.4, target=None,
                            low=None, high=None, settings=settings),
    )  # fmt: skip
    words = ("evaluate", "RUN", "--only", "disentanglement", "--factors", "size, shape")
    shown = shell(*words)
    assert shown.exit_code == 0, shown.stderr
    assert flow.calls[0][2]["labels"] == ("size", "shape")
    assert "rotated_95 0.1, beyond_rotations True" in shown.stdout
    refused = shell("evaluate", "RUN", "--only", "permutation", "--factors", "size")
    assert refused.exit_code == 2
    assert "add --only disentanglement" in refused.stderr


def test_evaluate_says_which_evaluation_a_record_is_of_where_there_are_several(
    flow: cli_stand_in.Flow, shell: Callable
) -> None:
    flow.results = (
        cli_stand_in.result(evaluation="mmd", metric="mmd2", settings={"p": 0.0123456}),
        cli_stand_in.result(evaluation="stability", metric="icc_median", settings={}),
    )
    shown = shell("evaluate", "RUN", "--only", "stability,mmd")
    assert flow.calls[0][1] == (Path("RUN"), "stability,mmd")
    heads, first, second = shown.stdout.splitlines()[:3]
    assert heads.startswith("evaluation")
    assert first.startswith("mmd")
    assert first.rstrip().endswith("p 0.01235")
    assert second.startswith("stability")


def test_sample_draws_or_joins_two_cases(flow: cli_stand_in.Flow, shell: Callable) -> None:
    shown = shell("sample", "RUN", "-n", "4", "-o", "s.png", "--seed", "2")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout == "picture  s.png\nNo repeats.\n"
    shell("sample", "RUN", "--between", "a", "b", "-o", "p.png")
    (_, first, drawn), (_, _, joined) = flow.calls
    assert first == (Path("RUN"), Path("s.png"))
    assert drawn == {"count": 4, "between": None, "seed": 2, "workers": None}
    assert joined["between"] == ("a", "b")


@pytest.mark.skipif(not importlib.util.find_spec("latentomics.flow"), reason="no flow to compare")
def test_the_stand_in_has_the_signatures_of_the_flow() -> None:
    real = importlib.import_module("latentomics.flow")
    for record in (
        cli_stand_in.RunRecord,
        cli_stand_in.Outlook,
        cli_stand_in.EncodeRecord,
        cli_stand_in.ClassicRecord,
        cli_stand_in.SampleRecord,
        cli_stand_in.CurateRecord,
        cli_stand_in.Contest,
        cli_stand_in.Event,
    ):
        names = {field.name for field in dataclasses.fields(record)}
        assert names <= {field.name for field in dataclasses.fields(getattr(real, record.__name__))}
    plain = ("run", "outlook", "make_plan", "check", "encode", "classic", "report", "verify")
    for name in (
        *plain,
        "ask",
        "ask_elsewhere",
        "compare",
        "contest",
        "curate",
        "export",
        "posterior",
        "sample",
    ):
        given = set(inspect.signature(getattr(cli_stand_in.Flow, name)).parameters)
        needed = set(inspect.signature(getattr(real, name)).parameters)
        assert given - {"self", "options"} <= needed, name


def test_evaluate_hands_the_question_to_the_flow_and_prints_the_records(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path
) -> None:
    (tmp_path / "plan.yaml").write_text("version: 1")
    words = ("evaluate", str(tmp_path), "--only", "permutation", "--label", "grade>=2")
    shown = shell(*words)
    assert shown.exit_code == 0, shown.stderr
    assert flow.calls == [
        ("ask", (tmp_path, "permutation"), {"labels": ("grade>=2",), "workers": None})
    ]
    assert "0.9 to 0.95" in shown.stdout
    assert json.loads(shell(*words, "--json").stdout)[0]["metric"] == "auroc"


def test_curate_hands_its_words_to_the_flow_and_prints_the_steps(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path
) -> None:
    shown = shell("curate", str(tmp_path), "--icc", "0.9", "--without", "shift")
    assert shown.exit_code == 0, shown.stderr
    options = {"lowest_icc": 0.9, "without": ("shift",), "workers": None}
    assert flow.calls == [("curate", (tmp_path,), options)]
    for part in ("there is one site", "auroc_minus_table", "-0.010", "4 of 10 columns"):
        assert part in shown.stdout
    assert json.loads(shell("curate", str(tmp_path), "--json").stdout)["columns"] == 10


def test_compare_prints_runs_side_by_side_and_refuses_options_of_training(
    flow: cli_stand_in.Flow, shell: Callable, tmp_path: Path
) -> None:
    runs = [tmp_path / name for name in "AB"]
    for run in runs:
        run.mkdir()
        (run / "plan.yaml").write_text("version: 1")
    shown = shell("compare", *map(str, runs))
    assert shown.exit_code == 0, shown.stderr
    assert flow.calls == [("compare", (runs,), {})]
    assert "malignant: B minus A auroc -0.020 (-0.05 to 0.01), p 0.2" in shown.stdout
    assert "C is not paired" in shown.stdout
    assert "A: UDR 0.250, 3 of 8 latents in use" in shown.stdout
    refused = shell("compare", *map(str, runs), "--latent", "4")
    assert (refused.exit_code, "--sweep" in refused.stderr) == (2, True)
    assert shell("compare", "a.csv", "--sweep", "size=2", "-o", "S").exit_code == 2
    assert shell("compare", "a.csv", "--sweep", "latent=2,4").exit_code == 2


def test_compare_hands_methods_and_seeds_to_the_flow_and_prints_where_they_stand(
    flow: cli_stand_in.Flow, shell: Callable
) -> None:
    words = shlex.split("compare a.csv --methods linear,vae --budget 2m --seed 4 -o OUT")
    shown = shell(*words)
    assert shown.exit_code == 0, shown.stderr
    name, (source, folder, methods, asked), options = flow.calls[0]
    assert (name, source, folder) == ("contest", Path("a.csv"), Path("OUT"))
    assert methods == ["linear", "vae"]
    assert options == {"seeds": 3, "workers": None}
    assert asked == Request(budget_s=120.0, seed=4)
    for part in (
        "+0.010",
        "-0.020 to +0.040",
        "0.456",
        "no more than seeds",
        "too few cases",
        "OUT/m.svg",
    ):
        assert part in shown.stdout
    assert json.loads(shell(*words, "--json").stdout)["ranking"]["agreement"] == 0.5
    for wrong in ("--sweep latent=2,4 --methods a,b -o S", "--seeds 2 --sweep latent=2,4 -o S"):
        assert shell("compare", "a.csv", *wrong.split()).exit_code == 2
