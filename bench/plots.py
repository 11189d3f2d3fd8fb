"""Plots of the bench of quality: small PNG files, the same figures give the same picture."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.report import reliability
from bench.trials import OURS

Result = dict[str, Any]


def draw(result: Result, out: Path) -> dict[str, str]:
    """Draws every part that is there. Returns file names by plot."""
    plots = {
        "table": (_table, "quality-table.png"),
        "calibration": (_calibration, "quality-calibration.png"),
        "ablation": (_ablation, "quality-ablation.png"),
        "evasion": (_evasion, "quality-evasion.png"),
    }
    drawn = {}
    for part, (plot, file) in plots.items():
        if part in result:
            figure = plot(result[part]["rows"])
            # Without its date and version a picture changes only when its figures do.
            figure.savefig(out / file, dpi=110, metadata={"Software": None})
            plt.close(figure)
            drawn[part] = file
    return drawn


def _table(rows: list[dict[str, Any]]) -> Figure:
    """B-cubed F against account precision, a point a method and world; worlds without campaigns are left out."""
    rows = [row for row in rows if row["campaign_accounts"]]
    worlds = list(dict.fromkeys(row["world"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    columns = min(4, len(worlds))
    lines = -(-len(worlds) // columns)
    height = 2.7 * lines + 1.1
    figure, axes = plt.subplots(
        lines, columns, figsize=(max(6.2, 3.1 * columns), height), squeeze=False, sharex=True, sharey=True
    )
    for axis in axes.flat[len(worlds) :]:
        axis.set_visible(False)
    for number, (axis, world) in enumerate(zip(axes.flat, worlds, strict=False)):
        axis.set_title(world, fontsize=8)
        axis.set_xlim(-0.03, 1.03)
        axis.set_ylim(-0.03, 1.03)
        axis.grid(alpha=0.3)
        if number % columns == 0:
            axis.set_ylabel("B-cubed F, per record", fontsize=8)
        if number + columns >= len(worlds):
            axis.set_xlabel("account precision", fontsize=8)
            axis.tick_params(labelbottom=True)
        for row in rows:
            if row["world"] == world and row["precision"]["rate"] is not None:
                ours = row["method"] == OURS
                color = f"C{methods.index(row['method'])}"
                axis.plot(
                    row["precision"]["rate"],
                    row["bcubed_f"],
                    "*" if ours else "o",
                    ms=12 if ours else 6,
                    c=color,
                )
    marks = [
        Line2D([], [], ls="", marker="*" if method == OURS else "o", color=f"C{number}", label=method)
        for number, method in enumerate(methods)
    ]
    figure.legend(handles=marks, loc="lower center", ncols=2, fontsize=7, frameon=False)
    figure.tight_layout(rect=(0, 0.8 / height, 1, 1))
    return figure


def _calibration(rows: list[dict[str, Any]]) -> Figure:
    """How often a membership is right against what it says, a line a world."""
    figure, axis = plt.subplots(figsize=(5.2, 4.6))
    axis.plot([0, 1], [0, 1], color="grey", lw=1, ls="--", label="as often as it says")
    for row in rows:
        if row["calibration"] is None:
            continue
        bins = [b for b in reliability(row["calibration"]) if b["members"]]
        size = [3 + 2 * np.log10(b["members"]) for b in bins]
        (line,) = axis.plot([b["said"] for b in bins], [b["right"] for b in bins], lw=1)
        for b, s in zip(bins, size, strict=True):
            axis.plot(b["said"], b["right"], "o", ms=s, color=line.get_color())
        line.set_label(f"{row['world']}, Brier {row['calibration']['brier']:.3f}")
    axis.set_xlabel("membership said")
    axis.set_ylabel("share of members that are right")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7)
    figure.tight_layout()
    return figure


def _ablation(rows: list[dict[str, Any]]) -> Figure:
    """What B-cubed F, precision and recall lose by each omission."""
    whole = {row["world"]: row for row in rows if row["method"] == "all of it"}
    shown = [row for row in rows if row["method"] != "all of it"]
    figure, axes = plt.subplots(1, 3, figsize=(9, 0.27 * len(shown) + 1.2), sharey=True, squeeze=False)
    several = len(whole) > 1
    labels = [f"{row['method']} ({row['world']})" if several else row["method"] for row in shown]
    figures = (("B-cubed F", _f), ("account precision", _precision), ("account recall", _recall))
    for axis, (title, value) in zip(axes.flat, figures, strict=True):
        change = [value(row) - value(whole[row["world"]]) for row in shown]
        axis.barh(range(len(shown)), change, color=["C3" if c < 0 else "C2" for c in change])
        axis.axvline(0, color="black", lw=0.8)
        axis.set_title(f"change of {title}", fontsize=9)
        axis.grid(alpha=0.3, axis="x")
    axes.flat[0].set_yticks(range(len(shown)), labels, fontsize=8)
    axes.flat[0].invert_yaxis()
    figure.tight_layout()
    return figure


def _evasion(rows: list[dict[str, Any]]) -> Figure:
    """Recall, the largest campaign's Jaccard and the values operators pay for against reuse, a line a dial."""
    world = rows[0]["world"]
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.6))
    for dial in dict.fromkeys(row["dial"] for row in rows):
        points = sorted((row for row in rows if (row["dial"], row["world"]) == (dial, world)), key=_reuse)
        reuse = [row["reuse"] for row in points]
        axes[0].plot(reuse, [_recall(row) for row in points], "o-", label=dial)
        axes[1].plot(reuse, [row["hydra_jaccard"] for row in points], "o-")
        if dial in points[0]["cost"]:
            axes[2].plot(reuse, [row["cost"][dial] for row in points], "o-", label=dial)
    titles = ("account recall", "largest campaign, best Jaccard", "distinct values an account")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_xscale("log")
        axis.set_xticks([1, 0.5, 0.2, 0.1, 0.05], ["100 %", "50 %", "20 %", "10 %", "5 %"])
        axis.minorticks_off()
        axis.invert_xaxis()
        axis.set_title(title, fontsize=9)
        axis.grid(alpha=0.3)
    axes[0].set_ylim(-0.03, 1.03)
    axes[1].set_ylim(-0.03, 1.03)
    axes[0].legend(fontsize=7)
    axes[2].legend(fontsize=7)
    figure.supxlabel("reuse of the pool", fontsize=9)
    figure.tight_layout()
    return figure


def _reuse(row: dict[str, Any]) -> float:
    return float(row["reuse"])


def _f(row: dict[str, Any]) -> float:
    return float(row["bcubed_f"])


def _precision(row: dict[str, Any]) -> float:
    return float(row["precision"]["rate"] or 0.0)


def _recall(row: dict[str, Any]) -> float:
    return float(row["recall"]["rate"] or 0.0)
