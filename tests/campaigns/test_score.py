"""Promise: a ring scores as a campaign and an office, a class or an agency's clients do not; each part of a score has
bits, a sentence and its limits; evidence from time can be left out part by part."""

from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import graph_of, members_of

from graphsvc.campaigns.aspects import Part
from graphsvc.campaigns.membership import pools
from graphsvc.campaigns.score import (
    CROWD_BITS,
    EVEN_CROWD,
    EVENT_BITS,
    LEAST_ALONE,
    LEAST_CROWD,
    MOST_INFRASTRUCTURE,
    MOST_ONE_VALUE,
    MOST_OTHER,
    MOST_POOLED,
    PRIOR,
    SHARED_BITS,
    TIME,
    parts_of_clusters,
    score,
)
from graphsvc.campaigns.shares import MANNERS
from graphsvc.campaigns.spread_parts import COUNTRY_ALONE, COUNTRY_BITS, EVEN_COUNTRY
from graphsvc.detection import evidence_of
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.signals import Incidence
from graphsvc.model.graph import SignalGraph

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ACCOUNTS, SIZE = 1_000, 30
GROUP = range(SIZE)

Signal = tuple[tuple[str, str, str], list[int]]


def pool(kind: str, values: int, group: str = "") -> list[Signal]:
    """As many values of a kind, dealt out among the accounts of the group."""
    return [
        ((kind, "", group), [account for account in GROUP if account % values == i]) for i in range(values)
    ]


def world(
    *signals: Signal, banned: Collection[int] = (), minutes_apart: float = 0.0, active: bool = False
) -> SignalGraph:
    """A thousand accounts, thirty of them with `signals`, all others with nothing that anybody else has.

    The others sign up evenly over 300 days, every fiftieth is banned, some are active. So does the group, unless its
    sign-ups are minutes apart; whether it is active is said.
    """
    created = [int(number * 300 * DAY / ACCOUNTS) for number in range(ACCOUNTS)]
    if minutes_apart:
        created[:SIZE] = [100 * DAY + int(place * minutes_apart * MINUTE) for place in GROUP]
    stopped = {*banned, *range(SIZE, ACCOUNTS, 50)}
    kinds = ["instrument", "ip", "device"]
    own = [((kind, "", ""), [account]) for account in range(SIZE, ACCOUNTS) for kind in kinds]
    every = [*signals, *own]
    hours = [
        (account, hour + 24 * day, "m", 3)
        for account in [*range(SIZE, ACCOUNTS, 7), *(GROUP if active else ())]
        for day in range(14)
        for hour in (9 + account % 3, 13, 17)
    ]
    return with_levels(
        graph_of(
            ACCOUNTS,
            [signal for signal, _ in every],
            {(account, number) for number, (_, users) in enumerate(every) for account in users},
            hours,
            created_at=created,
            status=["banned" if account in stopped else "active" for account in range(ACCOUNTS)],
            status_changed_at=[
                moment + 5 * DAY if account in stopped else -1 for account, moment in enumerate(created)
            ],
        )
    )


def parts_of(graph: SignalGraph, time: Collection[str] = TIME) -> dict[str, Part]:
    """The parts of the group's score by name."""
    given_ = evidence_of(Incidence.of(graph), signups="signup" in time)
    members = members_of(GROUP)
    found = parts_of_clusters(given_, graph, members, pools(given_, members), given_.signals.families, time)
    assert list(found) == [0]
    assert found[0][0] == PRIOR
    assert len({part.name for part in found[0]}) == len(found[0])
    return {part.name: part for part in found[0]}


def scored(graph: SignalGraph) -> float:
    return score(list(parts_of(graph).values()))


RING = [*pool("instrument", 6), *pool("device", 5), *pool("ip", 5, "hosting")]
OFFICE = [*pool("ip", 1, "corporate"), *pool("instrument", 1), *pool("organization", 1)]
CLASS = [*pool("ip", 2, "education"), *pool("prompt", 3)]
AGENCY = [
    *pool("ip", 2, "hosting"), *pool("instrument", 3), *pool("prompt", 2), *pool("organization", 30),
    *pool("email_domain", 30),
]  # fmt: skip


def test_a_ring_scores_as_a_campaign() -> None:
    parts = parts_of(world(*RING, banned=range(0, SIZE, 4), minutes_apart=2))
    assert score(list(parts.values())) > 0.9
    assert parts["shared"].says == "3 kinds of signal are shared widely: device, network, payment"
    assert parts["bans"].says.startswith("27% were banned or suspended (")
    assert parts["anonymous"].says == "100% of use is from hosting, proxy or VPN networks (100% of all)"


