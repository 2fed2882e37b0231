"""What MkDocs cannot know itself: the reference of commands, from their help, and the decisions.

In: the command line's own description, the files of docs/decisions. Out: a generated page, and the
navigation with a page for each decision, so that a new one needs no list to be edited.
"""

from __future__ import annotations

from enum import EnumType
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGE = "reference/commands.md"
HEAD = """# Commands

Results go to stdout, progress and remarks to stderr. Every command also takes `--help`, `--quiet`
(no progress, no remarks) and `--json` (one document on stdout). Exit codes stand
[on the first page](../index.md#commands).
"""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the navigation's decisions, by number."""
    found = sorted(Path(config.docs_dir, "decisions").glob("[0-9]*.md"))
    pages = ["decisions/README.md", *(f"decisions/{path.name}" for path in found)]
    nav: list[Any] = config.nav or []
    config.nav = [{"Decisions": pages} if "Decisions" in entry else entry for entry in nav]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference of commands."""
    files.append(File.generated(config, PAGE, content=reference()))
    return files


def reference() -> str:
    """Return all commands with their options and examples, as Markdown."""
    import typer

    from latentomics.cli.main import app, in_order

    in_order()
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return "\n\n".join([HEAD, *(_command(name, commands[name]) for name in commands)])


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    shown = [one for one in options if one.name not in ("quiet", "json")]
    usage = " ".join(["latentomics", name, *map(_argument, arguments), "[OPTIONS]"])
    examples = command.epilog.partition("Example:")[2].split("\n")
    rows = [*(f"| `{_argument(one)}` | {_words(one)} |" for one in arguments)]
    rows += [f"| {_option(one)} | {_words(one)} |" for one in shown]
    return "\n\n".join(
        [
            f"## latentomics {name}",
            command.help,
            _code([usage]),
            "\n".join(["| option | meaning |", "|---|---|", *rows]) if rows else "",
            _code(filter(None, examples)),
        ]
    )


def _argument(one: Any) -> str:
    return str(one.metavar or one.name.upper())


def _option(one: Any) -> str:
    value = "" if one.is_flag else f" {one.metavar or _kind(one).__name__.upper()}"
    return ", ".join(f"`{word}{value}`" for word in one.opts)


def _kind(one: Any) -> Any:
    """Return the type of an option's value."""
    return one.type_descriptor.annotation


def _words(one: Any) -> str:
    words = [one.help or ""]
    if isinstance(_kind(one), EnumType):
        words.append(f"One of {', '.join(f'`{choice.value}`' for choice in _kind(one))}.")
    if one.param_type_name == "option":
        words += ["Required."] if one.required else []
        words += [f"Default: `{one.default}`."] if one.default not in (None, False) else []
    return " ".join(filter(None, words)).replace("|", "\\|")


def _code(lines: Any) -> str:
    return "\n".join(["```", *lines, "```"])
