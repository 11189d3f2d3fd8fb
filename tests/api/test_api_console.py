"""Promise: the console comes out of the package, is built from what is here, and asks nobody but this service."""

import json
import re
from hashlib import sha256
from pathlib import Path

from fastapi.testclient import TestClient

from graphsvc.api.operations.persisted import load_documents
from graphsvc.api.routers import console

ROOT = Path(__file__).parents[2]
FILES = Path(console.__file__).parents[1] / "static" / "console"
BUNDLED = ("graphology", "graphology-layout-forceatlas2", "preact", "sigma")


def test_a_browser_gets_the_page_and_all_it_needs(client: TestClient) -> None:
    page = client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 200
    needed = [path for path in re.findall(r'(?:src|href)="([^"]+)"', page.text) if path != "data:,"]
    assert sorted(needed) == ["console/index.css", "console/index.js"]
    for path in needed:
        assert client.get(path).status_code == 200, path
    for later in re.findall(r'import\([`"]\./([^`"]+)[`"]\)', (FILES / "index.js").read_text()):
        assert client.get(f"/console/{later}").status_code == 200, later


def test_the_policy_allows_no_other_origin_and_nothing_inline(client: TestClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "http" not in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|style=", (FILES / "index.html").read_text())


def test_the_build_asks_by_the_documents_of_this_version() -> None:
    asked = set(re.findall(r"sha256:[0-9a-f]{64}", (FILES / "index.js").read_text()))
    ours = {document.id: document.name for document in load_documents()}
    assert {ours.get(each, "one of another version: run `make console`") for each in asked} == set(
        ours.values()
    )


def test_the_build_was_made_of_the_sources_that_are_here() -> None:
    """The same as `console/fingerprint.mjs`."""
    named = ("console/index.html", "console/package-lock.json", "console/vite.config.js", "schema.graphql")
    folders = ("console/src", "graphsvc/api/documents")
    found = [ROOT / each for each in named]
    found += [path for each in folders for path in (ROOT / each).rglob("*") if path.is_file()]
    paths = sorted(path.relative_to(ROOT).as_posix() for path in found if "generated" not in path.parts)
    lines = "".join(f"{sha256((ROOT / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)
    built = (FILES / "sources.sha256").read_text().strip()
    assert sha256(lines.encode()).hexdigest() == built, "run `make console` and commit what it makes"


def test_the_console_sends_ids_and_no_text_but_for_the_subscription() -> None:
    source = (ROOT / "console" / "src" / "api.ts").read_text()
    assert "documentId: document.id" in source
    assert re.findall(r"query: (\w+)\.text", source) == ["Progress"]


def test_no_file_names_a_place_to_download_from() -> None:
    for path in FILES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"//[\w.-]*\b(?:cdn\w*|registry|esm)\b", text), path.name
        assert "sourceMappingURL" not in text


def test_what_is_bundled_is_pinned_by_hash_and_named_in_the_notice() -> None:
    lock = json.loads((ROOT / "console" / "package-lock.json").read_text())["packages"]
    notice = (ROOT / "NOTICE").read_text()
    for name in BUNDLED:
        assert lock[f"node_modules/{name}"]["integrity"].startswith("sha512-")
        assert re.search(
            rf"\b{re.escape(name)} {re.escape(lock[f'node_modules/{name}']['version'])}\b", notice
        ), name
    assert not [each for each in lock.values() if "resolved" in each]
