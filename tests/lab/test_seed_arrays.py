"""Properties of the arrays a world is made of, whatever its parameters."""

import ipaddress

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from graphsvc_lab.worlds import networks, pools, scenario
from graphsvc_lab.worlds.clock import draw_human_times
from graphsvc_lab.worlds.members import BANNED, NONE, draw_campaign, draw_population, split_groups
from graphsvc_lab.worlds.profiles import Campaign, Pool, Population, Signup
from graphsvc_lab.worlds.slots import assign_values, build_layout, inherit_slots
from graphsvc_lab.worlds.streams import Streams, draw_zipf, mix_bits, pick_indices
from graphsvc_lab.worlds.text import LETTERS, make_tokens

WORLD = scenario.load_scenario("demo")
SEEDS = st.integers(0, 2**32 - 1)


@given(st.integers(1, 3_000), st.integers(1, 50), st.integers(0, 200), SEEDS)
def test_groups_keep_their_bounds(accounts: int, smallest: int, extra: int, seed: int) -> None:
    group = split_groups(np.random.default_rng(seed), accounts, (smallest, smallest + extra))
    sizes = np.bincount(group)
    assert len(group) == accounts
    assert (np.diff(group) >= 0).all()
    assert (sizes[:-1] >= smallest).all()
    assert (sizes <= smallest + extra).all()


@given(st.integers(1, 400), st.floats(0.5, 40), st.floats(0, 1), SEEDS)
def test_a_pool_is_dealt_evenly_and_within_the_group(
    accounts: int, members_per_value: float, locality: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    members = draw_population(rng, "x", Population(share=0.5, size=(3, 40)), accounts, WORLD)
    pool = Pool(reuse=(1, 1), members_per_value=members_per_value, locality=locality)
    values = build_layout(members, pool)
    owner = np.sort(rng.integers(0, accounts, accounts * 2))
    dealt = assign_values(rng, members, owner, pool, values)
    assert (values.group[dealt] == members.group[owner]).all()
    for group in range(members.groups):
        mine = values.group == group
        used = np.bincount(dealt, minlength=len(mine))[mine]
        assert used.max() - used.min() <= 1


@given(st.integers(20, 600), st.floats(0, 0.4), SEEDS)
def test_replacements_are_born_after_the_ban_of_whom_they_follow(
    accounts: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    style = Campaign(
        count=1, size=(12, 12), scale="size", replacements=share, signup=Signup(burst=(1, 9), minutes=3)
    )
    members = draw_campaign(rng, "x", style, accounts, WORLD)
    follows = np.flatnonzero(members.predecessor != NONE)
    before = members.predecessor[follows]
    assert len(members) <= accounts
    assert (members.status[before] == BANNED).all()
    hours = (members.created[follows] - members.ended[before]) / 3600
    assert ((hours >= 3) & (hours <= 72)).all()
    assert len(np.unique(before)) == len(before)
    assert (members.created < members.ended).all()
    assert (members.ended <= WORLD.end).all()

    owner = np.repeat(np.arange(len(members)), 2)
    own = np.arange(len(owner))
    taken = inherit_slots(rng, members, owner, own, 1.0)
    # All of a replacement's slots now hold something of the chain it follows, nobody else's changed.
    first = members.predecessor == NONE
    np.testing.assert_array_equal(taken[first[owner]], own[first[owner]])
    assert set(taken[~first[owner]]) <= set(own[first[owner]])


@given(st.lists(st.integers(-(2**60), 2**60), unique=True, max_size=300), st.integers(0, 2**40))
def test_tokens_are_one_to_one(values: list[int], salt: int) -> None:
    numbers = np.array(values, dtype=np.int64)
    assert len(np.unique(mix_bits(numbers, salt))) == len(values)
    made = make_tokens(numbers, salt, LETTERS)
    assert made.n_unique() == len(values)
    assert all(len(t) == 16 and set(t) <= set(LETTERS) for t in made)


@given(st.integers(1, 2_000), st.floats(0, 2), SEEDS)
def test_draws_stay_in_range(values: int, exponent: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranks = draw_zipf(rng, values, 200, exponent)
    assert ((ranks >= 0) & (ranks < values)).all()
    never = pick_indices(rng, {"a": 0.0, "b": 1.0, "c": 0.0}, 50)
    assert (never == 1).all()


@given(st.integers(0, 10**9), st.integers(1, 10**8), SEEDS)
def test_human_times_stay_within_their_bounds(low: int, span: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = draw_human_times(rng, np.full(50, low), np.full(50, low + span))
    assert ((times >= low) & (times < low + span)).all()


@given(st.integers(500, 40_000), st.sampled_from(sorted(WORLD.networks)), SEEDS)
def test_addresses_belong_to_their_class(
    accounts: int, network_class: scenario.NetworkClass, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    space = networks.AddressSpace(WORLD.networks, accounts, Streams(seed), pools.draw_pools(Streams(7)))
    places = space.draw_places(rng, network_class, 100)
    addresses = networks.add_interface(space.get_addresses(network_class, places), np.arange(100))
    assert space.is_of_class(addresses, network_class).all()
    for text, address in zip(networks.format_addresses(addresses), addresses, strict=True):
        parsed = ipaddress.ip_address(text)
        assert str(parsed) == text
        assert (parsed.version == 6) == bool(networks.is_v6(np.array([address]))[0])
    distinct = np.unique(places)
    assume(len(distinct) > 1)
    assert len(np.unique(space.get_addresses(network_class, distinct))) == len(distinct)
