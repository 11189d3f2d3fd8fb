"""Promise: a score weighs an account as the run does, to the last bit: by the same code, against the same population.

Same population: clusters as the run learned them, and its counts of accounts, values and sign-ups. An account that the
run has read is among these counts and is left out of them. One that it has not read is in none of them.
"""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import graph_of
from worlds import world

from bench.worlds import graph_of_bundle
from graphsvc.campaigns.backbone import find_backbone
from graphsvc.campaigns.membership import Evidence, Weighed, find_homes, weigh
from graphsvc.campaigns.parameters import Parameters
from graphsvc.campaigns.weighing import evidence_of
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import find
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.signals import Incidence
from graphsvc.measure import Clock
from graphsvc.model.clusters import CLUSTERS, LINKS, MEMBERS, SHARED, Found
from graphsvc.model.graph import SignalGraph
from graphsvc.scoring.files import IndexFiles
from graphsvc.scoring.index import ScoreIndex, build_index, digest_keys, find_digests
from graphsvc.scoring.weigh import Standing, Values, weigh_accounts
from graphsvc.signals.tokens import Tokeniser
from graphsvc.types import ignore_progress

KINDS = ("instrument", "ip", "device", "user_agent")
DAY = 86_400_000


def same(one: Weighed, two: Weighed) -> bool:
    return all(np.array_equal(getattr(one, each.name), getattr(two, each.name)) for each in fields(Weighed))


def stand_as_read(incidence: Incidence, given_: Evidence, grown: pl.DataFrame) -> tuple[Standing, Values]:
    """All accounts of a run as it has read them."""
    graph = incidence.graph
    backbone = find_backbone(given_, grown)
    belongs, home = (find_homes(each, graph.accounts.height) for each in (grown, backbone))
    digests = digest_keys(graph.signals["key"])
    return (
        Standing(given_.has, graph.accounts["created_at"].to_numpy(), True, belongs, home),
        Values(graph.account, digests[graph.signal], incidence.transient),
    )


@cache
def found_world(name: str, accounts: int) -> tuple[Incidence, Found, bool]:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as directory:
        for table, frame in world(name, accounts, 7).items():
            frame.write_parquet(Path(directory) / f"{table}.parquet")
        graph = graph_of_bundle(Path(directory), Tokeniser(b"a key for tests, 32 bytes long..", "test"))
    found, _, incidence = find(graph, InProcessDetector(), Parameters(), Clock(), ignore_progress)
    return incidence, found, True


