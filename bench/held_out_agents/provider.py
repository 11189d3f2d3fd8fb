"""The provider's evening review, which finds abuse by rough rules and hits honest people too."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from bench.held_out_agents.events import DAY
from bench.held_out_agents.world import World


def ban(world: World, account: int, day: int) -> None:
    """Ban or suspend an active account in the night after a day."""
    row, draws = world.accounts[account], world.draws
    if row.status != "active":
        return
    row.status = "suspended" if draws.happens(0.35) else "banned"
    row.status_changed = (day + 1) * DAY + draws.random.randrange(8 * 3600, DAY)
    # Honest people appeal, and often win.
    if row.campaign is None and draws.happens(0.6):
        row.status = "suspended"
        decision = min(day + draws.random.randint(2, 9), world.days - 3)
        world.appeals[decision].append(account)


def decide_appeals(world: World, day: int) -> None:
    """Restore the accounts whose appeal is decided on a day."""
    for account in world.appeals.pop(day, ()):
        row = world.accounts[account]
        if row.status == "suspended":
            row.status = "active"
            row.status_changed = (day + 1) * DAY + world.draws.random.randrange(9 * 3600, 17 * 3600)


def group_sign_ups(world: World, key: Callable[[int], str]) -> dict[str, list[int]]:
    """Return the new accounts of a day by a key."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for account in world.new_today:
        groups[key(account)].append(account)
    return groups


def get_network(address: str) -> str:
    """Return the /24 of an IPv4 address, or the beginning of an IPv6 address."""
    return address.rsplit(".", 1)[0] if "." in address else address[:18]


def ban_some(world: World, accounts: Iterable[int], day: int, chance: float) -> None:
    """Ban each account with a chance."""
    for account in accounts:
        if world.draws.happens(chance):
            ban(world, account, day)


def review_networks(world: World, day: int) -> None:
    """Look at networks with many sign-ups on one day."""
    settings = world.settings
    by_network = group_sign_ups(world, lambda account: get_network(world.accounts[account].address))
    for accounts in by_network.values():
        if len(accounts) >= settings.velocity_limit and world.draws.happens(0.3 * settings.ban_rate):
            ban_some(world, accounts, day, 0.5)


def review_instruments(world: World, day: int) -> None:
    """Look at instruments of several accounts that were used on a day."""
    chance = 0.35 * world.settings.ban_rate
    for number in sorted(world.instruments_today):
        accounts = world.accounts_of_instrument[number]
        kind = world.log.instruments.values[number].kind
        # Invoices and wallets of exchanges are known to be shared.
        if 5 <= len(accounts) < 60 and kind not in ("invoice", "crypto") and world.draws.happens(chance):
            ban_some(world, accounts, day, 0.6)


def review_devices(world: World, day: int) -> None:
    """Look at devices that sign up again and again."""
    chance = 0.3 * world.settings.ban_rate
    by_device = group_sign_ups(world, lambda account: world.accounts[account].device)
    for device, accounts in by_device.items():
        world.sign_ups_of_device[device] += len(accounts)
        if world.sign_ups_of_device[device] >= 4 and world.draws.happens(chance):
            for account in accounts:
                ban(world, account, day)


def review_requests(world: World, day: int) -> None:
    """Look at accounts with many requests, and at those that a classifier or a report names."""
    settings, draws = world.settings, world.draws
    for account, requests in world.requests_today.items():
        reported = 0.006 if world.accounts[account].campaign else 0.00012
        is_heavy = requests > settings.volume_limit and draws.happens(0.012 * settings.ban_rate)
        if is_heavy or draws.happens(reported * settings.ban_rate):
            ban(world, account, day)


def review_day(world: World, day: int) -> None:
    """Review a day in its evening. The last two days are not reviewed."""
    decide_appeals(world, day)
    if world.settings.ban_rate and day < world.days - 2:
        review_networks(world, day)
        review_instruments(world, day)
        review_devices(world, day)
        review_requests(world, day)
    world.new_today = []
    world.instruments_today = set()
    world.requests_today = defaultdict(int)


def close_accounts(world: World) -> None:
    """Close some accounts that are no longer used: people leave, and operators retire accounts alike."""
    sessions = world.log.sessions.read()
    last = np.full(len(world.accounts), -(10**9))
    np.maximum.at(last, sessions[:, 0], sessions[:, 4])
    end = world.end - 7200
    for number, row in enumerate(world.accounts):
        first = max(int(last[number]), row.created, 0) + 3600
        if row.status == "active" and first < end - 2 * DAY and world.draws.happens(0.03):
            row.status = "closed"
            row.status_changed = world.draws.random.randrange(first, end)
