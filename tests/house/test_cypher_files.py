"""Promise: every Cypher statement is a file of `cypher/` that says what it does; Python holds none."""

import ast
import re
from pathlib import Path

import pytest

from graphsvc.statements import add_folder, list_names, load_statement

ROOT = Path(__file__).parents[2]
add_folder("notebook", ROOT / "docs" / "notebooks" / "cypher")
OUTSIDE = ("bench", "notebook", "tests")
"""Folders of statements that are not in the package."""
NAMES = [*list_names(), *(name for folder in OUTSIDE for name in list_names(folder))]
# A clause followed by what only Cypher puts behind it. `MATCH (`, `MERGE (`, `CALL {`, `UNWIND $`, `RETURN n.` …
CYPHER = re.compile(
    r"\b(MATCH|MERGE|CREATE|OPTIONAL MATCH|DETACH DELETE)\s*\(|\bUNWIND\s+[$\[a-z]|\bCALL\s+(\{|\(|[a-z]+\.)"
    r"|\bCREATE\s+(CONSTRAINT|INDEX)\b|\bRETURN\s+[a-z]\w*[.(]|\)-\[:?\w*\]?->?\("
)


def strings(path: Path) -> list[tuple[int, str]]:
    """String constants of a module that are not docstrings, joined f-strings included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.mark.parametrize("package", ["graphsvc", "seed", "bench"])
def test_python_holds_no_cypher(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]!r}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, text in strings(path)
        if CYPHER.search(text)
    ]
    assert not found


@pytest.mark.parametrize(
    "text",
    ["MATCH (n) RETURN n", "UNWIND $rows AS row", "CALL gds.wcc.stream($g)", "CREATE INDEX x FOR (n:A)"],
)
def test_the_search_for_cypher_finds_cypher(text: str) -> None:
    assert CYPHER.search(text)


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_says_what_it_does(name: str) -> None:
    found = load_statement(name)
    assert found.text, "no statement"
    assert len(found.header.splitlines()[0]) > 10, "no description"
    declared = re.search(r"^Parameters: (.*?)^Returns:", found.header, re.MULTILINE | re.DOTALL)
    assert declared, "no line `Parameters:` followed by one `Returns:`"
    assert set(re.findall(r"\$(\w+)", declared[1])) == found.parameters


def test_every_statement_is_used() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("graphsvc", "seed", "bench", "tests")
        for path in (ROOT / package).rglob("*.py")
    )
    notebooks = (ROOT / "docs" / "notebooks").glob("*.ipynb")
    code += "".join(path.read_text(encoding="utf-8").replace('\\"', '"') for path in notebooks)
    written = {name for name in NAMES if not name.startswith(("migrations/", "browser/", "publish/"))}
    assert not [name for name in sorted(written) if f'"{name}"' not in code]


def test_the_package_holds_no_statement_that_only_others_use() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "graphsvc").rglob("*.py"))
    # Names of these folders are built: by number, from a list of tables, or by the guide.
    written = {name for name in list_names() if not name.startswith(("migrations/", "browser/", "publish/"))}
    lab = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "seed").rglob("*.py"))
    assert not [name for name in sorted(written) if f'"{name}"' not in code + lab]


def test_a_folder_of_others_never_replaces_one_of_the_package(tmp_path: Path) -> None:
    for folder in ("load", "bench"):
        with pytest.raises(ValueError, match=folder):
            add_folder(folder, tmp_path)
    (tmp_path / "hello.cypher").write_text("// Says hello.\nRETURN 1\n")
    add_folder("greetings", tmp_path)
    add_folder("greetings", tmp_path)
    assert list_names("greetings") == ["greetings/hello"]
    assert load_statement("greetings/hello").text == "RETURN 1"
    assert not {"greetings/hello", "bench/wipe", "tests/tamper"} & set(list_names())


# The managed server is asked over HTTP before there is a driver; the client of GDS takes the text of its projection.
NAMED_BY_OTHERS = {
    "graphsvc/server/process.py": {"server/ready"},
    "graphsvc/server/train.py": {"server/warm"},
    "graphsvc/community/gds.py": {"detect/project_links"},
}


def test_the_store_is_the_only_door_to_statements() -> None:
    names, found = set(list_names()), {}
    for package in ("graphsvc", "seed"):
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if place.startswith("graphsvc/store/"):
                continue
            used = {text for _, text in strings(path) if text in names}
            if used - NAMED_BY_OTHERS.get(place, set()):
                found[place] = used
    assert not found


def test_only_the_store_maps_the_errors_of_the_driver() -> None:
    others = [path for path in (ROOT / "graphsvc").rglob("*.py") if path.parent.name != "store"]
    assert not [path.name for path in others if "map_driver_errors" in path.read_text(encoding="utf-8")]
