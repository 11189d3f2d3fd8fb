"""Promise: long work says how far it is and what remains, also where there is no terminal."""

import io

import pytest
from rich.console import Console

from graphsvc.cli import progress


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> tuple[progress.Stages, io.StringIO, list[float]]:
    """Stages that write to a file, and the clock they go by."""
    written, now = io.StringIO(), [0.0]
    monkeypatch.setattr(progress, "console", Console(file=written, soft_wrap=True, highlight=False))
    monkeypatch.setattr("graphsvc.cli.progress.time.monotonic", lambda: now[0])
    return progress.Stages(), written, now


def test_a_stage_ends_with_one_line(lines: tuple[progress.Stages, io.StringIO, list[float]]) -> None:
    stages, written, now = lines
    for done in (1, 500, 1000, 1000):
        stages.update_stage("edges", done, 1000)
        now[0] += 1.0
    assert written.getvalue() == "  edges: 1,000 in 2.0 s\n"


def test_a_long_stage_says_what_remains(lines: tuple[progress.Stages, io.StringIO, list[float]]) -> None:
    stages, written, now = lines
    for done in range(0, 41, 10):
        stages.update_stage("edges", done, 100)
        now[0] += 10.0
    # A tenth in ten seconds: after 20 s the rest takes 80, after 40 s 60.
    assert written.getvalue() == (
        "  edges: 20 of 100, about 80 s remain\n  edges: 40 of 100, about 60 s remain\n"
    )
