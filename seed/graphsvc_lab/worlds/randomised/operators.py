"""The campaigns of a random world: how many, how large, and the manners of each operator."""

from collections.abc import Mapping
from typing import Any

from graphsvc_lab.worlds.randomised.people import Content, merge_entries
from graphsvc_lab.worlds.randomised.ranges import RANGES, Dice
from graphsvc_lab.worlds.randomised.surface import Surface

SMALLEST = 3
FEW_FOR_WAVES = 40
"""Below this many accounts a weekly share is no number: bans of small campaigns are counted instead."""
ENOUGH = 1.5
"""Slots that an active member shares on average unless its operator is hidden: most members share one or more."""
ALWAYS_PAYING = 0.85
"""Share of members that pay, at least, where the export shows payments alone."""
CARELESS, CAREFUL = 0.95, 0.25
"""Share of its slots that a member of the most careless and of the most careful operator fills from a pool."""
CARD_KINDS = {"card": 0.5, "prepaid": 0.4, "crypto": 0.1}
NETWORKS = ("residential", "hosting", "proxy", "mobile")


def draw_sizes(dice: Dice, accounts: int) -> list[int]:
    """Draw the sizes of a world's campaigns, largest first; a quiet world has none.

    One campaign takes a drawn part of the accounts that campaigns have. Others follow until none are left, or as many
    campaigns are there as were drawn.
    """
    if dice.draw_chance("quiet"):
        return []
    budget = max(SMALLEST, int(dice.draw_number("campaigns.share") * accounts))
    largest = int(dice.draw_number("campaigns.largest") * budget)
    # The largest is drawn by itself, so that worlds with one dominant campaign occur.
    sizes = [int(min(max(largest, SMALLEST), RANGES["campaigns.size"].high))]
    for i in range(1, dice.draw_whole("campaigns.count")):
        left = budget - sum(sizes)
        if left < SMALLEST:
            break
        sizes.append(dice.draw_whole("campaigns.size", str(i), most=left))
    return sorted(sizes, reverse=True)


def draw_operators(
    dice: Dice, surface: Surface, markets: Mapping[str, Content], manners: Content, sizes: list[int]
) -> dict[str, Content]:
    """Draw the campaigns of a world.

    Args:
        dice: The world's dice.
        surface: What the export shows.
        markets: Markets that operators rent from, by name.
        manners: What all people of the world have in common.
        sizes: Accounts of each campaign.

    Returns:
        Name -> entries of a campaign, as in a scenario file.
    """
    # One rate for the world: moderation is the service's, not the operator's.
    bans = 0.0 if dice.draw_chance("no_bans") else dice.draw_number("campaigns.bans")
    return {
        name: _draw_operator(dice, surface, markets, manners, name, size, bans)
        for name, size in ((f"campaign-{i + 1:02d}", size) for i, size in enumerate(sizes))
    }


