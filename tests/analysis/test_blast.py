"""Promise: before anybody acts it is said who is hit, who stands beside, who follows, what is left, where to stop."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_counterfactual import held_of

from graphsvc.analysis.impact import Impact, estimate_impact
from graphsvc.analysis.impact_sentences import describe_impact as sentences
from graphsvc.campaigns.cluster_evidence import ClusterEvidence
from graphsvc.campaigns.surroundings import ACTED, NEAR, USERS

HOUR = 3_600_000


def acted(
    rows: list[tuple[str, str, float]], status: str = "active", *, business: bool = False
) -> pl.DataFrame:
    """Accounts as (id, cluster, membership)."""
    return pl.DataFrame(
        [
            (name, status, business, cluster, membership, 20 * membership)
            for name, cluster, membership in rows
        ],
        schema=ACTED,
        orient="row",
    )


def done(
    accounts: pl.DataFrame,
    clusters: dict[str, ClusterEvidence],
    near: list[tuple[str, str, str, int, int]] | None = None,
    users: list[tuple[str, str]] | None = None,
    *,
    stages: int = 2,
    most: float = 100.0,
) -> Impact:
    return estimate_impact(
        accounts,
        clusters,
        pl.DataFrame(near or [], schema=NEAR, orient="row"),
        pl.DataFrame(users or [], schema=USERS, orient="row"),
        stages=stages,
        most=most,
    )


def ring() -> ClusterEvidence:
    """Twenty accounts; a card joins the first ten, another the last ten, a third both."""
    uses = {"instrument:l": list(range(10)), "instrument:r": list(range(10, 20)), "instrument:both": [3, 15]}
    return held_of(20, uses)


def test_innocents_are_what_memberships_leave_and_strangers_count_as_one_each() -> None:
    found = done(acted([("a000", "c", 0.9), ("a001", "c", 0.75), ("x", "", 0.0)]), {"c": ring()})
    assert found.innocents == pytest.approx(0.1 + 0.25 + 1.0)
    assert (found.accounts, found.inactive, found.strangers) == (3, 0, 1)
    assert any("1 account of these in no published cluster" in line for line in sentences(found))


def test_members_of_a_likely_business_are_innocents_and_come_last() -> None:
    honest = acted([("a005", "b", 1.0)], business=True)
    both = pl.concat([honest, acted([("a000", "c", 0.5)])])
    found = done(both, {"b": ring(), "c": ring()})
    assert (found.businesses, found.innocents) == (1, 1.5)
    assert found.plan.order == ("a000", "a005")
    assert any("likely businesses" in line for line in sentences(found))


def test_who_is_out_already_is_not_acted_on() -> None:
    both = pl.concat([acted([("a000", "c", 0.9)]), acted([("a001", "c", 0.5)], "banned")])
    found = done(both, {"c": ring()})
    assert (found.accounts, found.inactive) == (2, 1)
    assert found.innocents == pytest.approx(0.1)
    assert found.plan.order == ("a000",)


def test_bystanders_are_counted_once_each_and_those_of_hubs_apart() -> None:
    near = [
        ("ip:1", "ip", "", 5, 2),
        ("ip:2", "ip", "", 4, 1),
        ("ip:hub", "ip", "", 5_000, 2),
        ("ip:nat", "ip", "cgnat", 40, 1),
        ("device:1", "device", "", 3, 1),
    ]
    users = [
        ("ip:1", "a000"), ("ip:1", "a007"), ("ip:1", "x"), ("ip:1", "y"),
        ("ip:2", "x"), ("ip:2", "z"), ("device:1", "x"), ("ip:nat", "w"),
    ]  # fmt: skip
    found = done(acted([("a000", "c", 0.9)]), {"c": ring()}, near, users)
    network = next(each for each in found.bystanders if each.family == "network")
    # a007 is of the cluster and w behind an address of many people by design.
    assert (network.accounts, network.signals, network.hubs, network.widest) == (3, 2, 2, 4_998)
    assert next(each for each in found.bystanders if each.family == "device").accounts == 1
    assert found.bystanders_in_all == 3
    assert any("whom nobody should act on" in line for line in sentences(found))


def test_what_is_left_falls_apart_without_those_acted_on() -> None:
    (left,) = done(acted([("a003", "c", 1.0)]), {"c": ring()}).clusters
    assert (left.before.sizes, left.after.sizes, left.acted) == ((20,), (10, 9), 1)


def test_the_banned_hold_nobody_together_any_more() -> None:
    held = ring()
    status = [("banned" if name == "a003" else "active") for name in held.members["id"]]
    banned = ClusterEvidence(
        held.cluster, held.members.with_columns(status=pl.Series(status)), held.signals, held.account, held.signal,
        held.first_seen, held.last_seen, held.passing, held.population,
    )  # fmt: skip
    (left,) = done(acted([("a000", "c", 1.0)]), {"c": banned}).clusters
    assert (left.before.members, left.before.sizes, left.after.sizes) == (19, (10, 9), (10, 8))


def test_heirs_are_active_members_that_share_what_makes_a_link() -> None:
    (left,) = done(acted([("a000", "c", 1.0)]), {"c": ring()}).clusters
    # The nine who pay with the same card; those of the other half share nothing with it.
    assert left.heirs == 9
    assert {heir.account for heir in left.strongest} <= {f"a00{number}" for number in range(1, 10)}
    assert all(heir.values == 1 and heir.bits > 8 for heir in left.strongest)


def test_replacements_follow_from_the_clusters_own_history() -> None:
    held = ring()
    # One was banned every tenth day, and each time a new account was made an hour later.
    created = [(10 * (number - 9) * 24 + 1) * HOUR if number >= 10 else 0 for number in range(20)]
    changed = [10 * (number + 1) * 24 * HOUR if number < 10 else -1 for number in range(20)]
    status = ["banned" if number < 10 else "active" for number in range(20)]
    members = held.members.with_columns(
        created_at=pl.Series(created), status_changed_at=pl.Series(changed), status=pl.Series(status)
    )
    replacing = ClusterEvidence(
        held.cluster, members, held.signals, held.account, held.signal, held.first_seen, held.last_seen, held.passing,
        held.population,
    )  # fmt: skip
    (left,) = done(acted([("a010", "c", 1.0), ("a011", "c", 1.0)]), {"c": replacing}).clusters
    assert (left.bans, left.delay_hours) == (10, 1.0)
    assert left.rate > 0.8
    assert left.replaced == pytest.approx(2 * left.rate)
    (none,) = done(acted([("a010", "c", 1.0)]), {"c": held}).clusters
    assert (none.bans, none.rate, none.replaced, none.delay_hours) == (0, 0.0, 0.0, None)


def test_the_plan_stops_before_a_stage_of_too_many_innocents() -> None:
    rows = [(f"a{number:03}", "c", 1.0 - number / 25) for number in range(20)]
    found = done(acted(rows), {"c": ring()}, stages=4, most=1.5)
    assert [stage.accounts for stage in found.plan.stages] == [5, 5]
    assert [stage.so_far for stage in found.plan.stages] == [5, 10]
    assert [stage.innocents for stage in found.plan.stages] == pytest.approx([0.4, 1.4])
    assert found.plan.stages[-1].innocents_so_far == pytest.approx(1.8)
    assert [stage.left for stage in found.plan.stages] == [15, 10]
    assert [stage.sizes for stage in found.plan.stages] == [(10, 5), (10,)]
    assert (found.plan.left_out, found.plan.left_out_innocents) == (10, pytest.approx(5.8))
    assert found.plan.order == tuple(f"a{number:03}" for number in range(10))
    assert sentences(found)[-1].startswith("Stop here: 10 accounts more")


def test_nobody_to_act_on_is_said() -> None:
    assert sentences(done(acted([]), {}))[-1] == "There is no account to act on."


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.integers(1, 7),
    st.floats(0, 3),
)
def test_stages_are_the_surest_first_and_never_over_the_bound(
    sure: list[float], stages: int, most: float
) -> None:
    rows = [(f"a{number:03}", "c", membership) for number, membership in enumerate(sure)]
    found = done(acted(rows), {"c": ring()}, stages=stages, most=most)
    plan = found.plan
    assert len(plan.stages) <= stages
    assert all(stage.innocents <= most for stage in plan.stages)
    assert len(plan.order) + plan.left_out == len(sure)
    membership = {name: value for name, _, value in rows}
    ordered = [membership[name] for name in plan.order]
    assert ordered == sorted(ordered, reverse=True)
    so_far = plan.stages[-1].innocents_so_far if plan.stages else 0.0
    assert so_far + plan.left_out_innocents == pytest.approx(found.innocents)
