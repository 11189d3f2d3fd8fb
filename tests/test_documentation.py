"""Promise: what the documentation tells people to type works, and what it points at is there."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from graphsvc.store import Store

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


def test_the_cypher_of_the_readme_runs(database: Store) -> None:
    statements = blocks(ROOT / "README.md", "cypher")
    assert statements
    for statement in statements:
        database.schema(statement)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_shown_exists_with_its_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = re.findall(
        r"(?:^|`)(?:\.venv/bin/)?graphsvc ([a-z0-9]+(?: [a-z]+)?)([^`\n#]*)", text, re.MULTILINE
    )
    for words, rest in shown:
        command = words.split()
        usage = help_of(*command) or help_of(*command[:1])
        assert usage, f"graphsvc {words}"
        unknown = [option for option in re.findall(r"--[a-z][a-z-]*", rest) if option not in usage]
        assert not unknown, f"graphsvc {words} {rest}"


def test_help_teaches_every_command() -> None:
    listed = re.findall(r"^│ ([a-z0-9]+) ", help_of() or "", re.MULTILINE)
    assert {"demo", "seed", "load", "detect", "evaluate", "serve", "export", "keys", "neo4j"} <= set(listed)


@cache
def help_of(*command: str) -> str | None:
    """The help of a command, or None if there is no such command."""
    run = [sys.executable, "-m", "graphsvc", *command, "--help"]
    done = subprocess.run(
        run,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "HOME": "/nonexistent", "TERM": "dumb"},
    )
    return done.stdout if done.returncode == 0 else None
