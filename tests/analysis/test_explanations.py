"""Promise: every membership, link and score is explained from stored evidence, which adds up, in words that name it;
and what is exported is the same to the byte, whatever the number of threads."""

import json
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import world

from graphsvc.campaigns import sentences
from graphsvc.campaigns.parameters import Parameters
from graphsvc.campaigns.sentences import SHOWN, UNSEEN, Evidence
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.exchange.tables import write_table
from graphsvc.linkage.bits import with_levels
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store
from graphsvc.store.graph import read_graph
from graphsvc.store.published import read_clusters
from graphsvc.store.staging import list_signal_keys

ROOT = Path(__file__).parents[2]
ALL = 100_000

KEYS = st.sampled_from(
    ["", "instrument:k1.ab", "ip:203.0.113.7", "tls_fingerprint:k1.cd", "prefix:203.0.113.0/24"]
)
BITS = st.floats(-40.0, 40.0).map(lambda bits: round(bits, 3))
FAMILIES = st.sampled_from(
    ["payment", "network", "device", "prompt", "email", "tls_fingerprint", "time", "prior"]
)
EVIDENCE = st.lists(
    st.builds(Evidence, FAMILIES, BITS, KEYS, st.none() | st.integers(0, 30_000)),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row.family,
)


def figures(sentence: str) -> list[float]:
    """The signed numbers of a sentence."""
    return [float(found.replace("−", "-")) for found in re.findall(r"(?<![\w.])[+−]\d+\.\d", sentence)]


@given(st.floats(0.0, 1.0), EVIDENCE)
def test_the_figures_of_a_membership_add_up(probability: float, evidence: list[Evidence]) -> None:
    said = sentences.membership(probability, evidence)
    assert sum(figures(said)) == pytest.approx(sum(row.bits for row in evidence), abs=0.06 * len(evidence))
    assert said.count(" %") == 1
    assert not said.startswith(("Belongs with 100.0 %", "Belongs with 0.0 %"))


@given(EVIDENCE)
def test_what_adds_most_is_named_with_its_signal(evidence: list[Evidence]) -> None:
    weighty = [row for row in evidence if row.bits >= UNSEEN and row.family != "prior"]
    favour = sorted(weighty, key=lambda row: -row.bits)
    for said in (sentences.membership(0.9, evidence), sentences.link(1.0, evidence)):
        places = [said.index(row.signal) for row in favour[:SHOWN] if row.signal]
        assert all(place > 0 for place in places)
    assert all(
        row.signal not in sentences.family_of_member(row) for row in evidence if row.signal and row.bits < 0.0
    )


@given(EVIDENCE, st.randoms(use_true_random=False))
def test_the_order_in_which_evidence_is_kept_changes_nothing(evidence: list[Evidence], random: Any) -> None:
    def said(rows: list[Evidence]) -> str:
        columns = ([getattr(row, name) for row in rows] for name in ("family", "bits", "signal", "sharers"))
        return sentences.membership(0.9, sentences.unpacked(*columns))

    shuffled = list(evidence)
    random.shuffle(shuffled)
    assert said(shuffled) == said(evidence)


@given(
    st.lists(
        st.tuples(st.sampled_from(["prior", "shared", "bans", "some_thing"]), BITS), unique_by=lambda p: p[0]
    )
)
def test_the_parts_of_a_score_add_up(parts: list[tuple[str, float]]) -> None:
    said = sentences.score(0.5, parts)
    if not parts:
        assert said == "Score 0.50; the run that found it kept no parts of it."
        return
    *terms, total = figures(said)
    assert len(terms) == len(parts)
    assert total == pytest.approx(sum(bits for _, bits in parts), abs=0.051)
    assert sum(terms) == pytest.approx(total, abs=0.06 * (len(parts) + 1))


def test_evidence_that_is_not_there_is_said_not_to_be() -> None:
    assert sentences.unpacked(None, None, None) == []
    assert sentences.unpacked(["payment"], None, None) == []
    assert (
        sentences.link(3.0, []) == "Linked with +3.0 bits; the run that found it kept no evidence by family."
    )


def test_signals_of_many_members_are_named_without_a_copy_of_all_keys_for_each() -> None:
    numbers = [[(row * 7 + i) % 300_001 - 1 for i in range(row % 4)] for row in range(20_000)]
    keys = pl.Series("key", [f"ip:{number}" for number in range(300_000)])
    named = list_signal_keys(pl.Series("signals", numbers, dtype=pl.List(pl.Int32)), keys)
    assert named.to_list() == [[f"ip:{i}" if i >= 0 else "" for i in row] for row in numbers]


@dataclass(frozen=True)
class Published:
    """A world of 900 accounts on which a run was published, and the export of its clusters as JSON."""

    store: Store
    bundle: Path
    clusters: str


