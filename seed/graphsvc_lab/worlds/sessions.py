"""Sessions and payments: where and with what accounts are seen, and what they pay with."""

from dataclasses import dataclass

import numpy as np

from graphsvc.errors import SettingsError
from graphsvc_lab.worlds.markets import get_market_keys, is_rented, scatter_values
from graphsvc_lab.worlds.members import NONE, Members
from graphsvc_lab.worlds.networks import AddressSpace, add_interface
from graphsvc_lab.worlds.profiles import Addresses, Campaign, NetworkClass
from graphsvc_lab.worlds.slots import (
    PoolLayout,
    assign_values,
    build_layout,
    draw_owners,
    draw_reuse,
    fill_slots,
    inherit_slots,
    rent_in_passing,
    rent_values,
)
from graphsvc_lab.worlds.streams import Bools, Ints, pick_indices

MOST_SESSIONS = 10
ATTEMPTS = 60
"""Draws of a private address before its region counts as full."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Rows of a population's sessions; all arrays have shape (rows,).

    `owner` is the member, ascending; `address` an integer of `AddressSpace`; `device` a number of the population's
    own (negative: the group's, see `pooled_or_own`); `known` says whether the device was recorded; `scripted`
    whether a program library was used; times are seconds since 1970.
    """

    owner: Ints
    address: Ints
    device: Ints
    known: Bools
    scripted: Bools
    first: Ints
    last: Ints


@dataclass(frozen=True, slots=True)
class Payments:
    """Rows of a population's payments: owner, card (negative: the group's), kind (index into the scenario's kinds)."""

    owner: Ints
    card: Ints
    kind: Ints
    first: Ints
    last: Ints


def draw_stays(rng: np.random.Generator, members: Members, owner: Ints) -> tuple[Ints, Ints]:
    """Draw first and last time of each slot, within its owner's life. The first slot begins with the sign-up."""
    born, ended = members.created[owner], members.ended[owner]
    life = np.maximum(ended - born - 1, 0)
    is_first = np.diff(owner, prepend=-1) != 0
    begin = np.where(is_first, 0.0, rng.random(len(owner)))
    stay = rng.random(len(owner)) ** 2
    first = born + (begin * life).astype(np.int64)
    last = first + (stay * (ended - 1 - first).clip(0)).astype(np.int64)
    if members.profile.kept:
        kept = rng.random(len(owner)) < members.profile.kept
        # Who works is seen somewhere: what an account began with last it has to its end.
        order = np.lexsort((first, owner))
        kept[order[np.flatnonzero(np.diff(owner[order], append=-1))]] = True
        last = np.where(kept, np.maximum(first, ended - 1), last)
    return first, last


def draw_sessions(
    rng: np.random.Generator, members: Members, space: AddressSpace, homes: Ints, taken: Ints
) -> Sessions:
    """Draw all sessions of a population.

    `homes` are addresses of legitimate households, for pools that borrow. `taken` are addresses of others.
    """
    profile = members.profile
    owner = draw_owners(rng, members, profile.sessions, MOST_SESSIONS)
    address, at_pool = _draw_addresses(rng, members, owner, space, homes, taken)
    own_device = owner * 4 + (rng.random(len(owner)) < 0.3)
    device, on_pool = fill_slots(rng, members, owner, profile.devices, own_device)
    if isinstance(profile, Campaign):
        address = inherit_slots(rng, members, owner, address, profile.get_inherited_share(profile.addresses))
        device = inherit_slots(rng, members, owner, device, profile.get_inherited_share(profile.devices))
    known = rng.random(len(owner)) < profile.devices.known
    scripted = (rng.random(len(members)) < profile.devices.scripted)[owner]
    first, last = draw_stays(rng, members, owner)
    address = rent_in_passing(rng, members, profile.addresses, address, ~at_pool, first)
    address = _resolve_exits(members, address, space)
    device = rent_in_passing(rng, members, profile.devices, device, ~on_pool, first)
    return Sessions(owner, add_interface(address, owner), device, known, scripted, first, last)


def draw_payments(rng: np.random.Generator, members: Members) -> Payments:
    """Draw all payments of a population: one instrument for most paying members, two for some."""
    cards = members.profile.cards
    paying = rng.random(len(members)) < cards.paying
    owner = np.repeat(np.flatnonzero(paying), 1 + (rng.random(int(paying.sum())) < 0.08))
    card, pooled = fill_slots(rng, members, owner, cards, owner * 4 + (np.diff(owner, prepend=-1) == 0))
    if isinstance(members.profile, Campaign):
        card = inherit_slots(rng, members, owner, card, members.profile.get_inherited_share(cards))
    kinds = pick_indices(rng, cards.kinds, len(owner))
    first, last = draw_stays(rng, members, owner)
    card = rent_in_passing(rng, members, cards, card, ~pooled, first)
    # One instrument has one kind: that of its first payer.
    _, at, place = np.unique(card, return_index=True, return_inverse=True)
    return Payments(owner, card, kinds[at][place], first, last)


