"""Promise: the notebook runs from top to bottom, tells what the database holds and leaves it as it was; the one that is
committed was run whole over the demo's world, and tells nothing of where that was."""

import base64
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import polars as pl
import pytest
from graphdatascience import GraphDataScience
from graphs import checksum
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from serving import served_over_http
from test_cypher_files import CYPHER, strings
from worlds import world

from bench.notebook import NOTEBOOK, executed, outputs
from graphsvc.api.auth import keys
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.published import read_clusters, read_members
from graphsvc_lab.cli import tour

COMMITTED: NotebookNode = nbformat.read(NOTEBOOK, as_version=4)
CODE = [cell for cell in COMMITTED.cells if cell.cell_type == "code"]
PLOTS = ("Score against size", "Growth")
# What the notebook knew when it was done, for comparison.
ASK = """import json, sys
print(json.dumps({
    "python": sys.executable, "largest": largest, "size": found["size"], "signed up": int(signed_up[-1]),
    "banned": int(banned[-1]), "pairs": len(pairs), "blast": radii.to_dicts(), "score": clusters["score"][0],
    "nodes": nodes, "links": edges, "accounts": inside["account"].to_list(), "kinds": compared["groups"].sum(),
}))"""


def with_cells(*code: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(text) for text in code])


def said(notebook: NotebookNode) -> list[str]:
    """What a reader sees that is not code: streams, tables, texts of plots; and the code."""
    shown = [output.text for output in outputs(notebook, "stream")]
    shown += [output.data["text/plain"] for output in outputs(notebook, "display_data")]
    return shown + [cell.source for cell in notebook.cells]


def alt_texts(notebook: NotebookNode) -> list[str]:
    """Of the plots, in order."""
    shown = [output for output in outputs(notebook, "display_data") if "image/png" in output.data]
    for output in shown:
        assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")
        assert output.metadata["image/png"]["alt"] == output.data["text/plain"]
    return [output.data["text/plain"] for output in shown]


def blast(least: float, of: pl.DataFrame) -> tuple[int, int, float]:
    """Members, those acted on, and innocents to be expected among these."""
    sure = of.filter(pl.col("membership") >= least)
    active = sure.filter(pl.col("state") == "active")
    return sure.height, active.height, (1 - active["membership"]).sum()


@pytest.fixture
def published(database: Store, tokens: Tokeniser, tmp_path: Path) -> Store:
    """A small demo's world, loaded and detected."""
    for name, table in world("demo", 600, 7).items():
        table.write_parquet(tmp_path / f"{name}.parquet")
    load_bundle(database, tmp_path, tokens, tmp_path / "dead")
    detect(database, InProcessDetector(), Parameters())
    return database


@pytest.mark.slow
def test_it_tells_what_is_in_the_database_and_leaves_it_as_it_was(
    published: Store, installation: Settings, cli_environment: Path, tmp_path: Path
) -> None:
    before = checksum(published), published.read("browser/01_clusters_that_matter")
    notebook = nbformat.from_dict(COMMITTED)
    notebook.cells.append(new_code_cell(ASK))
    home = tmp_path / "home"
    home.mkdir()
    with served_over_http(published, installation) as url:
        key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
        done = executed(notebook, {"GRAPHSVC_URL": url, "GRAPHSVC_KEY": key, "HOME": str(home)})

    assert not outputs(done, "error")
    assert not [output.text for output in outputs(done, "stream") if output.name == "stderr"]
    assert [text.partition(":")[0] for text in alt_texts(done) if text.startswith(PLOTS)] == list(PLOTS)
    knew = json.loads(done.cells[-1].outputs[0].text)
    assert Path(knew["python"]).samefile(sys.executable)

    largest = read_clusters(published).sort("size").row(-1, named=True)
    inside = read_members(published).filter(pl.col("cluster_id") == largest["cluster_id"])
    (states,) = published.read("export/account_states", accounts=inside["account_id"].to_list())
    inside = inside.with_columns(state=pl.Series(states["status"]))
    assert states["account"] == inside["account_id"].to_list()
    assert (knew["largest"], knew["size"]) == (largest["cluster_id"], largest["size"])
    assert knew["score"] == largest["cluster_score"]
    assert knew["signed up"] == knew["nodes"] == inside.height == largest["size"] > 50
    assert knew["banned"] == (inside["state"].is_in(["banned", "suspended"])).sum() > 0
    assert sorted(knew["accounts"]) == sorted(inside["account_id"])
    assert 0 < knew["pairs"] <= 8
    assert knew["links"] > 50
    for least, row in zip((0.0, 0.9, 0.99), knew["blast"], strict=True):
        count, acted, innocents = blast(least, inside)
        assert (row["members"], row["acted on"]) == (count, acted)
        assert row["innocents"] == pytest.approx(innocents)
    growth = next(text for text in alt_texts(done) if text.startswith("Growth"))
    assert f"{inside.height:,} members signed up" in growth

    assert (checksum(published), published.read("browser/01_clusters_that_matter")) == before
    assert GraphDataScience(published.driver, show_progress=False).graph.list() == []
    assert not list(home.iterdir())


