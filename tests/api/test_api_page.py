"""Promise: GraphiQL comes out of the package, holds no data, and asks nobody else."""

import hashlib
import re
from pathlib import Path

from fastapi.testclient import TestClient

from graphsvc.api.routers import graphiql

FILES = Path(graphiql.__file__).parents[1] / "static" / "graphiql"


def test_a_browser_gets_the_page_and_all_it_needs(client: TestClient) -> None:
    page = client.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 200
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len([path for path in needed if not path.startswith("data:")]) == 6
    for path in needed:
        if path != "data:,":
            assert not re.match(r"(\w+:)?//", path)
            assert client.get(f"/{path}").status_code == 200, path


def test_the_policy_allows_no_other_origin_and_no_inline_script(client: TestClient) -> None:
    policy = client.get("/graphql", headers={"Accept": "text/html"}).headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "http" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", (FILES / "index.html").read_text())


def test_a_program_does_not_get_the_page(client: TestClient) -> None:
    assert client.get("/graphql", headers={"Accept": "application/json"}).status_code == 405


def test_the_files_are_those_of_the_readme() -> None:
    listed = dict(
        re.findall(r"^\| `([^`]+)` .* `([0-9a-f]{64})` \|$", (FILES / "README.md").read_text(), re.MULTILINE)
    )
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in FILES.glob("*.min.*")}
    assert listed == found


def test_no_file_names_a_place_to_download_from() -> None:
    for path in FILES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"//[\w.-]*\b(?:cdn\w*|registry|esm)\b", text), path.name
        assert path.suffix == ".md" or "sourceMappingURL" not in text
