"""Promise: what a developer's hook runs is what `make lint` runs, and it downloads nothing."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def read_hooks() -> list[dict[str, Any]]:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    return [hook for repo in repos for hook in repo["hooks"]]


def test_the_hooks_are_the_linters_of_make_lint() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    linted = {command.strip() for command in re.findall(r"\$\(BIN\)/([^&\n]+)", recipe[1])}
    hooked = {hook["entry"].removeprefix(".venv/bin/") for hook in read_hooks()}
    # A hook gets the files of the commit, and may write them; lint looks at all and writes none.
    assert linted == {
        entry.replace("check --force-exclude", "check .").replace(
            "format --force-exclude", "format --check ."
        )
        for entry in hooked
    }
    assert {hook["language"] for hook in read_hooks()} == {"system"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github").rglob("*.md")), ids=lambda path: path.name
)  # fmt: skip
def test_what_a_template_points_at_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert all((path.parent / target).exists() for target in targets)
    known = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{name}:" in known for name in re.findall(r"`make ([a-z-]+)`", text))


def test_contributing_names_every_place_that_treats_a_kind_by_name() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    # Names of kinds that are no other word of the code.
    kinds = {"ip", "instrument", "user_agent", "email_domain", "email_handle", "display_name"}
    # An option of the driver has the name of a kind.
    other = {"store/connection.py"}
    rooms = (
        "analysis",
        "campaigns",
        "exchange",
        "intake",
        "linkage",
        "lineage",
        "model",
        "store",
        "succession",
    )
    places = {
        path.relative_to(ROOT / "graphsvc").as_posix()
        for room in rooms
        for path in (ROOT / "graphsvc" / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in kinds
    }
    assert len(places) > 10
    assert sorted(place for place in places - other if f"`{place}`" not in text) == []


def test_contributing_names_files_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`((?:graphsvc|tests|docs|cypher|console|seed|bench)/[\w./-]*?)`", text)
    ) - {"graphsvc/cli/stats.py"}  # fmt: skip
    assert len(named) > 30
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
    inside = set(
        re.findall(r"`((?:campaigns|linkage|succession|intake|exchange|store|model)/\w+\.py)`", text)
    )
    assert sorted(name for name in inside if not (ROOT / "graphsvc" / name).exists()) == []