def test_a_ring_in_lockstep_is_one_before_the_first_ban_and_wherever_it_comes_from() -> None:
    cards_and_devices = [*pool("instrument", 6), *pool("device", 5)]
    assert scored(world(*cards_and_devices, minutes_apart=2)) > 0.5


@pytest.mark.parametrize(
    ("signals", "names"),
    [(OFFICE, {"declared", "institution"}), (CLASS, {"institution"}), (AGENCY, {"declared", "domains"})],
    ids=["office", "class", "agency"],
)
@pytest.mark.parametrize("minutes_apart", [0.0, 1.0, 300.0], ids=["apart", "in a workshop", "in a season"])
def test_groups_of_honest_people_do_not(signals: list[Signal], names: set[str], minutes_apart: float) -> None:
    parts = parts_of(world(*signals, minutes_apart=minutes_apart))
    assert score(list(parts.values())) < 0.5
    against = {name for name, part in parts.items() if part.bits < -1.0}
    assert names <= against
    assert all("%" in parts[name].says for name in names)


def test_bits_of_bans_grow_with_the_banned_within_their_limits() -> None:
    bits = [parts_of(world(*RING, banned=range(banned)))["bans"].bits for banned in (3, 6, 12, SIZE)]
    assert bits == sorted(bits)
    assert bits[0] < 0.0 < bits[2]
    assert bits[-1] == MANNERS["bans"].most


def test_wide_kinds_count_each_and_not_without_end() -> None:
    def bits(*kinds: str) -> float:
        return parts_of(world(*(signal for kind in kinds for signal in pool(kind, 5))))["shared"].bits

    assert bits("instrument") == SHARED_BITS
    assert bits("instrument", "device") == 2 * SHARED_BITS
    assert bits("instrument", "device", "phone", "ip") == MOST_INFRASTRUCTURE * SHARED_BITS
    assert bits("prompt", "email_handle", "referral_code", "tls_fingerprint") == MOST_OTHER * SHARED_BITS
    assert bits("instrument", "prompt") == 2 * SHARED_BITS


def test_one_value_makes_no_pool() -> None:
    one, two = (parts_of(world(*pool("phone", numbers)))["pooled"] for numbers in (1, 2))
    assert one.bits == MOST_ONE_VALUE < two.bits
    assert one.says.endswith("and all of that is one value")
    assert "one value" not in two.says


def test_an_address_of_its_own_for_most_speaks_against_an_operator() -> None:
    def crowd(addresses: int, outsiders: int = 0) -> float:
        signals = [
            (signal, [*users, *range(500, 500 + outsiders)]) for signal, users in pool("ip", addresses)
        ]
        part = parts_of(world(*signals, *pool("instrument", 5))).get("crowd")
        return part.bits if part else 0.0

    assert crowd(1) == LEAST_CROWD
    assert crowd(2) == pytest.approx(CROWD_BITS * (0.5 - EVEN_CROWD))
    assert crowd(2, 35) == pytest.approx(CROWD_BITS * (0.5 - EVEN_CROWD) / 2)
    assert crowd(2, 200) == 0.0
    assert crowd(10) == 0.0
    parts = parts_of(world(*pool("ip", 2)))
    assert parts["crowd"].says == (
        "50% use one address, 100% of whose users they are, as an office or a class does"
    )


def test_who_comes_within_an_hour_and_never_again_came_for_an_event() -> None:
    parts = parts_of(world(*RING, minutes_apart=60 / (SIZE - 1)))
    assert parts["event"].bits == pytest.approx(EVENT_BITS * np.log2(24.0), abs=1e-4)
    assert parts["event"].says == "all signed up within 1 hour, as for an event, and none at another time"
    half = parts_of(world(*RING, minutes_apart=720 / (SIZE - 1)))["event"]
    assert half.bits == pytest.approx(EVENT_BITS, abs=1e-4)
    assert "event" not in parts_of(world(*RING, minutes_apart=60))


def test_a_kind_of_few_members_is_not_wide() -> None:
    few = [(("instrument", "", ""), list(range(8)))]
    assert "shared" not in parts_of(world(*few))
    assert parts_of(world(*few, *pool("device", 5)))["shared"].bits == SHARED_BITS


