"""Promise: a world the bench makes without a database is, hash for hash, the graph a run reads after loading it."""

from pathlib import Path

import pytest
from worlds import world

from bench.worlds import graph_of_bundle
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.graph import read_graph

# What an exporter may lack: no networks, no traffic, no prompts; payments without BIN, sessions without system.
PARTS_MISSING = ("accounts", "payments", "sessions", "identifiers")
ACCOUNTS = 700
COLUMNS_MISSING = {
    "payments": ["bin", "issuer_country"],
    "sessions": ["asn"],
    "accounts": ["plan", "country", "status"],
}


def bundle_of(directory: Path, *, whole: bool) -> Path:
    directory.mkdir()
    for name, table in world("demo", ACCOUNTS, 7).items():
        if whole:
            table.write_parquet(directory / f"{name}.parquet")
        elif name in PARTS_MISSING:
            table.drop(COLUMNS_MISSING.get(name, [])).write_csv(directory / f"{name}.csv")
    return directory


@pytest.mark.parametrize("whole", [True, False], ids=["all tables", "parts missing"])
def test_a_world_is_what_loading_and_reading_back_gives(
    database: Store, tokens: Tokeniser, tmp_path: Path, whole: bool
) -> None:
    bundle = bundle_of(tmp_path / "world", whole=whole)
    made = graph_of_bundle(bundle, tokens)
    load_bundle(database, bundle, tokens, tmp_path / "dead")
    read = read_graph(database)
    assert made.accounts.height == ACCOUNTS
    assert (made.activity.height > 0) == whole
    for part in ("accounts", "signals", "activity"):
        assert getattr(made, part).equals(getattr(read, part)), part
    assert made.fingerprint() == read.fingerprint()


def test_a_world_that_lost_an_edge_is_another(tokens: Tokeniser, tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "world", whole=False)
    before = graph_of_bundle(bundle, tokens).fingerprint()
    lines = (bundle / "payments.csv").read_text().splitlines()
    (bundle / "payments.csv").write_text("\n".join(lines[:-1]) + "\n")
    assert graph_of_bundle(bundle, tokens).fingerprint() != before
