"""Promise: what the documentation tells people to type works, and what it points at is there."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from graphsvc.store import Store

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_headings_lead_to_one(page: Path) -> None:
    targets = re.findall(r"\]\(([^):]*)#([^)]*)\)", page.read_text(encoding="utf-8"))
    missing = [f"{to}#{head}" for to, head in targets if head not in slugs(page.parent / to if to else page)]
    assert not missing


def test_the_cypher_of_the_readme_runs(database: Store) -> None:
    statements = blocks(ROOT / "README.md", "cypher")
    assert statements
    for statement in statements:
        database.apply_schema(statement)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_shown_exists_with_its_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = re.findall(
        r"(?:^|^\$ |`)(?:\.venv/bin/)?graphsvc ([a-z0-9]+(?: [a-z]+)?)([^`\n#]*)", text, re.MULTILINE
    )
    for words, rest in shown:
        usage = helps().get(words) or helps().get(words.split()[0])
        assert usage, f"graphsvc {words}"
        unknown = [option for option in re.findall(r"--[a-z][a-z-]*", rest) if option not in usage]
        assert not unknown, f"graphsvc {words} {rest}"


def test_every_command_is_shown_on_a_page() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    # A group of commands shows its members.
    commands = [words for words in helps() if words and not any(f"{words} " in other for other in helps())]
    hidden = [words for words in commands if not re.search(rf"graphsvc {words}\b", pages)]
    # `graphsvc neo4j start` and its siblings are shown in one line.
    assert [
        words for words in hidden if words not in {f"neo4j {word}" for word in ("stop", "status", "logs")}
    ] == []


def test_every_picture_is_made_by_a_script_and_shown_on_a_page() -> None:
    scripts = [ROOT / "console" / "tests" / f"{name}.mjs" for name in ("pictures", "neo4j_browser")]
    made = {
        f"{one or other}.png"
        for script in scripts
        for one, other in re.findall(
            r"\$\{PLACE\}([\w-]+)\.png|picture\(\"([\w-]+)\"", script.read_text(encoding="utf-8")
        )
    }
    shown = {
        Path(target).name: words
        for page in PAGES
        for words, target in re.findall(r"!\[([^\]]*)\]\((\S*images/\S+)\)", page.read_text(encoding="utf-8"))
    }
    there = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert set(there) == made == set(shown)
    assert all(len(words) > 10 for words in shown.values())
    assert max(there.values()) < 400_000


def test_help_teaches_every_command() -> None:
    listed = re.findall(r"^│ ([a-z0-9]+) ", helps()[""], re.MULTILINE)
    assert {"demo", "seed", "load", "detect", "evaluate", "serve", "export", "keys", "neo4j"} <= set(listed)


ASK = """
import json, sys
import typer
from typer.testing import CliRunner
from graphsvc.cli.commands import app

def words_of(command, *words):
    yield words
    for name, each in getattr(command, "commands", {}).items():
        yield from words_of(each, *words, name)

helps = {}
for words in words_of(typer.main.get_command(app)):
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, (words, done.output)
    helps[" ".join(words)] = done.stdout
json.dump(helps, sys.stdout)
"""


@cache
def helps() -> dict[str, str]:
    """The help of every command by its words. All from one process: to start one for each takes a minute."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "HOME": "/nonexistent", "TERM": "dumb"},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found
