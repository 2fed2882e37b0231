"""The repository keeps its own rules: start-up, rooms without torch, nothing of one machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS_WITHOUT_TORCH = ["core", "noise", "sources", "preprocess", "evaluation", "report"]
# Character classes keep each pattern from finding itself in this file.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(work|root|home|Users|tmp)[/]\w",
    "a package index": r"p[y]pi\.org|download\.p[y]torch|pythonhosted[.]",
    "who or what wrote it": r"\b(chat[g]pt|c[l]aude|c[o]pilot|language [m]odel|AI [a]ssistant)\b",
    "the way the work was given": r"\b(c[o]ordinator|issue #?\d+|\.\./s[h]ared)\b",
    "unfinished": r"(?-i:\b(T[O]DO|F[I]XME|X[X]X)\b)",
}


def tracked_texts() -> list[tuple[Path, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    found = []
    for path in paths:
        try:
            found.append((path, path.read_text()))
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # pictures, and files that are being removed
    return found


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_file_mentions(kind: str) -> None:
    pattern = re.compile(FORBIDDEN[kind], re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()[:100]}"
        for path, text in tracked_texts()
        if path.name != "LICENSE"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for() -> None:
    planted = ["see /" + "work/main/x", "py" + "pi.org/simple", "Clau" + "de", "issue #" + "8"]
    kinds = list(FORBIDDEN)[:4]
    for kind, line in zip(kinds, planted, strict=True):
        assert re.search(FORBIDDEN[kind], line, re.IGNORECASE), kind


@pytest.mark.parametrize("room", ROOMS_WITHOUT_TORCH)
def test_rooms_that_need_no_network_do_not_load_torch(room: str) -> None:
    code = f"import sys, latentomics.{room}; print('torch' in sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert shown.stdout.strip() == "False", shown.stderr


def test_listing_methods_does_not_load_torch() -> None:
    code = (
        "import sys\nfrom latentomics.cli.main import main\nsys.argv = ['latentomics', 'methods']\n"
        "try: main()\nexcept SystemExit as end: print(end.code, 'torch' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert shown.stdout.splitlines()[-1:] == ["0 False"], shown.stderr
    assert "autoencoder" in shown.stdout


def test_pinned_packages_cover_what_the_project_asks_for() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {_name(line) for part in asked for line in part}
    lines = (ROOT / "constraints.txt").read_text().split()
    assert names - {_name(line) for line in lines} == set()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)  # no local builds or paths


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-")


def test_every_promised_page_is_there() -> None:
    pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"]
    pages += ["docs/index.md", "docs/tutorial.md", "docs/plan.md", "docs/run-folder.md"]
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path, text in tracked_texts()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        if not (path.parent / target).exists()
    ]
    assert broken == []
