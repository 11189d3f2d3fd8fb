"""The figures as Markdown and JSON."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench.quality import as_json
from bench.scale import plots
from bench.scale.figures import GIB, Figures, aims
from bench.scale.meter import DONE
from bench.scale.plan import STEPS, World

Row = dict[str, Any]

INTRODUCTION = """# Speed and memory

Written by `make bench` (`bench/scale/`); every figure on this page is computed from [scale.json](scale.json),
none is typed in. Worlds are made by `seed`: `book` is a provider's whole book (see [scenarios](../scenarios.md)),
`demo` has three times the edges an account. Machine: {cores} cores, {memory:.0f} GiB; {versions}.

- Every step runs in a process of its own, one after the other, in turn (all steps, then all again); a time is the
  median over the turns, with the least and the most. Wall is that of the whole command, Python's start included;
  *alone* is the part that is the work, without start and reading of files: what peers are compared by.
- CPU and memory are those of the process with its children, and beside them those of the database server. Memory is
  resident, at its peak. The load is the machine's before the step: more than {cores} means that others worked there.
- The detection figures are those of `graphsvc evaluate` against the truth, so that nobody is fast by being wrong.
  Peers' groups of eight accounts or more count as published; they grade nothing.
- Peers are set up by us, once: GDS and networkx with their defaults, igraph with two rounds, DuckDB and Splink as
  `bench/scale/sql.py` says. Nobody tuned them to these worlds, but for Splink's threshold, which was lowered so that it
  finds anything.
