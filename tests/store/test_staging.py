"""Promise: a run writes the links that changed and no others, and readers see those of the published run alone."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from graphs import ring_bundle

from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.published import read_clusters
from graphsvc.store.staging import compute_versions

LINK: dict[str, Any] = {
    "cluster": "c1",
    "source": "a",
    "target": "b",
    "bits": 9.5,
    "families": ["payment"],
    "family_bits": [9.5],
    "signals": ["instrument:x"],
    "place": 1,
}


@pytest.fixture
def rings(database: Store, tokens: Tokeniser, tmp_path: Path) -> Store:
    """A database with two published rings of twelve among 400 others."""
    load_bundle(database, ring_bundle(tmp_path / "bundle"), tokens, tmp_path / "dead")
    run(database)
    return database


def run(store: Store) -> None:
    detect(store, InProcessDetector(), Parameters())


def read_links(store: Store) -> list[dict[str, Any]]:
    """What both readers of links see."""
    ids = sorted(read_clusters(store)["cluster_id"])
    strongest = store.read("query/cluster_links", ids=ids, limit=200)
    drawn = store.read("view/links", clusters=ids)
    return [*strongest, *sorted(drawn, key=lambda row: (row["source"], row["target"]))]


def count(store: Store) -> int:
    return int(store.read("publish/count_links")[0]["links"])


def collect_steps(store: Store, patch: pytest.MonkeyPatch) -> list[str]:
    """Names of the statements that are run in transactions from now on."""
    names: list[str] = []
    original = store.run_transaction

    def run_transaction(*steps: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        names.extend(name for name, _ in steps)
        return original(*steps)

    patch.setattr(store, "run_transaction", run_transaction)
    return names


def test_links_that_did_not_change_are_not_written_again(
    rings: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, links = read_links(rings), count(rings)
    assert links
    names = collect_steps(rings, monkeypatch)
    run(rings)
    assert "publish/clusters" in names
    assert "publish/links" not in names
    assert read_links(rings) == before
    assert count(rings) == links


def test_a_link_that_was_deleted_by_hand_is_written_again(rings: Store) -> None:
    before = read_links(rings)
    rings.driver.execute_query("MATCH ()-[l:LINKED]->() WITH l LIMIT 3 DELETE l")
    assert read_links(rings) != before
    run(rings)
    assert read_links(rings) == before


def test_links_that_a_run_has_staged_are_not_seen_and_go_if_it_fails(rings: Store) -> None:
    before, links = read_links(rings), count(rings)
    (first, *_) = rings.read("view/links", clusters=list(read_clusters(rings)["cluster_id"]))
    staged = {**LINK, "source": first["source"], "target": first["target"], "version": 7}
    staged["cluster"] = read_clusters(rings)["cluster_id"][0]
    rings.write("publish/links", **{name: [value] for name, value in staged.items()})
    assert count(rings) == links + 1
    assert read_links(rings) == before
    run(rings)
    assert read_links(rings) == before
    assert count(rings) == links


def version(*rows: dict[str, Any]) -> list[int]:
    return compute_versions(pl.DataFrame(rows))["version"].to_list()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cluster", "c2"),
        ("target", "c"),
        ("bits", 9.500000000000002),
        ("families", ["device"]),
        ("family_bits", [9.499999999999998]),
        ("signals", [""]),
        ("place", None),
    ],
)
def test_a_version_names_all_that_is_written_of_links(name: str, value: object) -> None:
    assert version(LINK) != version({**LINK, name: value})


def test_a_version_names_all_links_of_an_account_in_any_order() -> None:
    other = {**LINK, "target": "c", "place": 2}
    assert version(LINK, other) == version(other, LINK)
    assert version(LINK, other) != version(LINK)