def _draw_addresses(
    rng: np.random.Generator, members: Members, owner: Ints, space: AddressSpace, homes: Ints, taken: Ints
) -> tuple[Ints, Bools]:
    """Draw the address of each slot (rented ones as their numbers), and whether the pool filled it, shape (slots,)."""
    manners = members.profile.addresses
    home = space.draw_places(rng, manners.home, len(members))[owner]
    address = space.get_addresses(manners.home, space.draw_nearby(rng, manners.home, home))
    u = rng.random(len(owner))
    limit = draw_reuse(rng, members, manners)[owner]
    pooled = u < limit
    if manners.at_signup:
        pooled &= np.diff(owner, prepend=-1) != 0
    sharers = members.group_for(manners)
    values = build_layout(sharers, manners)
    addresses = _draw_pool_addresses(rng, values, manners, space, homes)
    if manners.rented:
        number = rent_values(rng, sharers, manners, values)
        addresses = np.where(number == NONE, addresses, number)
    address[pooled] = addresses[assign_values(rng, sharers, owner[pooled], manners, values)]
    for network_class, share in manners.shared.items():
        chosen = (u >= limit) & (u < limit + share)
        limit = limit + share
        address[chosen] = space.get_addresses(
            network_class, space.draw_popular(rng, network_class, int(chosen.sum()))
        )
    if manners.private:
        own = np.flatnonzero(u >= limit)
        address[own] = _find_private(
            rng, owner[own], home[own], manners.home, space, np.append(taken, addresses)
        )
    return address, pooled


def _resolve_exits(members: Members, addresses: Ints, space: AddressSpace) -> Ints:
    """Put the addresses of rented exits in place of their numbers, shape as given."""
    rented = is_rented(addresses)
    if not rented.any():
        return addresses
    addresses = addresses.copy()
    keys = get_market_keys(addresses)
    for shelf in members.shelves.values():
        mine = np.flatnonzero(rented & (keys == shelf.number))
        network_class = shelf.market.network
        if len(mine):
            places = scatter_values(addresses[mine], space.get_capacity(network_class))
            addresses[mine] = space.get_addresses(network_class, places)
    return addresses


def _find_private(
    rng: np.random.Generator,
    owner: Ints,
    home: Ints,
    network_class: NetworkClass,
    space: AddressSpace,
    taken: Ints,
) -> Ints:
    """Find an address near each place of `home`, shape (slots,), that no other owner has.

    Raises:
        SettingsError: a region is so full that none is found.
    """
    taken, found = np.sort(taken), np.full(len(owner), -1, dtype=np.int64)
    open_slots = np.arange(len(owner))
    for _ in range(ATTEMPTS):
        tried = space.get_addresses(network_class, space.draw_nearby(rng, network_class, home[open_slots]))
        order = np.lexsort((owner[open_slots], tried))
        # Of several owners at one address the first may stay.
        starts = np.diff(tried[order], prepend=-1) != 0
        first = owner[open_slots][order][np.flatnonzero(starts)][np.cumsum(starts) - 1]
        free = np.empty(len(order), dtype=bool)
        free[order] = first == owner[open_slots][order]
        # `taken` is long and the same at every attempt: one sort, then searches.
        free &= np.searchsorted(taken, tried, side="left") == np.searchsorted(taken, tried, side="right")
        free &= ~np.isin(tried, found)
        found[open_slots[free]] = tried[free]
        open_slots = open_slots[~free]
        if len(open_slots) == 0:
            return found
    raise SettingsError(
        "There are too few addresses for private ones.", "Raise networks.*.addresses_per_account."
    )


def _draw_pool_addresses(
    rng: np.random.Generator, values: PoolLayout, manners: Addresses, space: AddressSpace, homes: Ints
) -> Ints:
    """Draw the addresses in all groups' pools, shape (number of values,)."""
    group, groups = values.group, len(values.count)
    addresses = np.empty(len(group), dtype=np.int64)
    classes = list(manners.networks)
    # An office lies in one network, a proxy network in several.
    which = (
        pick_indices(rng, manners.networks, groups)[group]
        if manners.adjacent
        else pick_indices(rng, manners.networks, len(group))
    )
    for i, network_class in enumerate(classes):
        mine = np.flatnonzero(which == i)
        bounds = space.choose_systems(rng, network_class, groups, manners.autonomous_systems)
        chosen = bounds[group[mine], rng.integers(0, manners.autonomous_systems, len(mine))]
        if manners.adjacent:
            room = np.maximum(bounds[:, 0, 1] - bounds[:, 0, 0] - values.count, 1)
            base = bounds[:, 0, 0] + (rng.random(groups) * room).astype(np.int64)
            offset = mine - values.first[group[mine]]
            places = np.minimum(base[group[mine]] + offset, bounds[group[mine], 0, 1] - 1)
        else:
            places = (chosen[:, 0] + rng.random(len(mine)) * (chosen[:, 1] - chosen[:, 0])).astype(np.int64)
        addresses[mine] = space.get_addresses(network_class, places)
    borrowed = rng.random(len(group)) < manners.borrowed
    if len(homes):
        addresses[borrowed] = homes[rng.integers(0, len(homes), int(borrowed.sum()))]
    return addresses
