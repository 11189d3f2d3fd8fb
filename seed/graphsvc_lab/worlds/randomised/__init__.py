"""The scenario `random`: every structural number of the world is drawn from the seed.

`ranges.py` has the ranges and chances in one table. The other modules turn draws into a scenario.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from graphsvc_lab.worlds.randomised.operators import draw_operators, draw_sizes
from graphsvc_lab.worlds.randomised.people import draw_manners, draw_people, merge_entries
from graphsvc_lab.worlds.randomised.ranges import CHANCES, RANGES, Dice, Range
from graphsvc_lab.worlds.randomised.surface import Surface, draw_markets, draw_networks, draw_surface
from graphsvc_lab.worlds.scenario import RANDOM, RANDOM_DESCRIPTION, Scenario, parse_scenario

__all__ = ["CHANCES", "RANGES", "Dice", "Range", "describe_world", "draw_world"]

FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)
SMALLEST_WORLD = int(RANGES["world.accounts"].low)
_FRAMING_TABLES = {"sessions", "payments"}


def draw_world(seed: int, accounts: int | None = None) -> tuple[Scenario, int]:
    """Draw a world.

    Args:
        seed: The same seed draws the same world.
        accounts: Accounts of the world; drawn too if None.

    Returns:
        The scenario, and its number of accounts: `world.create_world(scenario, accounts, seed)` makes
        the world.
    """
    scenario, size, _ = _draw_scenario(Dice(seed), accounts)
    return scenario, size


def describe_world(seed: int, accounts: int | None = None) -> dict[str, Any]:
    """Describe the world of a seed: what was drawn, ready for JSON.

    Args:
        seed: As for `draw_world`.
        accounts: As for `draw_world`.

    Returns:
        `seed`, `accounts`, `tables`, `absent` (columns that are not there), `kinds`, `markets` (values of each),
        `populations` (share of the legitimate accounts), `campaigns` (size and reuse of each pool) and `drawn`: each
        number and decision of the world, by its name in the table of ranges.
    """
    dice = Dice(seed)
    scenario, size, surface = _draw_scenario(dice, accounts)
    campaigns = [
        {"size": c["size"][0], "reuse": _list_reuse(c, surface)}
        for c in scenario.model_dump(exclude_unset=True)["campaigns"].values()
    ]
    return {
        "seed": seed,
        "accounts": size,
        "tables": ["accounts", *surface.tables],
        "absent": sorted(column for column, share in surface.filled.items() if share == 0),
        "kinds": [*surface.declared, *surface.kinds],
        "markets": {name: market.values for name, market in scenario.markets.items()},
        "populations": {name: p.share for name, p in scenario.populations.items()},
        "campaigns": campaigns,
        "drawn": dict(sorted(dice.drawn.items())),
    }


def _draw_scenario(dice: Dice, accounts: int | None) -> tuple[Scenario, int, Surface]:
    drawn = dice.draw_whole("world.accounts")
    accounts = drawn if accounts is None else accounts
    surface = draw_surface(dice)
    markets = draw_markets(dice, accounts)
    # Copied, because `draw_people` adds markets that only agencies rent from.
    rented_by_operators = dict(markets)
    manners = draw_manners(dice, surface)
    sizes = draw_sizes(dice, accounts)
    campaigns = draw_operators(dice, surface, rented_by_operators, manners, sizes)
    populations = draw_people(dice, surface, markets, manners, accounts - sum(sizes))
    _leak_templates(dice, markets, populations, campaigns)
    history = dice.draw_whole("world.history_days")
    content: dict[str, Any] = {
        "description": RANDOM_DESCRIPTION,
        "until": FIRST_DAY + timedelta(days=dice.draw_whole("world.until")),
        "history_days": history,
        "smallest_world": SMALLEST_WORLD,
        "reference_accounts": accounts,
        "activity_days": min(dice.draw_whole("world.activity_days"), history),
        "popular_prompts": dice.draw_whole("world.popular_prompts"),
        "model_released_days_ago": dice.draw_number("world.model_released_days_ago"),
        "tables": surface.tables,
        "filled": {column: share for column, share in surface.filled.items() if share < 1},
        "declared_kinds": surface.declared,
        "kinds": surface.kinds,
        "markets": markets,
        "networks": draw_networks(dice, accounts),
        "populations": populations,
        "campaigns": campaigns,
    }
    if campaigns and set(surface.tables) >= _FRAMING_TABLES and dice.draw_chance("framing"):
        content["framing"] = {"victims": dice.draw_number("framing.victims")}
    return parse_scenario(RANDOM, content), accounts, surface


def _leak_templates(
    dice: Dice,
    markets: dict[str, Any],
    populations: dict[str, dict[str, Any]],
    campaigns: dict[str, dict[str, Any]],
) -> None:
    """Let templates of one operator become public: the operator has them, and ordinary people copy them in passing."""
    known = sorted(name for name, c in campaigns.items() if c["prompts"].get("reuse"))
    if not known or not dice.draw_chance("leak"):
        return
    name = dice.choose("leak", known)
    markets["leak"] = {"values": dice.draw_whole("leak.templates"), "exponent": 0.5}
    rented = dice.draw_number("operator.rented", "leak")
    campaigns[name] = merge_entries(
        campaigns[name], {"prompts": {"markets": {"leak": 1.0}, "rented": rented}}
    )
    copied = {"prompts": {"markets": {"leak": 1.0}, "passing": dice.draw_number("people.passing", "leak")}}
    populations["singles"] = merge_entries(populations["singles"], copied)


def _list_reuse(campaign: Mapping[str, Any], surface: Surface) -> dict[str, float]:
    """List the highest reuse of each pool that a campaign has and the export shows."""
    places = {**campaign, **campaign["identity"], **campaign["identifiers"]}
    found = {pool: places.get(pool, {}).get("reuse", (0.0, 0.0))[1] for pool in surface.list_channels()}
    return {pool: round(reuse, 3) for pool, reuse in found.items() if reuse > 0}
