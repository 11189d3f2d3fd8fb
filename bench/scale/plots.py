"""Plots of speed and memory: small PNG files, the same figures give the same picture."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.scale.figures import GIB, Figures
from bench.scale.plan import BY_NAME

_LINES: tuple[tuple[str, str, str], ...] = (
    ("bulk", "bulk load", "seconds"),
    ("import", "neo4j-admin import alone", "seconds"),
    ("detect-whole", "detection, end to end", "seconds"),
    ("detect-day", "detection after a day of 1 %", "seconds"),
    ("links-ours", "pairs + communities", "seconds_alone"),
    ("links-gds", "GDS Leiden, same links", "seconds_alone"),
    ("links-igraph", "igraph Leiden, same links", "seconds_alone"),
    ("links-networkx", "networkx Louvain, same links", "seconds_alone"),
    ("gds-leiden", "GDS Leiden, accounts and signals", "seconds_alone"),
    ("gds-demo", "Neo4j demo's rule in GDS", "seconds_alone"),
    ("gds-louvain", "GDS Louvain, cards, devices, addresses", "seconds_alone"),
    ("igraph-signals", "igraph Leiden, accounts and signals", "seconds_alone"),
    ("duckdb", "DuckDB self-join", "seconds_alone"),
    ("splink", "Splink", "seconds_alone"),
)


def draw(figures: Figures, out: Path) -> dict[str, str]:
    """Draws what can be drawn of the measurements. Returns file names by what they show."""
    plots = {
        "Wall time by size": (_by_size(figures, memory=False), "scale-time.png"),
        "Peak memory by size": (_by_size(figures, memory=True), "scale-memory.png"),
        "Stages of a detection": (_stages(figures), "scale-stages.png"),
    }
    drawn = {}
    for name, (figure, file) in plots.items():
        if figure is not None:
            # Without its date and version a picture changes only when its figures do.
            figure.savefig(out / file, dpi=110, metadata={"Software": None})
            plt.close(figure)
            drawn[name] = file
    return drawn


def _by_size(figures: Figures, *, memory: bool) -> Figure | None:
    """Median wall time or peak memory of the steps against accounts, both logarithmic; ours solid, peers dashed."""
    if not figures.books:
        return None
    plot, axis = plt.subplots(figsize=(8.6, 5.2))
    for number, (step, label, name) in enumerate(_LINES):
        shown = "peak" if memory else name
        points = [
            (world.accounts, value)
            for world in figures.books
            if (value := figures.middle(world, step, shown)) is not None
        ]
        if points:
            style = "o--" if BY_NAME[step].peer else "o-"
            values = [value / GIB if memory else value for _, value in points]
            axis.plot([n for n, _ in points], values, style, label=label, color=f"C{number % 10}", ms=4)
    sizes = [world.accounts for world in figures.books]
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_xlabel("accounts")
    axis.set_ylabel("peak of the process, GiB" if memory else "seconds")
    axis.grid(alpha=0.3, which="both")
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    plot.tight_layout()
    return plot


def _stages(figures: Figures) -> Figure | None:
    """Seconds of each stage of a full detection and of one after a day, a bar a world."""
    bars = [
        (f"{world.accounts:,}{' day' if step == 'detect-day' else ''}", rows[0]["stages"])
        for world in figures.books
        for step in ("detect-whole", "detect-day")
        if (rows := [row for row in figures.of(world, step) if "stages" in row])
    ]
    if not bars:
        return None
    plot, axis = plt.subplots(figsize=(8.6, 0.42 * len(bars) + 1.4))
    names = list(dict.fromkeys(stage["name"] for _, stages in bars for stage in stages))
    for position, (_, stages) in enumerate(bars):
        left = 0.0
        for stage in stages:
            color = plt.get_cmap("tab20")(names.index(stage["name"]) % 20)
            axis.barh(position, stage["seconds"], left=left, color=color)
            left += stage["seconds"]
    axis.set_yticks(range(len(bars)), [label for label, _ in bars], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("seconds")
    for number, name in enumerate(names):
        axis.barh(0, 0, color=plt.get_cmap("tab20")(number % 20), label=name)
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    plot.tight_layout()
    return plot
