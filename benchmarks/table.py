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
    if "values_apart" in row:
        apart = row["values_apart"]
        notes.append(f"values apart: median {apart['median']:.2g}, most {apart['largest']:.2g}")
        notes.append(f"{row['cases']} cases")
    if "precision" in row:
        notes.append("/".join(sorted(set(row["precision"]))))
    if "target" in row:
        notes.append(f"error {row['target']:.5f}; ours ends at {row['our_final_error']:.5f}")
        notes += [f"not reached in {row['not_reached']} runs"] if row["not_reached"] else []
        notes += [] if row["peer_tuned"] else ["**peer not tuned**"]
    return "; ".join(notes)


def picture(path: Path, rows: list[dict]) -> None:
    """Draw each ratio with its range and goal."""
    shown = rows[::-1]
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(shown) + 1.4), layout="constrained")
    for place, row in enumerate(shown):
        colour = "tab:red" if row["won"] is False else "tab:blue"
        axes.plot([row["low"], row["high"]], [place, place], color=colour)
        axes.plot(row["ratio"], place, "o", color=colour)
        if row["goal"] is not None:
            axes.plot(row["goal"], place, "|", color="black", markersize=14)
    names = [f"{row['comparison']} / {row['against']}" for row in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.axvline(1.0, color="grey", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("times faster than the peer, or share of the peak (bar: goal; red: a loss)")
    figure.savefig(path, dpi=120)
    plt.close(figure)
