"""The results as a table and a picture.

In: rows of the summary and what the machine is. Out: Markdown text and a PNG; losses are shown like
gains, in another colour.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HEAD = "| comparison | against | ours | theirs | ratio (range) | goal | met | notes |\n"


def markdown(machine: dict, rows: list[dict], *, smoke: bool) -> str:
    """Return the table."""
    words = ", ".join(f"{name} {value}" for name, value in machine.items())
    text = f"# Benchmarks\n\nMeasured on: {words}.\n\n"
    if smoke:
        text += "**A smoke test: shapes are tiny and figures mean nothing.**\n\n"
    text += (
        "Ratio: theirs over ours (times faster), the median of repeats that ran beside each other, "
        "and its range; for `peak` the share of the hardware's measured matmul rate. Seconds, or "
        "GFlop/s for `peak`.\n\n"
    )
    return text + HEAD + "|" + " --- |" * 8 + "\n" + "".join(_line(row) for row in rows)


def _line(row: dict) -> str:
    goal = "" if row["goal"] is None else f"{row['goal']:g}"
    met = {None: "", True: "yes", False: "no"}[row["goal_met"]]
    ratio = f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f}, n = {row['repeats']})"
    cells = (row["comparison"], row["against"], f"{row['ours']:.4g}", f"{row['theirs']:.4g}")
    return "| " + " | ".join((*cells, ratio, goal, met, _notes(row))) + " |\n"


def _notes(row: dict) -> str:
    notes = ["**a loss**"] if row["won"] is False else []
    if "apart" in row:
        apart, words = row["apart"], "values agree" if row["agree"] else "**values differ**"
        notes.append(f"{words}: median {apart['median']:.2g}, most {apart['largest']:.2g} apart")
        notes += ["odd padding to the other side"] if any(apart["shift"]) else []
        notes.append(f"{row['cases']} cases")
    if "longest" in row:
        notes += [f"{name} {seconds:.1f} s" for name, seconds in row["longest"]]
        notes.append(f"{row['megabytes']} MB")
    if "precision" in row:
        notes.append("/".join(sorted(set(row["precision"]))))
    if "target" in row:
        notes.append(f"error {row['target']:.5f}; ours ends at {row['our_final_error']:.5f}")
        notes += [f"not reached in {row['not_reached']} runs"] if row["not_reached"] else []
        notes += [] if row["peer_settings"] else ["**peer not tuned**"]
    return "; ".join(notes)


def picture(path: Path, rows: list[dict], *, smoke: bool) -> None:
    """Draw each ratio with its range and goal."""
    shown = rows[::-1]
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(shown) + 1.4), layout="constrained")
    for place, row in enumerate(shown):
        colour, mark = {True: ("tab:blue", "o"), False: ("tab:red", "X")}.get(
            row["won"], ("dimgrey", "s")
        )
        axes.plot([row["low"], row["high"]], [place, place], color=colour)
        axes.plot(row["ratio"], place, mark, color=colour)
        if row["goal"] is not None:
            axes.plot(row["goal"], place, "|", color="black", markersize=14)
    names = [f"{row['comparison']} / {row['against']}" for row in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.axvline(1.0, color="grey", linewidth=0.8)
    axes.set_xscale("log")
    if smoke:
        axes.set_title("a smoke test: shapes are tiny and figures mean nothing", fontsize=9)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(
        "times faster than the peer (red cross: a loss)\nor share of the peak (grey); bar: the goal"
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)