def _draw_operator(
    dice: Dice,
    surface: Surface,
    markets: Mapping[str, Content],
    manners: Content,
    name: str,
    size: int,
    bans: float,
) -> Content:
    paying = dice.draw_number("operator.paying", name)
    if set(surface.list_channels()) == {"cards"}:
        paying = max(
            paying, ALWAYS_PAYING
        )  # an export of payments alone shows nothing of those who do not pay
    slots = {
        "addresses": dice.draw_number("operator.sessions", name),
        "cards": paying,
        "prompts": dice.draw_number("operator.rows", name),
        "phones": 1.0,
        "referrals": 1.0,
    }
    slots["devices"] = slots["addresses"] * dice.draw_number("operator.device_known", name)
    uses = {kind: dice.draw_sizes("kind.rows", name, kind) for kind in surface.kinds}
    slots |= {kind: (low + high) / 2 for kind, (low, high) in uses.items()}

    teams = (
        dice.draw_sizes("operator.teams", name) if size >= 24 and dice.draw_chance("teams", name) else (1, 1)
    )
    pools = _draw_pools(dice, surface, markets, slots, name, size)
    if teams[1] > 1:
        # Sub-teams have pools of their own, but at least the first pool is the whole campaign's.
        pools = {
            pool: drawn | {"by_team": i > 0 and dice.draw_chance("by_team", name, pool)}
            for i, (pool, drawn) in enumerate(pools.items())
        }
    entries: Content = {
        "count": 1, "size": (size, size), "scale": "size", "smallest": SMALLEST, "teams": teams,
        "sessions": slots["addresses"],
        "spread": dice.draw_number("operator.spread", name),
        "signup": _draw_signup(dice, name, size),
        "addresses": _draw_exits(dice, name, size) | pools.get("addresses", {}),
        "cards": {"paying": slots["cards"], "kinds": dict(CARD_KINDS)} | pools.get("cards", {}),
        "devices": {
            "known": dice.draw_number("operator.device_known", name),
            "scripted": dice.draw_number("operator.scripted", name),
            "custom_client": dice.draw_number("operator.custom_client", name),
        } | pools.get("devices", {}),
        "prompts": {"rows": slots["prompts"]} | pools.get("prompts", {}),
        "identity": _draw_identity(dice, markets, name) | {p: pools[p] for p in ("phones", "referrals") if p in pools},
        "identifiers": {kind: {"rows": uses[kind], "have": 1.0} | pools.get(kind, {}) for kind in surface.kinds},
        "traffic": _draw_traffic(dice, name),
        "generator": dice.draw_chance("generator", name),
        **_draw_losses(dice, name, size, bans),
    }  # fmt: skip
    return merge_entries(manners, entries)


def _draw_pools(
    dice: Dice,
    surface: Surface,
    markets: Mapping[str, Content],
    slots: Mapping[str, float],
    name: str,
    size: int,
) -> dict[str, Content]:
    """Draw which pools an operator has, how much of its members' slots come from each, and from which markets.

    An operator has the pool that the export shows best if it has no other. Unless it is hidden, reuse is raised
    until a member shares `ENOUGH` slots that the export shows, or all of them.
    """
    shown = surface.list_channels()
    slots = dict(slots)
    if "sessions" not in surface.tables:
        # The export shows the address and the device of the sign-up alone.
        slots |= {pool: min(slots[pool], 1.0) for pool in ("addresses", "devices")}
    habit = dice.draw_number("campaigns.channels")
    chosen = [
        pool for pool in shown if float(dice.draw_number("operator.locality", name, pool, "has")) < habit
    ]
    strong = max(shown, key=lambda pool: shown[pool] * min(slots[pool], 3.0))
    chosen = chosen or [strong]

    care = min(max(dice.draw_number("campaigns.care") + dice.draw_number("operator.care", name), 0.0), 1.0)
    centre = CARELESS * (CAREFUL / CARELESS) ** care
    visible = sum(centre * slots[pool] * shown[pool] for pool in chosen)
    if not dice.draw_chance("hidden", name) and visible < ENOUGH:
        centre = min(CARELESS, centre * ENOUGH / visible)
    width = dice.draw_number("operator.looseness", name)
    reuse = (max(centre - width, 0.05), min(centre + width, 1.0))
    pools = {
        pool: _draw_pool(dice, markets, name, pool, size, reuse, (reuse[0] + reuse[1]) / 2 * slots[pool])
        for pool in chosen
    }
    if len(chosen) > 1 and chosen[0] in ("addresses", "devices"):
        pools[chosen[0]]["at_signup"] = dice.draw_chance("at_signup", name)
    return pools


def _draw_pool(
    dice: Dice,
    markets: Mapping[str, Content],
    name: str,
    pool: str,
    size: int,
    reuse: tuple[float, float],
    shared_slots: float,
) -> Content:
    """Draw one pool. `shared_slots` are a member's slots that it fills, on average."""
    users = dice.draw_number("operator.users", name, pool, most=max(float(size), 2.0))
    locality = (
        dice.draw_number("operator.locality", name, pool) if dice.draw_chance("local", name, pool) else 0.0
    )
    # A value dealt over the campaign meets another member in each slot, one shared by neighbours the same again.
    meetings = (
        1 + max(shared_slots - 1, 0.0) * (1 - locality) if shared_slots > 1 else max(shared_slots, 0.05)
    )
    drawn: Content = {"reuse": reuse, "members_per_value": max(users / meetings, 0.1), "locality": locality}
    if pool == "prompts":
        drawn["templates"] = dice.draw_sizes("operator.templates", name, most=max(1.0, size / 2))
        drawn["from_popular"] = dice.draw_chance("copied_templates", name)
    stalls = {
        market: dice.draw_number("decoys.weight", name, market)
        for market in markets
        if market.startswith(f"{pool}-")
    }
    if stalls and dice.draw_chance("rents", name, pool):
        drawn |= {"markets": stalls, "rented": dice.draw_number("operator.rented", name, pool)}
        if dice.draw_chance("passes", name, pool):
            drawn["passing"] = dice.draw_number("operator.passing", name, pool)
    return drawn