def test_what_is_missing_is_said_in_a_sentence(
    open_database: Store, installation: Settings, cli_environment: Path, tmp_path: Path
) -> None:
    connect = CODE[0].source
    steps: dict[str, dict[str, str]] = {
        "graphsvc keys create": {"GRAPHSVC_KEY": ""},
        "No service answers": {"GRAPHSVC_KEY": "none.such", "GRAPHSVC_URL": "http://127.0.0.1:9"},
        "graphsvc neo4j start": {"GRAPHSVC_DATA_DIR": str(tmp_path / "nothing")},
    }
    change = "import os\nos.environ.update({!r})\nif 'load_settings' in dir(): load_settings.cache_clear()"
    cells = [cell for step in steps.values() for cell in (change.format(step), connect)]
    done = executed(with_cells(*cells), {}, stop_at_errors=False)
    errors = outputs(done, "error")
    assert [error.ename for error in errors] == ["Stop"] * 3
    for sentence, error in zip(steps, errors, strict=True):
        assert sentence in error.evalue
        assert error.traceback == [error.evalue]


def test_the_demo_says_how_to_open_it(
    open_database: Store, installation: Settings, cli_environment: Path
) -> None:
    lines: list[str] = []
    service = tour.Service(None, "http://127.0.0.1:8765", "id.secret")  # type: ignore[arg-type]
    tour.print_addresses(installation, service, SimpleNamespace(print_line=lines.append))  # type: ignore[arg-type]
    said_then = "\n".join(lines)
    assert str(NOTEBOOK.relative_to(NOTEBOOK.parents[2])) in said_then
    shown = re.findall(r"(GRAPHSVC_\w+)=(\S+)", said_then)
    assert dict(shown) == {
        "GRAPHSVC_URL": service.url,
        "GRAPHSVC_KEY": service.key,
        "GRAPHSVC_DATA_DIR": str(installation.data_dir),
    }
    assert all(name in CODE[0].source + COMMITTED.cells[0].source for name, _ in shown)


def test_the_committed_one_was_run_whole() -> None:
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    assert not outputs(COMMITTED, "error")
    assert not [output.text for output in outputs(COMMITTED, "stream") if output.name != "stdout"]
    assert {text.partition(":")[0] for text in alt_texts(COMMITTED)} >= set(PLOTS)
    assert "of 120,000 accounts" in "".join(said(COMMITTED))
    assert NOTEBOOK.stat().st_size < 700_000


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b[0-9a-f]{12}\.[\w-]{20,}",  # an API key
        r"\b[0-9a-f]{8}\.[\w-]{20,}",  # a token
        r"\bip:~?[\w.:-]+",  # an address, or its handle
        r"\b(?!127\.0\.0\.1\b)\d{1,3}(\.\d{1,3}){3}\b",
        r"(?<![\w.:/])/(home|root|tmp|work|Users|usr|opt|var|mnt)\b",
        r"[A-Z]:\\",
        r"@[\w-]+\.\w+",
    ],
)
def test_the_committed_one_tells_no_secret_and_no_place(pattern: str) -> None:
    assert not [found[0] for text in said(COMMITTED) for found in re.finditer(pattern, text)]


def test_what_differs_from_run_to_run_is_not_committed() -> None:
    metadata: dict[str, Any] = COMMITTED.metadata
    assert set(metadata) == {"kernelspec", "language_info"}
    assert set(metadata["language_info"]) == {"name"}
    assert not [cell.id for cell in COMMITTED.cells if cell.metadata]
    assert all(re.fullmatch(r"[a-z0-9-]+", cell.id) for cell in COMMITTED.cells)


def test_its_code_holds_no_cypher(tmp_path: Path) -> None:
    written = tmp_path / "notebook.py"
    written.write_text("\n\n".join(cell.source for cell in CODE), encoding="utf-8")
    assert not [text for _, text in strings(written) if CYPHER.search(text)]
