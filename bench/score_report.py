"""Format what `bench.score` measured as a page."""

from collections.abc import Iterator
from typing import Any

from bench.markdown import grid

RATES = (0.001, 0.01)
"""False positives among honest sign-ups at which recall is measured."""


def format_report(report: dict[str, Any]) -> str:
    """Format the report as a page."""
    parts = [
        "# Scores at sign-up",
        "",
        "`make bench-score` measures these figures; `bench/score.py` says how. One and Cypher: one sign-up a call,",
        "scored over HTTP, and its tokens looked up by a bare statement. `load before` is the machine's load when a",
        "row began, on two cores; CPU is the service's own. Recall is measured at bars that let so many honest",
        "sign-ups pass; reviewed and challenged are the recommendations.",
        "",
    ]
    for accounts, speed in report.get("speed", {}).items():
        parts += [f"## Speed at {int(accounts):,} accounts", ""]
        parts += list(_format_speed(speed))
    for name, quality in report.get("quality", {}).items():
        parts += [f"## Quality on {name}", ""]
        parts += list(_format_quality(quality))
    return "\n".join(parts).rstrip() + "\n"


def _format_speed(speed: dict[str, Any]) -> Iterator[str]:
    rows = [
        [
            row["way"],
            "" if row["way"] == "Cypher" else str(row.get("workers", 1)),
            str(row["clients"]),
            *(f"{row[name]:,.1f}" for name in ("p50", "p95", "p99", "a_second", "service_cpu", "load")),
        ]
        for row in speed["rows"]
    ]
    names = ["p50 ms", "p95 ms", "p99 ms", "calls a second", "CPU ms a call", "load before"]
    yield from grid(["call", "processes", "clients", *names], rows)
    yield (
        f"The index has {speed['keys']:,} keys of {speed['clusters']:,} grown clusters, "
        f"{speed['index bytes'] / 1e6:,.1f} MB. It is checked and mapped in {speed['index seconds']:.2f} s; "
        f"the first answer took {speed['first answer ms']:,.0f} ms. "
        f"Scoring added {speed['memory bytes'] / 1e6:,.0f} MB to the service."
    )
    yield ""


def _format_quality(quality: dict[str, Any]) -> Iterator[str]:
    names = [f"recall at {rate:.1%}" for rate in RATES]
    rows = [
        [
            name,
            f"{group['of']:,}",
            *(f"{group[each]:.3f}" if each in group else "" for each in (*names, "review", "challenge")),
        ]
        for name, group in quality.items()
        if isinstance(group, dict)
    ]
    yield from grid(["sign-ups", "number", *names, "reviewed", "challenged"], rows)
    yield f"Of {quality['sign-ups']:,} sign-ups {quality['honest']:,} are honest."
    yield ""
