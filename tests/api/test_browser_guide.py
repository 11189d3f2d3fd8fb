"""Promise: Neo4j Browser gets a guide out of the scripts that there are; pages of strangers do not."""

import html
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from around import served
from fastapi.testclient import TestClient
from pydantic import SecretStr

from graphsvc.api.app import create_app
from graphsvc.api.routers.browser_kit import list_questions
from graphsvc.settings import Settings
from graphsvc.statements import list_names, load_statement, load_text
from graphsvc.store import Address, Store

KIT = Path(__file__).parents[2] / "cypher" / "browser"
BOX = re.compile(r'<pre class="code runnable">(.*?)</pre>', re.DOTALL)
CHOICE = re.compile(r":param \[\{(.*?)\}\] => \{ (.*) \}", re.DOTALL)
# What Neo4j Browser 5.24 takes out of a guide for safety's sake.
HANDLERS = re.compile(r"""(\s+(on[^\s=]+)[^\s=]*\s*=\s*("[^"]*"|'[^']*'|[\w\-.:]+\s*))""", re.IGNORECASE)
STATEMENTS = {load_text(name): name for name in list_names("browser")}


def client(directory: Path, database: str = "bolt://127.0.0.1:7687", **settings: str) -> TestClient:
    """The app over a database that is never asked."""
    address = Address(database, "neo4j", SecretStr("not-the-password"))
    return TestClient(create_app(Settings(data_dir=directory, **settings), address))  # type: ignore[arg-type]


@pytest.fixture
def app(tmp_path: Path) -> TestClient:
    return client(tmp_path)


@pytest.fixture
def published(database: Store, installation: Settings) -> Iterator[Store]:
    with served(database, installation):
        yield database


def boxes(app: TestClient) -> list[str]:
    """What can be run in the guide, in its order."""
    return [html.unescape(box) for box in BOX.findall(app.get("/browser/guide").text)]


def test_the_guide_is_read_without_a_key_and_by_get_alone(app: TestClient) -> None:
    answer = app.get("/browser/guide")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.count("<slide>") == answer.text.count("</div></slide>") == 12
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert app.head("/browser/guide").status_code == 200
    assert app.post("/browser/guide").status_code == 405
    assert app.get("/browser/nothing").status_code == 404
    assert app.get("/browser/guide", headers={"Host": "another.example"}).status_code == 421


def test_what_can_be_run_is_a_script_or_a_command(app: TestClient) -> None:
    used = set()
    for box in boxes(app):
        if box == ":style http://testserver/browser/style.grass":
            continue
        chosen = CHOICE.fullmatch(box)
        used.add(STATEMENTS[chosen[2] if chosen else box])
    assert used == set(list_names("browser"))


def test_what_can_be_run_answers_one_step_after_the_other(app: TestClient, published: Store) -> None:
    parameters: dict[str, object] = {}
    for box in boxes(app)[1:]:
        chosen = CHOICE.fullmatch(box)
        name = STATEMENTS[chosen[2] if chosen else box]
        needed = load_statement(name).parameters
        assert needed <= set(parameters), name
        found = published.read(name, **{each: parameters[each] for each in needed})
        if chosen:
            assert list(found[0]) == chosen[1].split(", ")
            parameters |= found[0]
    assert parameters["cluster"] == "c-large"
    assert str(parameters["signal"]).startswith("ip:")


def test_nobody_else_is_named_and_nothing_is_taken_out_by_neo4j_browser(app: TestClient) -> None:
    text = app.get("/browser/guide").text
    found = re.findall(r"(?:https?:)?//[^\s\"'<>]+", text)
    assert found
    assert {urlsplit(address).netloc for address in found} == {"testserver"}
    assert not re.search(r"<(img|script|link|iframe|object|video)", text)
    assert "{{" not in text
    assert not HANDLERS.search(text)


@pytest.mark.parametrize(
    ("database", "origin", "allowed"),
    [
        ("bolt://127.0.0.1:7687", "http://127.0.0.1:7474", True),
        ("bolt://127.0.0.1:7687", "http://localhost:31337", True),
        ("bolt://127.0.0.1:7687", "http://[::1]:7474", True),
        ("bolt://127.0.0.1:7687", "http://127.0.0.1.example.com", False),
        ("bolt://127.0.0.1:7687", "https://example.com", False),
        ("bolt://127.0.0.1:7687", "null", False),
        ("neo4j+s://graph.example.com", "https://graph.example.com:7473", True),
        ("neo4j+s://graph.example.com", "https://graphxexample.com", False),
        ("neo4j+s://graph.example.com", "http://127.0.0.1:7474", True),
        ("bolt://neo4j:7687", "http://localhost:7474", True),
    ],
)
def test_only_pages_of_this_machine_and_of_the_database_may_read_it(
    tmp_path: Path, database: str, origin: str, allowed: bool
) -> None:
    app = client(tmp_path, database)
    # As Neo4j Browser 5.24 asks: with headers of its own, so that the browser asks beforehand.
    before = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "cache-control,pragma,sentry-trace",
    }
    for path in ("/browser/guide", "/browser/style.grass"):
        asked = app.options(path, headers=before)
        answer = app.get(path, headers={"Origin": origin})
        assert asked.is_success is allowed
        for each in (asked, answer):
            assert each.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert "Access-Control-Allow-Credentials" not in each.headers
            assert "Origin" in each.headers["Vary"]
            assert each.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in app.get("/", headers={"Origin": origin}).headers


def test_a_made_up_host_is_text(tmp_path: Path) -> None:
    app = client(tmp_path, allowed_hosts="*")
    answer = app.get("/browser/guide", headers={"Host": 'x"><script>alert(1)</script>'})
    assert "<script" not in answer.text


def test_all_scripts_come_in_one_file_and_the_style_as_it_is(app: TestClient) -> None:
    answer = app.get("/browser/scripts.zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="graphsvc-scripts.zip"'
    assert answer.content == app.get("/browser/scripts.zip").content
    with ZipFile(BytesIO(answer.content)) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == {
        f"graphsvc/{path.name}": path.read_bytes()
        for path in (KIT.parent / f"{name}.cypher" for name in list_questions())
    }
    assert app.get("/browser/style.grass").content == (KIT / "style.grass").read_bytes()