def _draw_signup(dice: Dice, name: str, size: int) -> Content:
    signup: Content = {
        "burst": dice.draw_sizes("operator.burst", name, most=float(size)),
        "minutes": dice.draw_number("operator.minutes", name),
        "lasting": tuple([dice.draw_number("operator.lasting", name)] * 2),
        "steady": dice.draw_number("operator.steady", name),
        "window": (0.03, 0.98),
    }
    if dice.draw_chance("ramp", name):
        signup["ramp"] = 2.0
    if dice.draw_chance("shift", name):
        signup["shift"] = _draw_shift(dice, name)
    return signup


def _draw_shift(dice: Dice, name: str) -> tuple[int, int]:
    return dice.draw_whole("operator.shift_hour", name), dice.draw_whole("operator.shift_hours", name)


def _draw_exits(dice: Dice, name: str, size: int) -> Content:
    return {
        "networks": {network: dice.draw_number("decoys.weight", name, network) for network in NETWORKS},
        "autonomous_systems": dice.draw_whole("operator.systems", name, most=max(1.0, size / 4)),
        "adjacent": dice.draw_chance("adjacent", name),
        "borrowed": dice.draw_number("operator.borrowed", name),
    }


def _draw_identity(dice: Dice, markets: Mapping[str, Content], name: str) -> Content:
    weights = {market: 1.0 for market in markets if market.startswith("domains-")}
    email = {"freemail": 1.0, "disposable": 0.1, "own_domain": 0.05, "group_domain": 0.0}
    if dice.draw_chance("rents", name, "bought domains"):
        email["group_domain"] = dice.draw_number("operator.rented", name, "bought domains")
    if weights and dice.draw_chance("rents", name, "domains"):
        email["market_domain"] = 2 * dice.draw_number("operator.rented", name, "domains")
    return {
        "email": email,
        "domain_markets": weights if "market_domain" in email else {},
        "members_per_domain": 10 * dice.draw_number("operator.users", name, "domains"),
        "generated_handles": dice.draw_number("operator.handles", name),
        "organization": 0.0,
    }


def _draw_traffic(dice: Dice, name: str) -> Content:
    traffic: Content = {
        "rows": dice.draw_number("operator.activity_rows", name),
        "requests": dice.draw_number("operator.requests", name),
        "balanced": dice.draw_number("operator.balanced", name),
        "moves_to_new_model": dice.draw_number("operator.moves", name),
        "half_time_hours": dice.draw_number("operator.half_time", name),
    }
    if dice.draw_chance("shift", name):
        traffic["shift"] = _draw_shift(dice, name)
    return traffic


def _draw_losses(dice: Dice, name: str, size: int, bans: float) -> Content:
    """Draw sleepers, bans and replacements: a weekly share of large campaigns, a number of smaller ones."""
    delay = dice.draw_pair("operator.delay_hours", name)
    losses: dict[str, Any] = {
        "sleepers": dice.draw_number("operator.sleepers", name) if size >= 10 else 0.0,
        "sleeper_reuse": dice.draw_number("operator.sleeper_reuse", name),
        "replaced": dice.draw_number("operator.replaced", name),
        "replaced_after_hours": delay,
        "inherits": dice.draw_number("operator.inherits", name),
    }
    if bans and size >= FEW_FOR_WAVES:
        losses["banned_weekly"] = min(bans, RANGES["campaigns.bans"].high)
    elif bans and size >= 10:
        losses["replacements"] = dice.draw_number("operator.replacements", name)
    return losses
