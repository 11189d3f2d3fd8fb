"""Promise: what a cluster is said to be like is what its members are: counted by accounts, whatever else they have."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import evidence, graph_of, members_of

from graphsvc.campaigns.membership import pools
from graphsvc.campaigns.traits import holders, measure_ownership, measure_usual, traits
from graphsvc.linkage.signals import Incidence
from graphsvc.model.scale import coarse


def of(kind: str, *users: int, group: str = "") -> tuple[tuple[str, str, str], tuple[int, ...]]:
    """A signal and who has it."""
    return (kind, "", group), users


def row_of(
    *signals: tuple[tuple[str, str, str], tuple[int, ...]], cluster: int = 0, **columns: list[object]
) -> dict[str, object]:
    """Traits of cluster 0, accounts 0–3, or 1, accounts 4 and 5, among ten."""
    edges = {(account, number) for number, (_, users) in enumerate(signals) for account in users}
    graph = graph_of(10, [signal for signal, _ in signals], edges, **columns)
    return traits(members_of(range(4), (4, 5)), graph, Incidence.of(graph).signals).row(cluster, named=True)


def test_size_sign_ups_and_bans() -> None:
    status = ["banned", "active", "suspended", "active", *["active"] * 4, "banned", "deleted"]
    row = row_of(status=status, created_at=list(range(50, 60)))
    assert (row["size"], row["first_seen"], row["last_seen"], row["stopped"]) == (4, 50, 53, 2)


def test_a_cluster_without_anything_has_no_traits() -> None:
    row = row_of(cluster=1)
    names = ("declared", "own_domain", "institutional", "anonymous", "stopped")
    assert [row[name] for name in names] == [0] * 5


def test_declared_is_the_share_that_names_an_organization() -> None:
    row = row_of(of("organization", 0, 1, 9), of("organization", 2), of("device", 3))
    assert row["declared"] == 0.75


def test_who_names_two_organizations_is_one_account() -> None:
    row = row_of(of("organization", 0, 1), of("organization", 0, 1), of("organization", 0))
    assert row["declared"] == 0.5


def test_a_domain_of_ones_own_is_one_of_three_accounts_at_most() -> None:
    row = row_of(
        of("email_domain", 0, 5),
        of("email_domain", 1, 6, 7),
        of("email_domain", 2, 6, 7, 8),
        of("email_handle", 3),
    )
    assert row["own_domain"] == 0.5


def test_networks_are_shares_of_the_addresses_used() -> None:
    signals = [
        of("ip", 0, 1, group="education"), of("ip", 2, group="corporate"), of("ip", 0, group="vpn"),
        of("ip", 1, group="hosting"), of("ip", 2, group="proxy"), of("ip", 3, 4, group="residential"),
        of("ip", 3, 5, group="mobile"), of("ip", 3),
    ]  # fmt: skip
    row = row_of(*signals)
    # Eight uses of addresses whose network is known.
    assert row["institutional"] == pytest.approx(3 / 8)
    assert row["anonymous"] == pytest.approx(3 / 8)


def test_how_widely_a_family_is_held_by_hand() -> None:
    # Eight members: six with one of two cards, four with an address, two with its prefix only.
    rows = [(account, account % 2, 0) for account in range(6)]
    rows += [(account, 2, 1) for account in range(4)] + [(account, 3, 1) for account in range(6)]
    given_ = evidence(rows, 1_000, levels={3: 1})
    members = members_of(range(8))
    held = holders(given_, members, pools(given_, members))
    assert held.rows() == [(0, 0, 2, 0.75), (0, 1, 1, 0.5)]


def test_what_is_pooled_and_whose_it_is_by_hand() -> None:
    # Accounts 0–3 share value 0, 0 and 1 value 1, which three outsiders use too. Beside them 2 has two values of its
    # own and 3 nothing. Prefix 4, which all four are in, is no value.
    uses = {0: [1], 1: [1], 2: [2, 3], 3: []}
    rows = [(account, value, 0) for account, own in uses.items() for value in (0, *own, 4)]
    rows += [(100 + outsider, 1, 0) for outsider in range(3)]
    graph = graph_of(1_000, [("ip",)] * 4 + [("prefix",)], {(account, value) for account, value, _ in rows})
    members = members_of(range(4))
    pool = pools(evidence(rows, 1_000, levels={4: 1}), members)
    assert pool["signal"].to_list() == [0, 1, 4]
    found = measure_ownership(graph, members, pool)
    assert found.select("cluster", "family").rows() == [(0, 0)]
    assert found["pooled"].item() == pytest.approx((1 + 1 + 1 / 3 + 1) / 4)
    # Of value 0 all other users are members, of value 1 one in four; a random group of four has 3 of 1,023 others.
    of = (5 / 8 + 5 / 8 + 1 / 3 + 1) / (1 + 1 + 1 / 3 + 1)
    chance = 3 / (coarse(1_000) - 1)
    assert found["own"].item() == pytest.approx((of - chance) / (1 - chance))


def test_families_are_measured_one_by_one() -> None:
    rows = [(account, 0, 0) for account in range(3)] + [(account, 1, 1) for account in range(3)]
    rows += [(account, 1, 1) for account in range(50, 54)]
    graph = graph_of(100, [("ip",), ("referral_code",)], {row[:2] for row in rows})
    members = members_of(range(3))
    found = measure_ownership(graph, members, pools(evidence(rows, 100), members))
    assert found["pooled"].to_list() == [0.5, 0.5]
    chance = 2 / (coarse(100) - 1)
    assert found["own"].to_list() == pytest.approx([1.0, (2 / 6 - chance) / (1 - chance)])


@given(
    st.sets(st.tuples(st.integers(0, 39), st.integers(0, 11)), max_size=150),
    st.sets(st.integers(0, 39), min_size=2, max_size=10),
)
def test_an_outsider_makes_what_is_pooled_less_a_cluster_s_own(
    edges: set[tuple[int, int]], core: set[int]
) -> None:
    members = members_of(core)

    def measured(used: set[tuple[int, int]]) -> dict[str, float]:
        graph = graph_of(1_000, [("ip",)] * 12, used)
        rows = [(account, signal, 0) for account, signal in used]
        pool = pools(evidence([*rows, (0, 11, 0)], 1_000), members)
        found = measure_ownership(graph, members, pool)
        return {name: found[name].sum() for name in ("pooled", "own")}

    alone = measured({edge for edge in edges if edge[0] in core})
    among = measured(edges)
    assert 0.0 <= among["pooled"] <= alone["pooled"] <= 1.0 + 1e-9
    assert among["own"] <= alone["own"] + 1e-9 <= 1.0 + 2e-9


@given(
    st.sets(st.tuples(st.integers(0, 29), st.integers(0, 11)), max_size=150),
    st.sets(st.integers(0, 29), min_size=2, max_size=15),
)
def test_shares_are_shares(edges: set[tuple[int, int]], core: set[int]) -> None:
    kinds = ["organization", "email_domain", "ip", "ip", "ip", "instrument"]
    groups = ["", "", "education", "vpn", "residential", ""]
    graph = graph_of(30, [(kinds[i % 6], "", groups[i % 6]) for i in range(12)], edges)
    members = members_of(core, set(range(30)) - core)
    found = traits(members, graph, Incidence.of(graph).signals)
    assert found["cluster"].to_list() == sorted(set(members["cluster"].to_list()))
    shares = found.select("declared", "own_domain", "institutional", "anonymous")
    assert shares.select(pl.all_horizontal(pl.all().is_between(0.0, 1.0))).to_series().all()
    assert (found["institutional"] + found["anonymous"] <= 1.0 + 1e-9).all()


def test_what_is_usual_is_told_of_all_accounts_and_of_all_uses_of_known_networks() -> None:
    signals = [
        ("organization", "", ""),
        ("email_domain", "", ""),
        ("email_domain", "", ""),
        ("ip", "", "vpn"),
    ]
    edges = {(0, 0), (1, 0), (0, 1), *((account, 2) for account in range(4)), (0, 3), (1, 4), (2, 4), (3, 5)}
    status = ["banned", "suspended", "active", *["active"] * 7]
    graph = graph_of(10, [*signals, ("ip", "", "education"), ("ip", "", "")], edges, status=status)
    assert measure_usual(graph, Incidence.of(graph).signals) == {
        "stopped": 0.2,
        "declared": 0.2,
        "own_domain": 0.1,
        "institutional": pytest.approx(2 / 3),
        "anonymous": pytest.approx(1 / 3),
    }
