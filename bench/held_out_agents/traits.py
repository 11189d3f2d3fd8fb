"""What an operator is like: its care, what it economises on, when and how it works."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.held_out_agents.draws import Draws
from bench.held_out_agents.vocabulary import COUNTRIES, NOUNS, Country

STRONG_LEAKS = frozenset(("ip", "card", "device", "prompt"))
"""Resources whose reuse is enough to find a campaign."""
USES: Mapping[str, tuple[int, int, int]] = {
    "ip": (3, 8, 3),
    "card": (3, 6, 2),
    "phone": (3, 5, 2),
    "device": (3, 8, 2),
    "host": (6, 25, 2),
}
"""Fewest and most uses of a resource that leaks, and the most of one that does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Traits of one operator. Days are those of the calendar."""

    name: str
    capacity: int
    """Accounts that the operator ever makes, at most."""
    care: float
    leaks: tuple[str, ...]
    utc_offset: int
    country: Country
    span: float
    """Days of its activity."""
    start: int
    end: int
    mode: str
    """How accounts are made: by a script in batches, by a shift of workers, or one by one."""
    exit_kind: str
    dispatcher: str
    """How work is given to accounts: in turn, handed from one to the next, in shards, or to the least used."""
    buys_aged: bool
    uses: Mapping[str, int]
    """How many accounts share one unit of a resource, at most."""

    def has_leak(self, resource: str) -> bool:
        """Return whether the operator economises on a resource."""
        return resource in self.leaks


def draw_leaks(draws: Draws, care: float, capacity: int) -> list[str]:
    """Return the resources on which an operator economises."""
    settings, rng = draws.settings, draws.random
    if settings.certain_leak:
        others = rng.sample(settings.leaks, settings.leak_count - 1)
        leaks = list(dict.fromkeys([settings.certain_leak, *others]))
    else:
        leaks = rng.sample(settings.leaks, min(len(settings.leaks), settings.leak_count))
        # A careful operator often has one leak only, if this one is strong.
        is_careful = len(leaks) > 1 and care > 0.5 and capacity > 15 and leaks[0] in STRONG_LEAKS
        if is_careful and draws.happens(0.45):
            leaks = leaks[:1]
    if not STRONG_LEAKS.intersection(leaks):
        leaks[0] = next(leak for leak in ("card", "device", "ip") if leak in settings.leaks)
    return leaks


def draw_uses(draws: Draws, care: float, capacity: int, leaks: list[str]) -> dict[str, int]:
    """Return how many accounts share one unit of each resource."""
    limit = max(2, capacity // 4)
    uses = {}
    for resource, (fewest, most, loose) in USES.items():
        if resource in leaks:
            uses[resource] = min(limit, draws.random.randint(fewest, most))
        else:
            uses[resource] = 1 if care > 0.55 else min(limit, loose)
    return uses


def choose_exit_kind(draws: Draws, drawn: str, leaks: list[str]) -> str:
    """Return the kind of exits; crowded ones are not taken where addresses alone give the operator away."""
    is_alone = "ip" in leaks and not {"card", "device", "prompt"}.intersection(leaks)
    if is_alone and drawn in ("vpn", "mobile"):
        return "hosting" if "hosting" in draws.settings.exits else "resi"
    return drawn


def draw_traits(draws: Draws, number: int, capacity: int) -> Traits:
    """Return the traits of the operator of a number."""
    rng, settings = draws.random, draws.settings
    name = f"op{number:02d}-{rng.choice(NOUNS)}"
    care = rng.uniform(*settings.care)
    leaks = draw_leaks(draws, care, capacity)
    utc_offset, country = rng.choice((7, 7, 2, 5, -3, 1, 8)), rng.choice(COUNTRIES)
    span = (rng.uniform(0.45, 0.95) if capacity > 15 else rng.uniform(0.3, 0.8)) * settings.days
    start = int(rng.uniform(0, settings.days - span))
    mode = rng.choice(("script", "shift", "drip") if capacity < 1200 else ("script", "shift"))
    exit_kind = choose_exit_kind(draws, rng.choice(settings.exits), leaks)
    return Traits(
        name=name,
        capacity=capacity,
        care=care,
        leaks=tuple(leaks),
        utc_offset=utc_offset,
        country=country,
        span=span,
        start=start,
        end=int(start + span),
        mode=mode,
        exit_kind=exit_kind,
        dispatcher=rng.choice(("round", "handoff", "shard", "least")),
        buys_aged=draws.happens(0.25),
        uses=draw_uses(draws, care, capacity, leaks),
    )
