"""The legitimate accounts of a random world: ordinary people, and groups that look coordinated."""

from collections.abc import Mapping
from typing import Any

from graphsvc_lab.worlds.randomised.ranges import Dice
from graphsvc_lab.worlds.randomised.surface import Surface

Content = dict[str, Any]

DECOYS = (
    "households", "friends", "carrier", "campus", "classes", "cohorts", "offices", "coworking", "tunnelled", "renters",
    "agencies", "resellers", "communities", "heavy",
)  # fmt: skip


def merge_entries(base: Mapping[str, Any], change: Mapping[str, Any]) -> Content:
    """Return `base` with the entries of `change` in place of its own, table by table."""
    merged = dict(base)
    for entry, value in change.items():
        old = merged.get(entry)
        merged[entry] = (
            merge_entries(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
        )
    return merged


def draw_manners(dice: Dice, surface: Surface) -> Content:
    """Draw what all people of a world have in common: how much they do, what they declare, what moderation does."""
    disposable = dice.draw_number("people.disposable")
    fingerprints = dice.draw_number("people.fingerprints")
    if dice.draw_chance("one_form_of_prompts"):
        # An export then holds either texts or fingerprints, never both.
        fingerprints = float(round(fingerprints))
    return {
        "sessions": dice.draw_number("people.sessions"),
        "spread": dice.draw_number("people.spread"),
        "kept": dice.draw_number("people.kept"),
        "addresses": {
            "shared": {name: dice.draw_number(f"people.{name}") for name in ("mobile", "cgnat", "vpn")},
        },
        "cards": {"paying": dice.draw_number("people.paying")},
        "devices": {
            "known": dice.draw_number("people.device_known"),
            "scripted": dice.draw_number("people.scripted"),
        },
        "prompts": {
            "rows": dice.draw_number("people.rows"),
            "popular": dice.draw_number("people.popular"),
            "common": dice.draw_number("people.common"),
            "fingerprints": fingerprints,
            "from_popular": True,  # groups with templates of their own say so; to make unused ones takes minutes
        },
        "identity": {
            "email": {"freemail": 0.94 - disposable, "own_domain": 0.06, "disposable": disposable},
            "organization": dice.draw_number("people.organization"),
            "phone": dice.draw_number("people.phone"),
            "display_name": dice.draw_number("people.display_name"),
            "name_skew": dice.draw_number("people.name_skew"),
        },
        "traffic": {
            "rows": dice.draw_number("people.activity_rows"),
            "requests": dice.draw_number("people.requests"),
        },
        "identifiers": {name: draw_use(dice, name) for name in surface.kinds},
    }


def draw_use(dice: Dice, kind: str) -> Content:
    """Draw how people use a kind of identifier: how many have some, how many each, and that no group shares them."""
    return {
        "have": dice.draw_number("kind.have", kind),
        "rows": dice.draw_sizes("kind.rows", kind),
    }


def draw_people(
    dice: Dice, surface: Surface, markets: dict[str, Content], manners: Content, honest: int
) -> dict[str, Content]:
    """Draw the populations of a world.

    Args:
        dice: The world's dice.
        surface: What the export shows.
        markets: The world's markets by name; networks of agencies add theirs.
        manners: What all people have in common (`draw_manners`).
        honest: Legitimate accounts.

    Returns:
        Name -> entries of a population, as in a scenario file; `singles` take the rest.
    """
    life = {name: dice.draw_number(f"people.{name}") for name in ("suspended", "banned", "closed")}
    base = merge_entries(manners, {"life": life})
    singles = merge_entries(base, {"share": "rest"})
    # Renting must not give anyone away by itself, so in some worlds ordinary people rent, too.
    if dice.draw_chance("ordinary_people_rent"):
        singles = merge_entries(singles, rent_passing(dice, markets, "singles", "people.passing"))
    populations = {"singles": singles}
    present = [name for name in DECOYS if dice.draw_chance("decoy", name)]
    if markets and "renters" not in present:
        # A market that campaigns alone rent from is no market.
        present.append("renters")
    # Dice are keyed by name: a decoy more does not change the numbers of the others.
    weights = {name: dice.draw_number("decoys.weight", name) for name in present}
    total = dice.draw_number("decoys.total")
    for name in present:
        share = total * weights[name] / sum(weights.values())
        # At least two accounts, since a group of one is no group.
        drawn = DRAWERS[name](dice, surface, max(round(share * honest), 2))
        populations[name] = merge_entries(base, merge_entries(drawn, {"share": share}))
    if "renters" in populations:
        rented = rent_passing(dice, markets, "renters", "renter.passing")
        populations["renters"] = merge_entries(populations["renters"], rented)
    if "agencies" in populations and dice.draw_chance("guild"):
        populations["agencies"] = merge_entries(
            populations["agencies"], _found_guild(dice, markets, weights, honest)
        )
    return populations


def rent_passing(dice: Dice, markets: Mapping[str, Content], who: str, amount: str) -> Content:
    """Return entries of a population whose people rent from all of a world's markets in passing."""
    entries: Content = {}
    for pool in sorted({name.partition("-")[0] for name in markets}):
        weights = {
            name: dice.draw_number("decoys.weight", who, name)
            for name in markets
            if name.startswith(f"{pool}-")
        }
        share = dice.draw_number(amount, who, pool)
        if pool == "domains":
            identity = {"email": {"market_domain": share}, "domain_markets": weights}
            entries = merge_entries(entries, {"identity": identity})
        elif pool in ("phones", "referrals"):
            entries = merge_entries(entries, {"identity": {pool: {"markets": weights, "passing": share}}})
        else:
            entries = merge_entries(entries, {pool: {"markets": weights, "passing": share}})
    return entries


def _found_guild(
    dice: Dice, markets: dict[str, Content], weights: Mapping[str, float], honest: int
) -> Content:
    """Let agencies draw part of their pools from what their network has, and add it to `markets`."""
    size = max(6, round(honest * dice.draw_number("market.stock", "guild") * 0.2))
    entries: Content = {}
    for pool in ("addresses", "cards", "devices", "prompts"):
        name = f"guild-{pool}"
        stock = min(size, 60) if pool == "prompts" else size
        markets[name] = {"values": stock, "exponent": 0.3}
        if pool == "addresses":
            markets[name]["network"] = dice.choose("network", ("corporate", "hosting"), name)
        rented = dice.draw_number("agency.guild", pool)
        entries[pool] = {"markets": {name: 1.0}, "rented": rented}
    return entries


def draw_pool(dice: Dice, who: str, pool: str, users: float, slots: float = 1.0) -> Content:
    """Draw a pool of a decoy from its ranges `who.reuse` and, at most, `users` accounts on one value."""
    low, high = dice.draw_pair(f"{who}.reuse", pool)
    # Members a value that keep the expected users at `users`, whatever the drawn reuse.
    return {"reuse": (low, high), "members_per_value": max(1.0, users / max((low + high) / 2 * slots, 0.05))}


def _draw_group_size(dice: Dice, name: str, most: int) -> tuple[int, int]:
    """Draw the sizes of groups, none larger than the population."""
    low, high = dice.draw_sizes(f"{name}.size", most=most)
    return low, high


def _share_kinds(dice: Dice, surface: Surface, who: str) -> Content:
    """Return entries with which a group shares some of the undeclared identifiers."""
    return {
        name: {"reuse": dice.draw_pair(f"{who}.reuse", name), "members_per_value": 1.5, "borrowed": 0.3}
        for name in surface.kinds
        if dice.draw_chance("local", who, name)
    }


def _draw_households(dice: Dice, surface: Surface, most: int) -> Content:
    return {
        "decoy": "household", "size": _draw_group_size(dice, "household", most),
        "signup": {"burst": (1, 2), "minutes": 900, "lasting": (0.02, 0.6)},
        "addresses": draw_pool(dice, "household", "addresses", 6) | {"members_per_value": 6},
        "cards": draw_pool(dice, "household", "cards", 6) | {"members_per_value": 6},
        "devices": {"reuse": (0.0, 0.6), "members_per_value": 6},
        "identity": {"same_surname": 0.7},
    }  # fmt: skip


def _draw_friends(dice: Dice, surface: Surface, most: int) -> Content:
    return {
        "decoy": "friends", "size": _draw_group_size(dice, "friends", most),
        "signup": {"burst": (1, 4), "minutes": 600, "lasting": (0.0, 0.6)},
        "prompts": {"reuse": dice.draw_pair("friends.reuse", "prompts"), "templates": (1, 2), "from_popular": False},
        "identity": {"referrals": {"reuse": dice.draw_pair("friends.reuse", "referrals"), "members_per_value": 12}},
        "identifiers": _share_kinds(dice, surface, "friends"),
    }  # fmt: skip


def _draw_carrier(dice: Dice, surface: Surface, most: int) -> Content:
    shared = {"cgnat": dice.draw_number("carrier.cgnat"), "mobile": 0.1, "vpn": 0.0}
    return {"decoy": "cgnat", "addresses": {"home": "mobile", "shared": shared}}


def _draw_campus(dice: Dice, surface: Surface, most: int) -> Content:
    return {
        "decoy": "campus", "size": _draw_group_size(dice, "campus", most),
        "signup": {"burst": (1, 30), "minutes": 3, "lasting": (0.3, 1.0)},
        "addresses": draw_pool(dice, "campus", "addresses", 6) | {"networks": {"education": 1}},
        "devices": {"reuse": (0.0, dice.draw_number("campus.lab")), "members_per_value": 30, "locality": 0.5},
        "prompts": {"reuse": (0.05, 0.3), "members_per_value": 35, "locality": 0.9, "from_popular": False},
        "identity": {"email": {"group_domain": 3.0}, "organization": 0.4},
        "traffic": {"shape": "school"},
    }  # fmt: skip


def _draw_classes(dice: Dice, surface: Surface, most: int) -> Content:
    return {
        "decoy": "class", "size": _draw_group_size(dice, "class", most),
        "signup": {"burst": (60, 60), "minutes": dice.draw_number("class.minutes"), "lasting": (0.0, 0.0)},
        "addresses": {"reuse": (0.1, 0.5), "members_per_value": 30, "networks": {"education": 1, "residential": 1}},
        "prompts": {"reuse": dice.draw_pair("class.reuse", "prompts"), "templates": (1, 3), "from_popular": False},
        "identity": {"referrals": {"reuse": dice.draw_pair("class.reuse", "referrals"), "members_per_value": 60}},
        "traffic": {"shape": "school"},
    }  # fmt: skip


def _draw_cohorts(dice: Dice, surface: Surface, most: int) -> Content:
    venue = dice.draw_number("cohort.venue")
    return {
        "decoy": "cohort", "size": _draw_group_size(dice, "cohort", most),
        "signup": {"burst": (40, 400), "minutes": dice.draw_number("cohort.minutes"), "lasting": (0.0, 0.002)},
        "addresses": {
            "reuse": (0.0, venue), "members_per_value": 200, "at_signup": True, "networks": {"corporate": 1},
        },
        "prompts": {"reuse": (0.0, 0.25), "templates": (1, 3), "from_popular": False},
        "identity": {"referrals": {"reuse": dice.draw_pair("cohort.voucher"), "members_per_value": 1_000}},
    }  # fmt: skip


def _draw_offices(dice: Dice, surface: Surface, most: int) -> Content:
    return {
        "decoy": "corporate", "size": _draw_group_size(dice, "office", most),
        "signup": {"burst": (1, 25), "minutes": 6, "lasting": (0.02, 0.7)},
        "addresses": draw_pool(dice, "office", "addresses", 60) | {"networks": {"corporate": 1}},
        "cards": {
            "paying": 0.8, "reuse": (0.9, 1.0), "members_per_value": dice.draw_number("office.people_per_card"),
            "kinds": {"card": 0.7, "invoice": 0.2, "bank": 0.1},
        },
        "prompts": {"reuse": (0.0, 0.15), "members_per_value": 15, "from_popular": False},
        "identity": {"email": {"group_domain": 9.0}, "organization": 0.95, "generated_handles": 0.0},
        "traffic": {"shape": "office"},
    }  # fmt: skip


def _draw_coworking(dice: Dice, surface: Surface, most: int) -> Content:
    return {
        "decoy": "coworking", "size": _draw_group_size(dice, "coworking", most),
        "addresses": {"reuse": (0.4, 0.8), "members_per_value": 60, "networks": {"corporate": 1}},
        "identity": {"email": {"own_domain": 0.8}, "organization": 0.5},
        "traffic": {"shape": "office"},
    }  # fmt: skip


def _draw_tunnelled(dice: Dice, surface: Surface, most: int) -> Content:
    shared = {"vpn": dice.draw_number("tunnelled.vpn"), "mobile": 0.0, "cgnat": 0.0}
    return {"decoy": "vpn", "addresses": {"shared": shared}}


def _draw_renters(dice: Dice, surface: Surface, most: int) -> Content:
    return {"decoy": "renter", "identity": {"generated_handles": 0.2}}


def _draw_agencies(dice: Dice, surface: Surface, most: int) -> Content:
    # Where no export shows a business, only how much it pools could tell it from a campaign: it pools little then.
    limit = 1.0 if surface.tells_businesses else 0.3
    pools: Content = {}
    for pool in ("addresses", "cards", "devices", "prompts"):
        drawn = draw_pool(dice, "agency", pool, dice.draw_number("agency.users", pool), slots=1.5)
        low, high = drawn["reuse"]
        pools[pool] = drawn | {"reuse": (low * limit, high * limit)}
    pools["addresses"]["networks"] = {"corporate": 2, "hosting": 1}
    pools["cards"]["paying"] = 0.8
    pools["prompts"]["from_popular"] = False
    return pools | {
        "decoy": "agency", "size": _draw_group_size(dice, "agency", most),
        "signup": {"burst": (1, 6), "minutes": 30, "lasting": (0.3, 0.9)},
        "identity": {
            "email": {"client_domain": 6.0}, "organization": 0.85, "phone": 0.6, "generated_handles": 0.02,
        },
        "traffic": {"shape": "office"},
    }  # fmt: skip


def _draw_resellers(dice: Dice, surface: Surface, most: int) -> Content:
    limit = 1.0 if surface.tells_businesses else 0.3
    low, high = dice.draw_pair("reseller.reuse", "cards")
    return {
        "decoy": "reseller", "size": _draw_group_size(dice, "reseller", most),
        "signup": {"burst": (1, 40), "minutes": 2, "lasting": (0.1, 1.0)},
        "addresses": {
            "reuse": (0.1 * limit, 0.9 * limit), "members_per_value": 60, "at_signup": True,
            "networks": {"hosting": 1, "corporate": 1},
        },
        "cards": {
            "paying": 0.9, "reuse": (low * limit, high * limit),
            "members_per_value": dice.draw_number("reseller.users"), "locality": 0.9,
        },
        "identity": {
            "email": {"client_domain": 1.0}, "organization": 0.3,
            "referrals": {"reuse": (0.0, 0.5), "members_per_value": 500},
        },
    }  # fmt: skip


def _draw_communities(dice: Dice, surface: Surface, most: int) -> Content:
    templates = dice.draw_sizes("community.templates")
    return {
        "decoy": "popular_prompt", "size": _draw_group_size(dice, "community", most),
        "signup": {"burst": (1, 15), "minutes": 20, "lasting": (0.1, 0.6)},
        "prompts": {
            "reuse": dice.draw_pair("community.reuse", "prompts"), "templates": templates,
            "from_popular": dice.draw_chance("local", "community"),
        },
        "identity": {"referrals": {"reuse": (0.1, 0.6), "members_per_value": 200}},
    }  # fmt: skip


def _draw_heavy(dice: Dice, surface: Surface, most: int) -> Content:
    sessions = dice.draw_number("heavy.sessions")
    return {
        "decoy": "heavy", "sessions": sessions, "spread": 0.6, "prompts": {"rows": max(1.0, sessions / 3)},
        "addresses": {"shared": {"mobile": 0.25, "cgnat": 0.1, "vpn": 0.2}},
        "identifiers": {name: {"rows": (10, 200)} for name in surface.kinds},
    }  # fmt: skip


DRAWERS = {
    "households": _draw_households,
    "friends": _draw_friends,
    "carrier": _draw_carrier,
    "campus": _draw_campus,
    "classes": _draw_classes,
    "cohorts": _draw_cohorts,
    "offices": _draw_offices,
    "coworking": _draw_coworking,
    "tunnelled": _draw_tunnelled,
    "renters": _draw_renters,
    "agencies": _draw_agencies,
    "resellers": _draw_resellers,
    "communities": _draw_communities,
    "heavy": _draw_heavy,
}
