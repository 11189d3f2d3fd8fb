"""Promise: an account that a run has not read is told whom it may follow as the run tells its own: by the same code,
against the same population, to the last bit."""

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from banned import DAY, accounts_of, crowd, graph_of, planted
from test_succession_worlds import small_world

from graphsvc.campaigns.replacement import HOUR
from graphsvc.linkage.bits import with_levels
from graphsvc.model.graph import SignalGraph
from graphsvc.succession.candidates import Lives, build_estate, build_lives
from graphsvc.succession.fitting import FittedPairs, fit_pairs
from graphsvc.succession.handover import build_handover
from graphsvc.succession.predecessors import (
    NewAccounts,
    Predecessor,
    Predecessors,
    find_predecessors,
    keep_predecessors,
)
from graphsvc.succession.successions import BEST, LEAST_PROBABILITY, find_successions
from graphsvc.types import ignore_progress

NO_CLUSTER = pl.DataFrame(schema={"cluster": pl.Int32, "account": pl.Int32})
Drawn = tuple[SignalGraph, pl.DataFrame]


def fit(graph: SignalGraph, members: pl.DataFrame) -> tuple[Lives, FittedPairs]:
    """As `find_successions` fits them."""
    lives = build_lives(graph, members.sort("cluster", "account"))
    handover = build_handover(graph.activity, lives)
    return lives, fit_pairs(lives, build_estate(graph, lives), handover, 42, ignore_progress)


def ask(kept: Predecessors, graph: SignalGraph, lives: Lives, account: int) -> list[Predecessor]:
    """Whom an account of a graph may follow, as if it came later."""
    mine = graph.signal[graph.account == account]
    row = np.flatnonzero(kept.signals["signal"].is_in(mine.tolist()).to_numpy()).astype(np.int32)
    at, home = (each[account : account + 1] for each in (lives.created, lives.home))
    new = NewAccounts(at, home, np.zeros(len(row), dtype=np.int32), row)
    return find_predecessors(kept, new, best=BEST, least=LEAST_PROBABILITY)


def leave_out(kept: Predecessors, fitted: FittedPairs, account: int, ids: pl.Series) -> Predecessors:
    """The same without what an account itself claims."""
    pairs = fitted.real.pairs
    own = np.flatnonzero(pairs["successor"].to_numpy() == account)
    place = {name: number for number, name in enumerate(kept.accounts["id"])}
    claimed = kept.claimed.copy()
    for row in own.tolist():
        claimed[place[ids[int(pairs["predecessor"][row])]]] -= fitted.rivalry.claims[row]
    return replace(kept, accounts=kept.accounts.with_columns(claimed=pl.Series(claimed)))


def world() -> Drawn:
    graph, members, _ = small_world()
    return with_levels(replace(graph, activity=graph.activity.clear())), members


def ring() -> Drawn:
    graph, members, _ = planted(3, 0.6)
    return graph, members


@pytest.mark.parametrize("draw", [ring, world])
def test_accounts_of_a_run_are_told_what_the_run_tells(draw: object) -> None:
    graph, members = draw()  # type: ignore[operator]
    lives, fitted = fit(graph, members)
    kept = keep_predecessors(graph, lives, fitted, since=0, joining=0)
    pairs = find_successions(graph, members).pairs
    ids, compared = graph.accounts["id"], 0
    rng = np.random.default_rng(1)
    asked = pairs["successor"].unique().sort().to_numpy()
    strangers = np.setdiff1d(rng.integers(0, graph.accounts.height, 30), asked)
    for account in [*rng.permutation(asked)[:80].tolist(), *strangers.tolist()]:
        found = ask(leave_out(kept, fitted, account, ids), graph, lives, account)
        rows = pairs.filter(pl.col("successor") == account).sort("rank")
        assert [each.account for each in found] == ids.gather(rows["predecessor"]).to_list()
        assert [each.probability for each in found] == rows["probability"].to_list()
        assert [each.delay_hours for each in found] == rows["delay_hours"].to_list()
        assert [list(each.parts) for each in found] == rows["parts"].to_list()
        assert [list(each.parts.values()) for each in found] == rows["part_bits"].to_list()
        assert [each.description for each in found] == rows["says"].to_list()
        compared += len(found)
    assert compared > 100


def take_out(graph: SignalGraph, account: int) -> SignalGraph:
    there = graph.account != account
    moved = graph.account[there] - (graph.account[there] > account)
    accounts = graph.accounts.filter(pl.int_range(pl.len()) != account)
    arrays = (getattr(graph, name)[there] for name in ("signal", "first_seen", "last_seen"))
    return SignalGraph(accounts, graph.signals, moved.astype(np.int32), *arrays, graph.activity)


