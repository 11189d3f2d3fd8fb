"""The members of one population or campaign: groups, sign-ups, bans and replacements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from graphsvc_lab.worlds.clock import DAY, HOUR, draw_human_times, move_into_shift
from graphsvc_lab.worlds.markets import Shelf
from graphsvc_lab.worlds.profiles import Campaign, Life, Pool, Population, Profile, Signup
from graphsvc_lab.worlds.scenario import Scenario
from graphsvc_lab.worlds.streams import Floats, Ints, Streams, draw_between

STATUSES = ("active", "suspended", "banned", "closed")
ROLES = ("member", "sleeper", "replacement")
ACTIVE, SUSPENDED, BANNED, CLOSED = range(4)
MEMBER, SLEEPER, REPLACEMENT = range(3)
NONE = -1


@dataclass(frozen=True, slots=True)
class Members:
    """The accounts of one population or campaign; every array has shape (n,), times are seconds since 1970.

    `group` counts from 0 and is never decreasing for legitimate populations; `ended` is when the account
    stopped being active (the world's end if it never did); `predecessor` is the index of the banned
    account a replacement follows, or -1; `eagerness` scales the member's reuse of its group's pools.
    `team` counts from 0 within a campaign (none: one team), `busy` scales what a member does (none: 1).
    `shelves` are the world's markets.
    """

    name: str
    profile: Profile
    group: Ints
    created: Ints
    ended: Ints
    status: Ints
    role: Ints
    predecessor: Ints
    eagerness: Floats
    team: Ints | None = None
    busy: Floats | None = None
    shelves: Mapping[str, Shelf] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.group)

    @property
    def groups(self) -> int:
        """Return the number of groups."""
        return int(self.group.max()) + 1 if len(self.group) else 0

    def group_for(self, pool: Pool) -> Members:
        """Return these members in the groups that share `pool`: their teams, or as they are."""
        return replace(self, group=self.team) if pool.by_team and self.team is not None else self

    @property
    def campaign(self) -> bool:
        """Return whether these accounts are a campaign's."""
        return isinstance(self.profile, Campaign)


def split_groups(rng: np.random.Generator, accounts: int, bounds: tuple[int, int]) -> Ints:
    """Split accounts into groups of log-uniform size; group numbers, shape (accounts,)."""
    if accounts == 0:
        return np.empty(0, dtype=np.int64)
    if bounds == (1, 1):
        return np.arange(accounts, dtype=np.int64)
    low, high = np.log(bounds[0]), np.log(bounds[1] + 1)
    sizes = np.exp(draw_between(rng, (low, high), accounts // bounds[0] + 1)).astype(np.int64)
    ends = np.cumsum(sizes)
    return np.searchsorted(ends, np.arange(accounts), side="right").astype(np.int64)


def draw_births(rng: np.random.Generator, group: Ints, signup: Signup, scenario: Scenario) -> Ints:
    """Draw times of sign-up. Members of a group come in bursts, bursts at human or at even hours."""
    n = len(group)
    span = scenario.end - scenario.start - HOUR
    low = np.full(n, scenario.start + int(span * signup.window[0]))
    high = np.full(n, scenario.start + int(span * signup.window[1]))
    if signup.burst == (1, 1) and signup.lasting == (1.0, 1.0):
        return draw_human_times(rng, low, high)
    starts_group = np.flatnonzero(np.diff(group, prepend=-1))
    groups = len(starts_group)
    lasting = (draw_between(rng, signup.lasting, groups) * (high - low)[starts_group]).astype(np.int64)
    low = (
        low[starts_group] + (rng.random(groups) * ((high - low)[starts_group] - lasting)).astype(np.int64)
    )[group]
    high = low + lasting[group]

    place = np.arange(n) - starts_group[group]
    length = rng.integers(signup.burst[0], signup.burst[1] + 1, groups)[group]
    new_burst = (place % length) == 0
    first = np.flatnonzero(new_burst)
    burst = np.cumsum(new_burst) - 1
    ramp = 1.6 if signup.ramp is None else signup.ramp
    moments = draw_human_times(rng, low[first], high[first], ramp)
    when = rng.random(len(first))
    when = when if signup.ramp is None else when ** (1 / ramp)
    even = low[first] + (when * (high - low)[first]).astype(np.int64)
    moments = np.where(rng.random(len(first)) < signup.steady, even, moments)
    if signup.shift is not None:
        moments = np.maximum(move_into_shift(rng, moments, signup.shift), scenario.start)
    within = (rng.random(n) * length * signup.minutes * 60).astype(np.int64)
    latest: Ints = np.minimum(moments[burst] + within, scenario.end - HOUR)
    return latest


def draw_population(
    rng: np.random.Generator, name: str, population: Population, accounts: int, world: Scenario
) -> Members:
    """Draw the accounts of a population that no campaign runs."""
    group = split_groups(rng, accounts, population.size)
    created = draw_births(rng, group, population.signup, world)
    status, ended = _draw_honest_ends(rng, created, population.life, world.end)
    nobody = np.full(accounts, NONE, dtype=np.int64)
    return Members(
        name,
        population,
        group,
        created,
        ended,
        status,
        np.zeros(accounts, np.int64),
        nobody,
        np.ones(accounts),
    )


def equip_members(members: Members, streams: Streams, shelves: Mapping[str, Shelf]) -> Members:
    """Return `members` with their teams, how much each does, and the markets of their world.

    Teams are blocks in the order of sign-up, as an operator hires one team after the other; a replacement belongs
    to the team of the account it follows. The numbers come from streams of their own.
    """
    profile, n = members.profile, len(members)
    team = busy = None
    if isinstance(profile, Campaign) and profile.teams[1] > 1:
        rng = streams.rng("teams", members.name)
        first = np.flatnonzero(members.predecessor == NONE)
        teams = min(int(rng.integers(profile.teams[0], profile.teams[1] + 1)), max(len(first) // 3, 1))
        bounds = np.sort(rng.random(teams - 1)) * len(first)
        team = np.zeros(n, dtype=np.int64)
        order = first[np.argsort(members.created[first], kind="stable")]
        team[order] = np.searchsorted(bounds, np.arange(len(first)), side="right")
        for i in np.flatnonzero(members.predecessor != NONE):  # predecessors have lower numbers
            team[i] = team[members.predecessor[i]]
    if profile.spread:
        noise = streams.rng("busy", members.name).normal(0.0, profile.spread, n)
        busy = np.exp(noise - profile.spread**2 / 2)  # the mean of a log-normal variable is 1 so
    return replace(members, team=team, busy=busy, shelves=shelves)


def _draw_honest_ends(rng: np.random.Generator, created: Ints, life: Life, end: int) -> tuple[Ints, Ints]:
    u = rng.random(len(created))
    limits = np.cumsum([life.suspended, life.banned, life.closed])
    status = np.array([SUSPENDED, BANNED, CLOSED, ACTIVE])[np.searchsorted(limits, u, side="right")]
    moment = created + HOUR + ((end - created - HOUR) * rng.random(len(created))).astype(np.int64)
    return status, np.where(status == ACTIVE, end, moment)


def draw_campaign(
    rng: np.random.Generator, name: str, style: Campaign, accounts: int, world: Scenario
) -> Members:
    """Draw the accounts of one campaign: first members in bursts, then weekly bans and replacements of the banned.

    Each week after the first sign-ups has a ban wave. The scenario gives either the number of replacements of
    the campaign, spread over the waves in proportion to the living members, or the share of the living that
    each wave bans. In the second case there are about as many accounts as asked for.
    """
    replacements = round(style.replacements * accounts)
    if style.banned_weekly:
        born_first, replacements = _draw_first_members(rng, style, accounts, world)
    else:
        born_first = draw_births(rng, np.zeros(accounts - replacements, np.int64), style.signup, world)
    first = len(born_first)
    accounts = first + replacements
    created = np.concatenate([np.sort(born_first), np.full(replacements, world.end)])
    ended = np.full(accounts, world.end)
    status = np.full(accounts, ACTIVE, dtype=np.int64)
    predecessor = np.full(accounts, NONE, dtype=np.int64)

    if style.banned_weekly:
        waves = [(int(moment), 0, 0) for moment in _draw_wave_moments(rng, created[:first], world.end)]
    else:
        waves = _plan_waves(rng, created[:first], replacements, style.replaced, world.end)
    born = first
    for moment, planned, followed_by in waves:
        alive = np.flatnonzero((created < moment - DAY) & (status == ACTIVE))
        banned, replaced = planned, followed_by
        if style.banned_weekly:
            banned = _round_randomly(rng, style.banned_weekly * len(alive))
            replaced = min(_round_randomly(rng, style.replaced * banned), accounts - born)
        gone = rng.choice(alive, size=min(banned, len(alive)), replace=False)
        status[gone] = BANNED
        ended[gone] = moment + rng.integers(0, 6 * HOUR, len(gone))
        successors = np.arange(born, born + min(replaced, len(gone)))
        followed = gone[: len(successors)]
        delay = (draw_between(rng, style.replaced_after_hours, len(successors)) * HOUR).astype(np.int64)
        created[successors] = np.minimum(ended[followed] + delay, world.end - HOUR)
        predecessor[successors] = followed
        born += len(successors)

    role = np.zeros(accounts, np.int64)
    role[:first][rng.random(first) < style.sleepers] = SLEEPER
    role[first:] = REPLACEMENT
    eagerness = np.where(role == SLEEPER, style.sleeper_reuse, 1.0)
    kept = np.arange(accounts) < born  # a wave without enough members alive leaves replacements unborn
    return Members(
        name, style, np.zeros(born, np.int64), created[kept], ended[kept], status[kept], role[kept],
        predecessor[kept], eagerness[kept],
    )  # fmt: skip


def _draw_first_members(
    rng: np.random.Generator, style: Campaign, accounts: int, world: Scenario
) -> tuple[Ints, int]:
    """Draw sign-ups of accounts that replace none, and the room for replacements, for bans by share.

    The numbers are such that about `accounts` accounts are born in total.
    """
    created = np.sort(draw_births(rng, np.zeros(accounts, np.int64), style.signup, world))
    moments = _draw_wave_moments(rng, created, world.end)
    alive = np.searchsorted(created, moments - DAY)
    expected = style.banned_weekly * style.replaced * float(alive.sum()) / accounts
    first = max(1, round(accounts / (1 + expected)))
    # A quarter more room than is expected: each wave's numbers are rounded by chance.
    return rng.choice(created, first, replace=False), round(1.25 * expected * first) + 8


def _round_randomly(rng: np.random.Generator, number: float) -> int:
    """Round to the integer below or above, `number` on average."""
    # With plain rounding a twentieth of a ring of ten would never be banned.
    return int(number + rng.random())


def _draw_wave_moments(rng: np.random.Generator, created: Ints, end: int) -> Ints:
    """Draw the times of the weekly waves, shape (waves,)."""
    first = int(created[min(len(created) - 1, len(created) // 10)]) + 2 * DAY + int(rng.integers(DAY))
    moments = np.arange(first, end - 4 * DAY, 7 * DAY)
    return moments if len(moments) else np.array([end - 4 * DAY])


def _plan_waves(
    rng: np.random.Generator, created: Ints, replacements: int, replaced: float, end: int
) -> list[tuple[int, int, int]]:
    """Return (time, number banned, number replaced) of each weekly wave."""
    if replacements == 0:
        return []
    moments = _draw_wave_moments(rng, created, end)
    alive = np.maximum(np.searchsorted(created, moments - DAY), 1)
    share = np.cumsum(alive) / alive.sum()
    upto = np.round(share * replacements).astype(np.int64)
    successors = np.diff(upto, prepend=0)
    return [
        (int(t), int(np.ceil(s / replaced)), int(s))
        for t, s in zip(moments, successors, strict=True)
        if s > 0
    ]