@pytest.fixture(scope="module")
def published(
    open_database: Store, installation: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    directory = tmp_path_factory.mktemp("explanations")
    open_database.run_autocommit("bench/wipe")
    bundle = directory / "world"
    for table, frame in world("demo", 900, 7).items():
        bundle.mkdir(exist_ok=True)
        frame.write_parquet(bundle / f"{table}.parquet")
    load_bundle(open_database, bundle, load_or_create_key(installation), installation.dead_letters_dir)
    detect(open_database, InProcessDetector(), Parameters())
    write_table(read_clusters(open_database), directory / "clusters.json")
    return Published(open_database, bundle, (directory / "clusters.json").read_text(encoding="utf-8"))


EXPORT = """
import pathlib, sys
from graphsvc.cli.commands import app
app(["detect"], standalone_mode=False)
for out in map(pathlib.Path, sys.argv[1:]):
    app(["export", out.stem, "--out", str(out)], standalone_mode=False)
"""
"""The command `detect`, then `export` for each file that is named, in one process."""


@pytest.mark.slow
def test_exports_are_the_same_bytes_whatever_the_number_of_threads(
    published: Published, installation: Settings, tmp_path: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHSVC_NEO4J")}

    def run(threads: int) -> dict[str, bytes]:
        names = ("members.parquet", "members.csv", "clusters.parquet", "clusters.csv", "clusters.json")
        more = {"GRAPHSVC_DATA_DIR": str(installation.data_dir), "POLARS_MAX_THREADS": str(threads)}
        command = [sys.executable, "-c", EXPORT, *(str(tmp_path / name) for name in names)]
        done = subprocess.run(
            command, env={**environment, **more}, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return {name: (tmp_path / name).read_bytes() for name in names}

    one, two = run(1), run(2)
    assert len(one["members.csv"].splitlines()) > 150
    assert [name for name in one if one[name] != two[name]] == []


def related(store: Store, statement: str, **parameters: object) -> list[dict[str, Any]]:
    ids = read_clusters(store)["cluster_id"].to_list()
    rows = store.read(statement, ids=ids, limit=ALL, **parameters)
    assert len(rows) > 150
    return rows


ALL_MEMBERS = {
    "after_membership": 2.0, "after_id": "", "statuses": None, "least": None, "most": None, "since": None,
}  # fmt: skip


def users(store: Store) -> dict[str, set[str]]:
    """Accounts by key of a signal or of what signals are part of."""
    graph = with_levels(read_graph(store))
    keys = graph.signals["key"].gather(graph.signal).to_list()
    found: dict[str, set[str]] = {key: set() for key in keys}
    for key, account in zip(keys, graph.accounts["id"].gather(graph.account).to_list(), strict=True):
        found[key].add(account)
    return found


def test_every_membership_rests_on_what_the_account_shares(published: Published) -> None:
    rows = related(published.store, "query/cluster_members", **ALL_MEMBERS)
    have = users(published.store)
    members: dict[str, set[str]] = {}
    for row in rows:
        members.setdefault(row["owner"], set()).add(row["account"]["id"])
    for row in rows:
        account, others = row["account"]["id"], members[row["owner"]]
        evidence = sentences.unpacked(row["families"], row["family_bits"], row["signals"], row["sharers"])
        assert sum(part.bits for part in evidence) == pytest.approx(row["bits"], abs=1e-6)
        named = [part for part in evidence if part.signal and part.bits > 0.0]
        assert named, account
        for part in named:
            assert account in have[part.signal]
            assert part.sharers == len(have[part.signal] & others) - 1 > 0
        said = sentences.membership(row["membership"], evidence)
        assert named[0].signal in said


def test_every_link_rests_on_what_both_accounts_have(published: Published) -> None:
    have = users(published.store)
    for row in related(published.store, "query/cluster_links"):
        evidence = sentences.unpacked(row["families"], row["family_bits"], row["signals"])
        assert sum(part.bits for part in evidence) == pytest.approx(row["bits"], abs=1e-6)
        named = [part.signal for part in evidence if part.signal and part.bits > 0.0]
        assert named
        assert all({row["source"]["id"], row["target"]["id"]} <= have[key] for key in named)


def test_every_score_is_the_sum_of_its_parts(published: Published) -> None:
    for row in json.loads(published.clusters):
        assert row["score_parts"][0]["name"] == "prior"
        assert all(part["says"] for part in row["score_parts"])
        total = math.fsum(part["bits"] for part in row["score_parts"])
        assert row["cluster_score"] == pytest.approx(1.0 / (1.0 + 2.0**-total), abs=1e-9)
        assert row["explanation"].startswith(f"Score {row['cluster_score']:.2f}: prior −")


def test_no_explanation_holds_what_is_personal(published: Published) -> None:
    members = related(published.store, "query/cluster_members", **ALL_MEMBERS)
    columns = ("families", "family_bits", "signals", "sharers")
    why = [sentences.membership(1.0, sentences.unpacked(*(row[name] for name in columns))) for row in members]
    text = "\n".join([*why, published.clusters])
    personal = {
        "accounts": ["email", "phone", "display_name"],
        "payments": ["instrument"],
        "sessions": ["device"],
    }
    for table, names in personal.items():
        frame = pl.read_parquet(published.bundle / f"{table}.parquet")
        for name in names:
            values = frame[name].drop_nulls().unique().to_list()
            assert values
            assert not [value for value in values if len(value) > 6 and value in text]


def test_the_cypher_of_the_graph_models_page_explains_a_member(published: Published) -> None:
    page = (ROOT / "docs" / "graph-model.md").read_text(encoding="utf-8")
    statement, history = re.findall(r"```cypher\n(.*?)```", page, re.DOTALL)
    member = related(published.store, "query/cluster_members", **ALL_MEMBERS)[0]
    rows = published.store.driver.execute_query(
        statement, {"account": member["account"]["id"]}, database_=published.store.address.database
    ).records
    assert [row["c.id"] for row in rows] == [member["owner"]] * len(member["families"])
    assert sum(row["bits"] for row in rows) == pytest.approx(member["bits"], abs=1e-6)
    told = published.store.driver.execute_query(
        history, {"cluster": member["owner"]}, database_=published.store.address.database
    ).records
    assert {row["before.id"] for row in told} == {member["owner"]}