@pytest.mark.parametrize("name", ["demo", "hard"])
def test_every_account_that_a_run_weighed_has_the_same_bits(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    incidence, found, signups = found_world(name, 3_000)
    given_ = evidence_of(incidence, signups=signups)
    files = IndexFiles(tmp_path_factory.mktemp("index"))
    files.keep(build_index("r1", incidence, found, signups=signups))
    files.switch("r1")
    weighed = weigh(given_, found.grown, find_backbone(given_, found.grown))
    # As mapped from its files, so that no digit is lost on the way.
    scored = weigh_accounts(files.load(), *stand_as_read(incidence, given_, found.grown))
    assert same(weighed, scored)
    strangers = ~weighed.member
    assert strangers.sum() > 50
    assert weighed.member.sum() > 200


@pytest.mark.parametrize("name", ["demo", "hard"])
def test_published_memberships_are_scores(name: str) -> None:
    incidence, found, signups = found_world(name, 3_000)
    given_ = evidence_of(incidence, signups=signups)
    index = build_index("r1", incidence, found, signups=signups)
    scored = weigh_accounts(index, *stand_as_read(incidence, given_, found.grown))
    # A member is published with its best candidacy, whatever part of a cluster it then is in.
    best = pl.DataFrame(
        {"account": scored.account, "membership": scored.membership, "bits": scored.bits}
    ).sort("account", "bits", descending=[False, True])
    best = best.unique("account", keep="first", maintain_order=True)
    published = found.members.select("account", "membership", "bits").join(
        best, on="account", suffix="_scored"
    )
    assert published.height == found.members.height > 100
    assert published["membership"].to_list() == published["membership_scored"].to_list()
    # Evidence of a member is kept by family and added again, in double precision.
    assert published["bits"].to_list() == pytest.approx(published["bits_scored"].to_list(), abs=1e-9)


@st.composite
def populations(draw: st.DrawFn) -> tuple[SignalGraph, pl.DataFrame]:
    """Small graphs, and clusters in them; the last account is in none."""
    accounts = draw(st.integers(8, 40))
    signals = [(KINDS[i % 4], f"p{i % 3}" if i % 4 == 1 else "", "") for i in range(draw(st.integers(4, 16)))]
    edge = st.tuples(st.integers(0, accounts - 1), st.integers(0, len(signals) - 1))
    edges = draw(st.sets(edge, min_size=10, max_size=120))
    edges |= {(accounts - 1, draw(st.integers(0, len(signals) - 1)))}
    seen = {each: (0, draw(st.sampled_from([0, DAY]))) for each in sorted(edges)}
    created_at = draw(st.lists(st.integers(-1, 3 * DAY), min_size=accounts, max_size=accounts))
    numbers = draw(st.lists(st.sampled_from([-1, 3, 8]), min_size=accounts - 1, max_size=accounts - 1))
    grown = pl.DataFrame(
        [(number, account) for account, number in enumerate(numbers) if number >= 0],
        schema={"cluster": pl.Int32, "account": pl.Int32},
        orient="row",
    ).sort("cluster", "account")
    return with_levels(graph_of(accounts, signals, edges, seen=seen, created_at=created_at)), grown


def index_of(graph: SignalGraph, grown: pl.DataFrame) -> ScoreIndex:
    frames = [pl.DataFrame(schema=schema) for schema in (CLUSTERS, MEMBERS, SHARED, LINKS)]
    return build_index(
        "r1",
        Incidence.of(graph),
        Found(*frames, graph.signals["key"], {"membership": 0.5}, grown),
        signups=True,
    )


@given(populations())
def test_any_population_is_weighed_alike(drawn: tuple[SignalGraph, pl.DataFrame]) -> None:
    graph, grown = drawn
    if grown.is_empty():
        return
    incidence = Incidence.of(graph)
    given_ = evidence_of(incidence, signups=True)
    weighed = weigh(given_, grown, find_backbone(given_, grown))
    scored = weigh_accounts(index_of(graph, grown), *stand_as_read(incidence, given_, grown))
    assert same(weighed, scored)


def leave_out(index: ScoreIndex, keys: pl.Series, created_at: int) -> ScoreIndex:
    """The index as if its run had not read an account: without it in the counts of values and of sign-ups.

    Args:
        index: of a run that has read it.
        keys: of the signals that it uses lastingly.
        created_at: its sign-up, ms.
    """
    place = find_digests(index.digests, digest_keys(keys))
    own = np.bincount(place[place >= 0], minlength=len(index.digests))
    degree = index.pool["degree"] - np.repeat(own, np.diff(index.first))
    moments = np.delete(index.moments, np.searchsorted(index.moments, created_at))
    return replace(index, pool={**index.pool, "degree": degree}, moments=moments)


@pytest.mark.parametrize("name", ["demo", "hard"])
def test_to_be_left_out_is_to_have_never_been_there(name: str) -> None:
    """The run's own leave-one-out of an account that it has read, and a score of one that it has not, are equal."""
    incidence, found, signups = found_world(name, 3_000)
    full = incidence.graph
    given_ = evidence_of(incidence, signups=signups)
    index = build_index("r1", incidence, found, signups=signups)
    weighed = weigh(given_, found.grown, find_backbone(given_, found.grown))
    outside = np.unique(weighed.account[~weighed.member])
    outside = outside[find_homes(found.grown, full.accounts.height)[outside] < 0]
    timed, different = 0, 0
    for account in outside[:: max(len(outside) // 60, 1)].tolist():
        mine = np.flatnonzero(full.account == account)
        keys, transient = full.signals["key"].gather(full.signal[mine]), incidence.transient[mine]
        values = Values(np.zeros(len(mine), dtype=np.int32), digest_keys(keys), transient)
        at = full.accounts["created_at"].to_numpy()[account : account + 1]
        read = Standing(given_.has[account : account + 1], at, counted=True)
        as_read = weigh_accounts(index, read, values)
        # As the run itself has weighed it, which saw all accounts at once.
        rows = weighed.rows(weighed.account == account)
        assert np.array_equal(rows.families, as_read.families)
        assert np.array_equal(rows.membership, as_read.membership)
        without = leave_out(index, keys.filter(pl.Series(~transient)), int(at[0]))
        unread = replace(read, counted=False)
        assert same(as_read, weigh_accounts(without, unread, values))
        assert len(as_read.account)
        timed += int(as_read.time.any())
        different += not same(as_read, weigh_accounts(index, unread, values))
    # The moment was weighed, and to count an account twice would have been seen.
    assert timed > 10
    assert different > 5


def test_what_is_not_known_of_a_moment_says_nothing() -> None:
    incidence, found, _ = found_world("demo", 3_000)
    full = incidence.graph
    given_ = evidence_of(incidence, signups=True)
    index = build_index("r1", incidence, found, signups=True)
    standing, values = stand_as_read(incidence, given_, found.grown)
    later = Standing(standing.has, np.full(full.accounts.height, index.moments[-1] + 1, dtype=np.int64))
    scored = weigh_accounts(index, later, values)
    assert len(scored.time) > 100
    assert not scored.time.any()
    inside = weigh_accounts(index, replace(later, created_at=standing.created_at), values)
    assert inside.time.any()
