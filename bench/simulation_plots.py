"""Plots of worlds day by day: small PNG files, the same figures give the same picture."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

Report = dict[str, Any]


def draw(reports: list[Report], out: Path) -> list[tuple[str, str]]:
    """Draws the plots. Returns title and file name of each."""
    plots = (
        ("The largest campaign and what its cluster held of it", _growth, "simulation-growth.png"),
        ("Size of campaigns when first found", _earliness, "simulation-earliness.png"),
        ("Precision and recall by day", _quality, "simulation-quality.png"),
    )
    for _, plot, file in plots:
        figure = plot(reports)
        # Without its date and version a picture changes only when its figures do.
        figure.savefig(out / file, dpi=110, metadata={"Software": None})
        plt.close(figure)
    return [(title, file) for title, _, file in plots]


def _name(report: Report) -> str:
    return f"{report['scenario']}, seed {report['seed']}, {report['accounts']:,}"


def _growth(reports: list[Report]) -> Figure:
    """Accounts of the largest campaign by day, and how many of them its main cluster holds."""
    figure, axes = plt.subplots(
        1, len(reports), figsize=(3.6 * len(reports), 3.3), squeeze=False, sharey=True
    )
    for axis, report in zip(axes.flat, reports, strict=True):
        days = [row for row in report["days"] if row["largest"]]
        axis.plot([row["day"] for row in days], [row["largest"] for row in days], color="grey", label="born")
        found = [row for row in days if row["largest_found"]]
        axis.plot(
            [row["day"] for row in found],
            [row["largest_found"] for row in found],
            ".-",
            label="in its main cluster",
        )
        axis.axhline(1_000, color="black", lw=0.8, ls="--")
        axis.set_yscale("log")
        axis.set_title(_name(report), fontsize=8)
        axis.set_xlabel("day", fontsize=8)
        axis.grid(alpha=0.3)
    axes.flat[0].set_ylabel("accounts", fontsize=8)
    axes.flat[0].legend(fontsize=7)
    figure.tight_layout()
    return figure


def _earliness(reports: list[Report]) -> Figure:
    """Size when first found against size at last, a point a campaign that began within the replay."""
    figure, axis = plt.subplots(figsize=(5.2, 4.2))
    for report in reports:
        found = [row for row in report["earliness"] if row["day"] is not None]
        color = None
        for old, marker in ((False, "o"), (True, "x")):
            rows = [row for row in found if row["there_before"] is old]
            (line,) = axis.plot(
                [row["size"] for row in rows],
                [row["size_when_found"] for row in rows],
                marker,
                ms=5,
                color=color,
                label=None if old else _name(report),
            )
            color = line.get_color()
    axis.axline((10, 10), (100, 100), color="grey", lw=0.8)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("accounts at last")
    axis.set_ylabel("accounts when first found")
    axis.set_title("o: began within the replay, x: before it", fontsize=8)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7)
    figure.tight_layout()
    return figure


def _quality(reports: list[Report]) -> Figure:
    """Account precision and recall by day, a line a world."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharex=True)
    for axis, measure in zip(axes, ("precision", "recall"), strict=True):
        for report in reports:
            days = report["days"]
            axis.plot(
                [row["day"] for row in days],
                [row[measure]["rate"] for row in days],
                ".-",
                label=_name(report),
            )
        axis.set_title(f"account {measure}", fontsize=9)
        axis.set_xlabel("day", fontsize=8)
        axis.set_ylim(-0.03, 1.03)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    return figure
