"""Promise: the bench of the API says what was measured, and which aims are missed."""

from typing import Any

from bench.api.questions import Question
from bench.api.report import AIM_CLIENTS, PAGES, as_markdown

HEAD = {"accounts": 1000, "cores": 2, "commit": "abc", "measured": "2026-01-01T00:00+00:00"}


def row(question: str, way: str, p50: float, p95: float, turn: int = 0) -> dict[str, Any]:
    times = {"p50": p50, "p95": p95, "p99": p95, "a_second": 100.0, "load": 1.0, "turn": turn}
    return {
        **{"question": question, "way": way, "clients": AIM_CLIENTS, "answers": 10},
        **{"service_cpu": 5.0, "database_cpu": 2.0},
        **times,
    }


def test_an_aim_is_met_or_missed_by_the_median_of_the_turns() -> None:
    questions = [Question(name, (b"{}",), ((),), 2048) for name in PAGES]
    rows = [
        each
        for name, p95 in zip(PAGES, (40.0, 60.0, 50.0), strict=True)
        for turn, more in enumerate((0.0, 0.0, 500.0))
        for each in (row(name, "API", 20.0 + more, p95 + more, turn), row(name, "Cypher", 9.0, 12.0, turn))
    ]
    page = as_markdown(rows, questions, HEAD)
    assert f"| {PAGES[0]}, p95 at 8 clients | ≤ 50 ms | 40.0 ms | met |" in page
    assert f"| {PAGES[1]}, p95 at 8 clients | ≤ 50 ms | 60.0 ms | **not met** |" in page
    assert page.count("≤ 2 × | 2.22 × | **not met** |") == len(PAGES)
    assert "| cluster page | 2 KiB | 20.0 ms | 60.0 ms |" in page
