"""The run of a world from its first day to its last."""

from bench.held_out_agents.campaigns import run_day
from bench.held_out_agents.groups import plan_population
from bench.held_out_agents.operators import Operator
from bench.held_out_agents.provider import close_accounts, review_day
from bench.held_out_agents.settings import WORLDS
from bench.held_out_agents.sign_ups import open_account
from bench.held_out_agents.visits import spend_day
from bench.held_out_agents.world import World

MOST_ACCOUNTS = 40_000


class TooFewAccounts(ValueError):
    """A world is too small for its operators."""


def draw_operators(world: World) -> list[Operator]:
    """Return the operators of a world, large ones in proportion to its accounts.

    Raises:
        TooFewAccounts: Operators would have more than 60 % of the accounts.
    """
    scale = world.size / world.settings.accounts
    operators = []
    for position, (fewest, most) in enumerate(world.settings.operator_sizes):
        drawn = world.draws.random.randint(fewest, most) * (scale if most > 20 else 1)
        capacity = max(5, min(8000, round(drawn)))
        operators.append(Operator(world, position + 1, capacity))
    total = sum(operator.traits.capacity for operator in operators)
    if total > 0.6 * world.size:
        raise TooFewAccounts(
            f"Operators of world {world.settings.number} need {total} accounts, more than 60 % of"
            f" {world.size}. Ask for more accounts."
        )
    return operators


def simulate_world(number: int, seed: int, accounts: int | None = None) -> World:
    """Return a world after its last day.

    Args:
        number: The number of the world, 1 to 8.
        seed: The seed of all draws.
        accounts: About how many accounts the world has; without it, as many as the world says.
    """
    settings = WORLDS[number]
    world = World(settings, seed, min(accounts or settings.accounts, MOST_ACCOUNTS))
    operators = draw_operators(world)
    plan_population(world, world.size - sum(operator.traits.capacity for operator in operators))
    open_earlier_accounts(world)
    for day in range(world.days):
        world.market.day = day
        for holder in world.sign_ups[day]:
            open_account(world, holder, day)
        for operator in operators:
            run_day(operator, day)
        for holder in world.visits[day]:
            spend_day(world, holder, day)
        review_day(world, day)
    close_accounts(world)
    return world


def open_earlier_accounts(world: World) -> None:
    """Open the accounts that are older than the calendar. The provider does not review them."""
    world.earlier.sort(key=lambda planned: planned[0])
    for day, holder in world.earlier:
        open_account(world, holder, day)
    world.new_today = []
    world.instruments_today = set()