- A day is 1 % of the accounts: half of them new, half known ones of which the last row of each table comes then.
"""


def write(rows: list[Row], out: Path) -> str:
    """Writes `scale.json`, `scale.md` and plots; returns the Markdown."""
    write_raw(rows, out)
    figures = Figures(rows)
    text = as_markdown(figures, plots.draw(figures, out))
    (out / "scale.md").write_text(text, encoding="utf-8")
    return text


def write_raw(rows: list[Row], out: Path) -> None:
    """Writes `scale.json`: a row a measurement."""
    head = {"cores": os.cpu_count(), "memory": psutil.virtual_memory().total, "versions": _versions()}
    (out / "scale.json").write_text(as_json({"scale": {**head, "rows": rows}}), encoding="utf-8")


def as_markdown(figures: Figures, drawn: dict[str, str]) -> str:
    """The report of what was measured."""
    memory = psutil.virtual_memory().total / GIB
    lines = [INTRODUCTION.format(cores=os.cpu_count(), memory=memory, versions=", ".join(_versions()))]
    lines += ["## Aims", ""]
    verdict = {True: "met", False: "**not met**", None: "not measured"}
    lines += _grid(
        ["what", "aim", "measured", ""],
        [[aim.what, aim.asked, aim.measured, verdict[aim.met]] for aim in aims(figures)],
    )
    for name, file in drawn.items():
        lines += [f"![{name}]({file})", ""]
    for world in reversed(figures.worlds):
        lines += _world(figures, world)
    commits = sorted({row["commit"] for row in figures.rows if "commit" in row})
    days = sorted(row["measured"] for row in figures.rows if "measured" in row)
    lines += [f"*Measured {days[0]} to {days[-1]} at commit {', '.join(commits)}.*", ""]
    return "\n".join(lines)


def _world(figures: Figures, world: World) -> list[str]:
    lines = [f"## {world.scenario}, {world.accounts:,} accounts (seed {world.seed})", ""]
    for row in figures.of(world, "world"):
        lines += [
            f"{row['signals']:,} signals, {row['edges']:,} edges, {row['activity']:,} rows of activity.",
            "",
        ]
    heads = ["step", "turns", "wall", "alone", "CPU", "memory", "load", "B-cubed F", "precision", "recall"]
    body = []
    seed = figures.of(world, "seed")
    named = [("`graphsvc seed`", "seed")] if seed else []
    for what, step in [*named, *((s.what + (" †" if s.peer else ""), s.name) for s in STEPS)]:
        rows = figures.of(world, step)
        if rows:
            body.append([what, *_measured(figures, world, step, rows)])
    lines += _grid(heads, body)
    lines += ["† what others would take instead", ""]
    lines += _links(figures, world)
    return [*lines, *_stages(figures, world)]


def _measured(figures: Figures, world: World, step: str, rows: list[Row]) -> list[str]:
    over = figures.over(world, step)
    wall = f"over {over:,.0f} s" if over is not None else _spread(figures, world, step, "seconds")
    if not any(row["status"] == DONE for row in rows) and over is None:
        wall = "failed"
    worth = [figures.middle(world, step, name) for name in ("bcubed_f", "precision", "recall")]
    if step in {"detect", "links-ours"}:
        worth = [None] * 3
    return [
        str(len(rows)),
        wall,
        _spread(figures, world, step, "seconds_alone"),
        _pair(figures, world, step, "cpu", "server_cpu", lambda v: f"{v:,.0f} s"),
        _pair(figures, world, step, "peak", "server_peak", lambda v: f"{v / GIB:.2f}") + " GiB",
        f"{max(row['load'] for row in rows):.1f}",
        *("–" if value is None else f"{value:.3f}" for value in worth),
    ]


def _links(figures: Figures, world: World) -> list[str]:
    body = []
    for step, name in (
        ("links-ours", "ours (pairs, communities)"),
        ("links-gds", "GDS Leiden"),
        ("links-igraph", "igraph Leiden"),
        ("links-networkx", "networkx Louvain"),
    ):
        for row in figures.of(world, step)[:1]:
            if row["status"] != DONE:
                continue
            seconds = figures.middle(
                world, step, "communities_seconds" if step == "links-ours" else "seconds_alone"
            )
            pairs = figures.middle(world, step, "pairs_seconds")
            shown = f"{seconds:.2f} s" + (f" (pairs before: {pairs:.2f} s)" if pairs is not None else "")
            body.append(
                [name, f"{row['links']:,}", shown, f"{row['modularity']:.4f}", f"{row['communities']:,}"]
            )
    if not body:
        return []
    return ["On the same links:", "", *_grid(["", "links", "seconds", "modularity", "communities"], body)]


def _stages(figures: Figures, world: World) -> list[str]:
    rows = [row for row in figures.of(world, "detect-whole") if "stages" in row]
    days = {s["name"]: s for row in figures.of(world, "detect-day")[:1] for s in row.get("stages", [])}
    if not rows:
        return []
    body = [
        [
            stage["name"],
            f"{stage['seconds']:.1f} s",
            f"{stage['rows']:,}",
            f"{stage['peak_bytes'] / GIB:.2f} GiB",
            f"{days[stage['name']]['seconds']:.1f} s" if stage["name"] in days else "–",
        ]
        for stage in rows[0]["stages"]
    ]
    heads = ["stage of a full detection", "wall", "rows", "peak so far or alone", "after a day of 1 %"]
    return ["What a run records of itself (first turn):", "", *_grid(heads, body)]


def _spread(figures: Figures, world: World, step: str, name: str) -> str:
    found = figures.spread(world, step, name)
    if found is None:
        return "–"
    if found.least == found.most:
        return f"{found.middle:,.1f} s"
    return f"{found.middle:,.1f} s ({found.least:,.1f}–{found.most:,.1f})"


def _pair(figures: Figures, world: World, step: str, ours: str, server: str, form: Any) -> str:
    values = [[row[name] for row in figures.of(world, step)] for name in (ours, server)]
    shown = form(sorted(values[0])[len(values[0]) // 2])
    return f"{shown} + {form(sorted(values[1])[len(values[1]) // 2])}" if any(values[1]) else shown


def _grid(heads: list[str], body: list[list[str]]) -> list[str]:
    lines = [" | ".join(cells) for cells in (heads, ["---"] * len(heads), *body)]
    return [*(f"| {line} |" for line in lines), ""]


def _versions() -> list[str]:
    names = ("polars", "networkit", "igraph", "networkx", "duckdb", "splink", "graphdatascience")
    return [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)]
