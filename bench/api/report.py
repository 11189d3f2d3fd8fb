"""The latencies as Markdown and JSON."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.api.book import Book
from bench.api.questions import Question
from bench.quality import as_json, commit

Row = dict[str, Any]

AIM_CLIENTS, AIM_MS, AIM_RATIO = 8, 50.0, 2.0
PAGES = ("cluster list (50)", "cluster page", "account page")
"""What the aim of `AIM_MS` is about."""

HEADS = (
    *("question", "answer", "p50", "p95", "p99", "a second", "CPU service + database"),
    *("Cypher p50", "p95", "p99", "a second", "p50, API to Cypher", "load"),
)

INTRODUCTION = """# Latency of the API

Written by `make bench-api` (`bench/api/`); every figure is computed from [api.json](api.json). A world of the scenario
`book` with {accounts:,} accounts, loaded and detected; `graphsvc serve`, Neo4j and the clients share one machine with
{cores} cores and {memory:.0f} GiB; {versions}.

- A client asks again as soon as it is answered, over one connection that is kept. The first {warm:g} s of each
  measurement do not count. Documents are the front end's own, named by their ids; variables are seeded.
- *Cypher* is what the service ran behind the same answers, over the async driver in one process as the service has
  it: the same statements one after the other, rows made dictionaries, nothing more. Both ways are measured in turn
  in one run; a figure is the median over the turns.
- CPU is what service and database used for one answer. With {cores} cores and all on one machine, what a second of
  answers costs is what bounds them: at most {cores} s of CPU a second.
"""


def line(row: Row) -> str:
    """One measurement in a line."""
    return (
        f"{row['question']:<22} {row['way']:<6} {row['clients']:>3} clients: p50 {row['p50']:.1f}, "
        f"p95 {row['p95']:.1f}, p99 {row['p99']:.1f} ms, {row['a_second']:.0f}/s (load {row['load']:.1f})"
    )


def write(rows: list[Row], questions: list[Question], book: Book, out: Path) -> str:
    """Writes `api.json` and `api.md`; returns the Markdown."""
    out.mkdir(parents=True, exist_ok=True)
    head = {
        "accounts": book.accounts,
        "cores": os.cpu_count(),
        "commit": commit(),
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
    }
    (out / "api.json").write_text(as_json({"api": {**head, "rows": rows}}), encoding="utf-8")
    text = as_markdown(rows, questions, head)
    (out / "api.md").write_text(text, encoding="utf-8")
    return text


def as_markdown(rows: list[Row], questions: list[Question], head: Row) -> str:
    """The report of what was measured."""
    names = ("strawberry-graphql", "graphql-core", "uvicorn", "neo4j")
    versions = ", ".join(
        [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)]
    )
    lines = [
        INTRODUCTION.format(
            accounts=head["accounts"],
            cores=head["cores"],
            memory=psutil.virtual_memory().total / (1 << 30),
            versions=versions,
            warm=2.0,
        ),
        "## Aims",
        "",
        "| what | aim | measured | |",
        "| --- | --- | --- | --- |",
    ]
    for name in PAGES:
        lines += _aims(rows, name)
    for clients in sorted({row["clients"] for row in rows}):
        lines += ["", f"## {clients} client{'s' if clients > 1 else ''}", ""]
        lines += [f"| {' | '.join(HEADS)} |", "| --- " * len(HEADS) + "|"]
        for question in questions:
            lines.append(_line(rows, question, clients))
    lines += ["", f"*Measured {head['measured']} at commit {head['commit']}.*", ""]
    return "\n".join(lines)


def _aims(rows: list[Row], name: str) -> list[str]:
    if not _of(rows, name, "API", AIM_CLIENTS):
        return []
    p95 = _middle(rows, name, "API", AIM_CLIENTS, "p95")
    ratio = _middle(rows, name, "API", AIM_CLIENTS, "p50") / _middle(rows, name, "Cypher", AIM_CLIENTS, "p50")
    met = {True: "met", False: "**not met**"}
    return [
        f"| {name}, p95 at {AIM_CLIENTS} clients | ≤ {AIM_MS:g} ms | {p95:.1f} ms | {met[p95 <= AIM_MS]} |",
        f"| {name}, API to bare Cypher (p50, {AIM_CLIENTS} clients) | ≤ {AIM_RATIO:g} × | {ratio:.2f} × | "
        f"{met[ratio <= AIM_RATIO]} |",
    ]


def _line(rows: list[Row], question: Question, clients: int) -> str:
    def ms(way: str) -> list[str]:
        return [
            f"{_middle(rows, question.name, way, clients, name):.1f} ms" for name in ("p50", "p95", "p99")
        ]

    def rate(way: str) -> str:
        return f"{_middle(rows, question.name, way, clients, 'a_second'):,.0f}"

    p50 = [_middle(rows, question.name, way, clients, "p50") for way in ("API", "Cypher")]
    cpu = [_middle(rows, question.name, "API", clients, f"{name}_cpu") for name in ("service", "database")]
    load = max(row["load"] for row in _of(rows, question.name, "API", clients))
    cells = [
        question.name,
        f"{question.bytes_answered / 1024:.0f} KiB",
        *ms("API"),
        rate("API"),
        f"{cpu[0]:.1f} + {cpu[1]:.1f} ms",
        *ms("Cypher"),
        rate("Cypher"),
        f"{p50[0] / p50[1]:.2f} ×",
        f"{load:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _of(rows: list[Row], question: str, way: str, clients: int) -> list[Row]:
    return [row for row in rows if (row["question"], row["way"], row["clients"]) == (question, way, clients)]


def _middle(rows: list[Row], question: str, way: str, clients: int, name: str) -> float:
    return float(median(row[name] for row in _of(rows, question, way, clients)))