def test_to_be_left_out_is_to_have_never_been_there() -> None:
    graph, members = ring()
    lives, fitted = fit(graph, members)
    read = keep_predecessors(graph, lives, fitted, since=0, joining=0)
    pairs = fitted.real.pairs
    compared, different = 0, 0
    for account in pairs.filter(pl.Series(fitted.matched.probability) > 0.2)["successor"].unique()[:40]:
        without = take_out(graph, account)
        others = members.filter(pl.col("account") != account)
        others = others.with_columns(pl.col("account") - (pl.col("account") > account).cast(pl.Int32))
        rows = (pairs["successor"] != account).arg_true()
        left = pairs[rows].with_columns(
            pl.col("predecessor") - (pl.col("predecessor") > account).cast(pl.Int32)
        )
        claims = replace(fitted.rivalry, claims=fitted.rivalry.claims[rows.to_numpy()])
        others_fitted = replace(fitted, real=replace(fitted.real, pairs=left), rivalry=claims)
        unread = keep_predecessors(without, build_lives(without, others), others_fitted, since=0)
        as_read = ask(leave_out(read, fitted, account, graph.accounts["id"]), graph, lives, account)
        scored = ask(unread, graph, lives, account)
        assert [replace(each, probability=0, parts={}, description="") for each in as_read] == [
            replace(each, probability=0, parts={}, description="") for each in scored
        ]
        for one, two in zip(as_read, scored, strict=True):
            # The sum of the others' claims is made in another order.
            assert one.probability == pytest.approx(two.probability, rel=1e-12)
            assert one.parts == pytest.approx(two.parts, rel=1e-12)
        compared += len(scored)
        different += ask(read, graph, lives, account) != as_read
    assert compared > 30
    # To count the claims of the account against itself would have been seen.
    assert different > 10


def test_only_what_later_accounts_may_follow_is_kept() -> None:
    graph, members = ring()
    lives, fitted = fit(graph, members)
    everything, kept = (keep_predecessors(graph, lives, fitted, since=since) for since in (0, None))
    ended = kept.accounts["ended"]
    assert ((ended == -1) | (ended >= kept.until - 72 * HOUR)).all()
    assert (everything.accounts["ended"] >= 0).sum() == 60 > (ended >= 0).sum()
    # Members that were not stopped may be, after the run.
    assert (ended == -1).sum() == members.height - 60
    later = replace(lives, created=np.full(len(lives.created), kept.until + 1))
    for account in range(40):
        assert ask(kept, graph, later, account) == ask(everything, graph, later, account)


def last_banned() -> tuple[SignalGraph, Predecessors]:
    """A crowd in which account 0, alone with its card, is banned an hour before the last sign-up."""
    created = crowd()
    banned = {0: created[-1] - HOUR, **{each: created[each] + DAY for each in range(1, 400)}}
    uses = [(0, 999), *((account, account % 499) for account in range(1, 1000))]
    graph = graph_of(accounts_of(created, banned), uses, ["instrument"] * 1000)
    lives, fitted = fit(graph, NO_CLUSTER)
    return graph, keep_predecessors(graph, lives, fitted)


def come(kept: Predecessors, hours: float, *row: int) -> list[Predecessor]:
    """Whom an account follows that signs up some hours after the ban of account 0, with its card or none."""
    at = np.array([kept.until - HOUR + int(hours * HOUR)], dtype=np.int64)
    rows = np.array(row, dtype=np.int32)
    new = NewAccounts(at, np.array([-1], dtype=np.int32), np.zeros(len(rows), dtype=np.int32), rows)
    return find_predecessors(kept, new, best=3, least=0.0)


def test_a_later_account_follows_within_72_hours_of_the_ban() -> None:
    _, kept = last_banned()
    row = int(kept.signals["key"].to_list().index("s000999"))
    (found,) = come(kept, 5, row)
    assert (found.account, found.home, found.delay_hours) == ("a000000", -1, pytest.approx(5))
    assert found.parts["payment"] > 8
    assert "5 hours after the other was stopped" in found.description
    assert come(kept, 72, row)
    assert not come(kept, 72.1, row)
    assert not come(kept, 0, row)
    assert not come(kept, 5)
    # As many sign-ups are presumed after the run's last one as came before it: a crowd of 5 a day.
    assert found.parts["moment"] == pytest.approx(np.log2(2 * 999 / (2 * 16 + 1)))


def test_bans_since_the_run_count_and_reinstated_accounts_do_not() -> None:
    graph, members = ring()
    lives, fitted = fit(graph, members)
    kept = keep_predecessors(graph, lives, fitted)
    account = int(np.flatnonzero((lives.home >= 0) & (lives.ended < 0))[0])
    banned = kept.until + HOUR
    later = replace(
        lives,
        created=np.full(len(lives.created), banned + HOUR),
        home=np.full(len(lives.home), -1, dtype=np.int32),
    )
    name = graph.accounts["id"][account]
    assert name not in {each.account for each in ask(kept, graph, later, account)}
    now = kept.update_ends({name: banned, "unknown": banned})
    # It comes back with all that it had.
    found = {each.account: each for each in ask(now, graph, later, account)}
    assert found[name].delay_hours == pytest.approx(1)
    assert found[name].home == 0
    again = now.update_ends({name: -1})
    assert ask(again, graph, later, account) == ask(kept, graph, later, account)


def test_a_graph_without_bans_keeps_nothing() -> None:
    graph, members = ring()
    active = graph.accounts.with_columns(status=pl.lit("active"))
    peaceful = SignalGraph(
        active, *(getattr(graph, each.name) for each in fields(SignalGraph) if each.name != "accounts")
    )
    assert find_successions(peaceful, members, keep=True).kept is None
    assert find_successions(graph, members).kept is None