@pytest.mark.parametrize(("size", "least"), [(2, 2), (3, 3), (6, 3), (9, 3), (20, 6)])
def test_what_two_share_makes_a_pair_in_however_small_a_group(size: int, least: int) -> None:
    def shared(holders: int) -> bool:
        edges = {(account, 0) for account in range(holders)} | {(account, 1) for account in range(size)}
        graph = graph_of(ACCOUNTS, [("instrument",), ("prompt",)], edges)
        given_, members = evidence_of(Incidence.of(graph), signups=False), members_of(range(size))
        found = parts_of_clusters(given_, graph, members, pools(given_, members), given_.signals.families, [])
        return any(part.name == "shared" and "payment" in part.says for part in found[0])

    assert shared(least)
    assert not shared(least - 1)


def test_one_country_counts_twice_where_no_infrastructure_is_known() -> None:
    def weigh(*more: Signal) -> float:
        signals = [*pool("prompt", 3), *more]
        edges = {(account, number) for number, (_, users) in enumerate(signals) for account in users}
        country = ["DE" if account in GROUP or account % 4 == 0 else "FR" for account in range(ACCOUNTS)]
        return parts_of(graph_of(ACCOUNTS, [key for key, _ in signals], edges, country=country))[
            "country"
        ].bits

    # A card that some stranger has is enough to know that the data has cards.
    with_cards = weigh((("instrument", "", ""), [SIZE]))
    assert with_cards == pytest.approx(COUNTRY_BITS * (1.0 - EVEN_COUNTRY))
    assert weigh() == pytest.approx(COUNTRY_ALONE * with_cards)


def undeclared(outsiders: int) -> SignalGraph:
    """A thousand accounts with identifiers of undeclared kinds, of whom thirty share two values, two others six more.

    Args:
        outsiders: accounts that use each of the values too.
    """
    edges = {(account, signal) for account in GROUP for signal in (0, 1, 2 + account % 6)}
    edges |= {(SIZE + 20 * signal + place, signal) for signal in range(8) for place in range(outsiders)}
    kinds = [("referral_code",), ("tls_fingerprint",), *[("referral_code",)] * 6]
    return graph_of(ACCOUNTS, kinds, edges, created_at=[number * HOUR for number in range(ACCOUNTS)])


def test_where_no_infrastructure_is_known_what_is_a_group_s_own_stands_for_it() -> None:
    parts = parts_of(undeclared(0))
    assert parts["shared"].says == "2 kinds of signal are shared widely: referral_code, tls_fingerprint"
    assert parts["pooled"].bits == MOST_POOLED
    assert parts["pooled"].says.startswith("100% of what a member uses is shared in the group")
    assert parts["pooled"].says.endswith("100% of its other users are of the group, chance taken out")
    assert score(list(parts.values())) > 0.5


def test_a_community_of_interest_shares_as_much_and_scores_low() -> None:
    parts = parts_of(undeclared(10))
    assert parts["pooled"].says.startswith("100% of what a member uses is shared in the group")
    assert parts["pooled"].bits == LEAST_ALONE
    assert score(list(parts.values())) < 0.5


def test_who_shares_little_has_pooled_little_whoever_else_uses_it() -> None:
    edges = {(account, 0) for account in GROUP}
    edges |= {(account, 1 + 5 * account + own) for account in GROUP for own in range(5)}
    graph = graph_of(ACCOUNTS, [("referral_code",)] * (1 + 5 * SIZE), edges)
    assert parts_of(graph)["pooled"].bits == LEAST_ALONE


def test_the_evidence_from_time_is_left_out_part_by_part() -> None:
    graph = world(*RING, banned=range(0, SIZE, 4), minutes_apart=2, active=True)
    whole = parts_of(graph)
    timed = set(TIME) - {"signup", "arrivals", "moves", "asked"}
    assert timed <= set(whole)
    for name in timed:
        without = parts_of(graph, [other for other in TIME if other != name])
        assert without == {other: part for other, part in whole.items() if other != name}
    assert set(parts_of(graph, [])) == set(whole) - timed - {"event"}


def test_every_part_says_something() -> None:
    for signals in (RING, OFFICE, CLASS, AGENCY):
        for part in parts_of(world(*signals, banned=[1, 2], minutes_apart=30, active=True)).values():
            assert part.says
            assert np.isfinite(part.bits)


@given(st.lists(st.floats(-8.0, 8.0), max_size=8))
def test_a_score_is_a_probability_that_grows_with_bits(bits: list[float]) -> None:
    parts = [Part("x", value, "") for value in bits]
    assert 0.0 <= score(parts) <= 1.0
    assert score([*parts, Part("y", 1.0, "")]) >= score(parts)
    assert score([]) == 0.5
    assert score([Part("x", 3.0, ""), Part("y", -1.0, "")]) == pytest.approx(0.8)
