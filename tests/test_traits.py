"""Promise: what a cluster is said to be like is what its members are: counted by accounts, whatever else they have."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import evidence, graph_of, members_of

from graphsvc.campaigns.membership import pools
from graphsvc.campaigns.traits import concentration, holders, traits


def of(kind: str, *users: int, group: str = "") -> tuple[tuple[str, str, str], tuple[int, ...]]:
    """A signal and who has it."""
    return (kind, "", group), users


def row_of(
    *signals: tuple[tuple[str, str, str], tuple[int, ...]], cluster: int = 0, **columns: list[object]
) -> dict[str, object]:
    """Traits of cluster 0, accounts 0–3, or 1, accounts 4 and 5, among ten."""
    edges = {(account, number) for number, (_, users) in enumerate(signals) for account in users}
    graph = graph_of(10, [signal for signal, _ in signals], edges, **columns)
    return traits(members_of(range(4), (4, 5)), graph).row(cluster, named=True)


def test_size_sign_ups_and_bans() -> None:
    status = ["banned", "active", "suspended", "active", *["active"] * 4, "banned", "deleted"]
    row = row_of(status=status, created_at=list(range(50, 60)))
    assert (row["size"], row["first_seen"], row["last_seen"], row["stopped"]) == (4, 50, 53, 2)
    assert row["usual"] == pytest.approx(0.3)


def test_a_cluster_without_anything_has_no_traits() -> None:
    row = row_of(cluster=1)
    names = ("declared", "coherent", "own_domain", "institutional", "anonymous", "stopped")
    assert [row[name] for name in names] == [0] * 6


def test_declared_is_the_share_that_names_an_organization_and_coherent_the_commonest() -> None:
    row = row_of(of("organization", 0, 1, 9), of("organization", 2), of("device", 3))
    assert (row["declared"], row["coherent"]) == (0.75, 0.5)


def test_who_names_two_organizations_is_one_account() -> None:
    row = row_of(of("organization", 0, 1), of("organization", 0, 1), of("organization", 0))
    assert (row["declared"], row["coherent"]) == (0.5, 0.5)


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


def test_concentration_is_the_share_of_the_pool_in_all_that_a_member_uses_by_hand() -> None:
    # Accounts 0–3 share value 0. Beside it 0 has one that nobody else has, 1 one that a stranger has too, 2 one of
    # that and two of its own, 3 nothing. Prefix 6, which all four are in, is no value.
    uses = {0: [1], 1: [2], 2: [3, 4, 5], 3: []}
    rows = [(account, value, 0) for account, own in uses.items() for value in (0, *own, 6)]
    rows += [(100, 2, 0), (100, 3, 0)]
    graph = graph_of(1_000, [("ip",)] * 6 + [("prefix",)], {(account, value) for account, value, _ in rows})
    members = members_of(range(4))
    pool = pools(evidence(rows, 1_000, levels={6: 1}), members)
    assert pool["signal"].to_list() == [0, 6]
    found = concentration(graph, members, pool)
    assert found.rows() == [(0, pytest.approx((1 / 2 + 1 / 2 + 1 / 4 + 1) / 4))]


@settings(max_examples=100, deadline=None)
@given(
    st.sets(st.tuples(st.integers(0, 29), st.integers(0, 11)), max_size=150),
    st.sets(st.integers(0, 29), min_size=2, max_size=15),
)
def test_shares_are_shares(edges: set[tuple[int, int]], core: set[int]) -> None:
    kinds = ["organization", "email_domain", "ip", "ip", "ip", "instrument"]
    groups = ["", "", "education", "vpn", "residential", ""]
    graph = graph_of(30, [(kinds[i % 6], "", groups[i % 6]) for i in range(12)], edges)
    members = members_of(core, set(range(30)) - core)
    found = traits(members, graph)
    assert found["cluster"].to_list() == sorted(set(members["cluster"].to_list()))
    shares = found.select("declared", "coherent", "own_domain", "institutional", "anonymous", "usual")
    assert shares.select(pl.all_horizontal(pl.all().is_between(0.0, 1.0))).to_series().all()
    assert (found["coherent"] <= found["declared"]).all()
    assert (found["institutional"] + found["anonymous"] <= 1.0 + 1e-9).all()
