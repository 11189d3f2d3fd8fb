"""What an operator buys for its accounts: units in lots, mailboxes and prompts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.held_out_agents.draws import Draws, Instrument
from bench.held_out_agents.market import Market
from bench.held_out_agents.traits import Traits
from bench.held_out_agents.vocabulary import FIRST_NAMES, LAST_NAMES, NOUNS, TOPICS

Unit = TypeVar("Unit")


@dataclass(slots=True)
class Purse:
    """The money of an operator."""

    cash: float


@dataclass(slots=True)
class OpenUnit(Generic[Unit]):
    """A unit in use, with the number of accounts that have it and may have it."""

    unit: Unit
    uses: int
    limit: int


class Stock(Generic[Unit]):
    """Units that are bought in lots. Accounts get any unit of an open window, until each is used up."""

    def __init__(
        self,
        draws: Draws,
        purse: Purse,
        buy: Callable[[int], list[Unit]],
        price: float,
        *,
        uses: int,
        lot: int,
        window: int,
    ) -> None:
        self.draws = draws
        self.purse = purse
        self.buy = buy
        self.price = price
        self.uses = uses
        self.lot = lot
        self.window = window
        self.shelf: list[Unit] = []
        self.opened: list[OpenUnit[Unit]] = []
        self.spent: list[Unit] = []

    def take(self) -> Unit:
        """Return a unit for an account."""
        rng = self.draws.random
        while len(self.opened) < self.window:
            if not self.shelf and not self._restock():
                break
            if self.shelf:
                limit = max(1, round(self.uses * rng.uniform(0.6, 1.4)))
                self.opened.append(OpenUnit(self.shelf.pop(0), 0, limit))
        chosen = self.opened[int(rng.random() * len(self.opened))]
        chosen.uses += 1
        if chosen.uses >= chosen.limit:
            self.opened.remove(chosen)
            self.spent.append(chosen.unit)
            if len(self.spent) > 60:
                self.spent.pop(0)
        return chosen.unit

    def _restock(self) -> bool:
        """Buy a lot, or what the cash allows; return false if units in use must do."""
        cost = self.price * self.lot
        if self.purse.cash >= cost:
            self.purse.cash -= cost
            self.shelf = list(self.buy(self.lot))
        elif self.opened:
            return False
        elif self.spent:
            # Without cash the old units are used again.
            unit = self.draws.random.choice(self.spent)
            self.opened.append(OpenUnit(unit, 0, max(1, self.uses // 2)))
        else:
            self.shelf = list(self.buy(1))
            self.purse.cash -= self.price
        return True


class Supplies:
    """The stocks of one operator."""

    def __init__(self, market: Market, traits: Traits, purse: Purse) -> None:
        draws, rng, uses, capacity = market.draws, market.draws.random, traits.uses, traits.capacity
        lot = max(4, min(200, capacity // 6))
        window = max(2, min(12, capacity // 8))
        sellers = rng.sample(market.numbers, min(2, len(market.numbers)))
        banks = rng.sample(market.cards, min(2, len(market.cards)))
        images = rng.choice(market.images)

        def buy_numbers(count: int) -> list[str]:
            return rng.choice(sellers).sell(count, market.day)

        def buy_cards(count: int) -> list[Instrument]:
            return rng.choice(banks).sell(count)

        def buy_hosts(count: int) -> list[str]:
            return [f"{rng.choice(('hk', 'api', 'cb', 'r1'))}.{draws.draw_domain()}" for _ in range(count)]

        def buy_keys(count: int) -> list[str]:
            return [draws.draw_hex(12) for _ in range(count)]

        self.numbers = Stock(draws, purse, buy_numbers, 0.4, uses=uses["phone"], lot=lot, window=window)
        cards = max(3, lot // uses["card"])
        self.cards = Stock(draws, purse, buy_cards, 2.5, uses=uses["card"], lot=cards, window=window)
        devices = max(2, lot // uses["device"])
        self.devices = Stock(draws, purse, images.sell, 1.5, uses=uses["device"], lot=devices, window=window)
        self.hosts = Stock(draws, purse, buy_hosts, 0.5, uses=uses["host"], lot=2, window=2)
        keys = uses["host"] if traits.has_leak("host") else 1
        self.keys = Stock(draws, purse, buy_keys, 0.1, uses=keys, lot=3, window=3)


class Mailboxes:
    """The e-mail addresses of one operator: aliases of its own, own domains, or bought mailboxes."""

    def __init__(self, market: Market, traits: Traits, purse: Purse) -> None:
        self.draws = market.draws
        self.purse = purse
        self.capacity = traits.capacity
        rng, capacity = self.draws.random, traits.capacity
        self.sellers = rng.sample(market.mailboxes, 2 if capacity > 40 else 1)
        self.domains: list[str] = []
        self.bases: list[str] = []
        """Local parts before the plus of an alias."""
        if traits.has_leak("mail"):
            count = max(1, min(12, capacity // 25))
            self.domains = [self.draws.draw_domain() for _ in range(count)]
            if self.draws.happens(0.4):
                self.bases = [
                    f"{rng.choice(FIRST_NAMES[0])}{rng.choice(NOUNS)}{rng.randrange(99)}"
                    for _ in range(max(2, capacity // 12))
                ]

    def draw_email(self, made: int) -> tuple[str, str]:
        """Return an address and a name for the account after `made` others."""
        draws, rng = self.draws, self.draws.random
        if self.bases and draws.happens(0.7):
            base = rng.choice(self.bases)
            email = draws.claim_email(f"{base}+{rng.choice(NOUNS)}{rng.randrange(99)}@gmail.com")
            return email, rng.choice(FIRST_NAMES[0])
        if self.domains and draws.happens(0.75):
            group = rng.randrange(5)
            first, last = rng.choice(FIRST_NAMES[group]), rng.choice(LAST_NAMES[group])
            local = f"{first}{last[: rng.randint(1, 6)]}{rng.randrange(999)}"
            # One domain after the other is used up.
            position = int(made / self.capacity * len(self.domains))
            domain = self.domains[min(len(self.domains) - 1, position)]
            return draws.claim_email(f"{local}@{domain}"), f"{first} {last}"
        mailbox = rng.choice(self.sellers).sell()
        self.purse.cash -= 0.05
        return mailbox


class PromptPlan:
    """The prompt templates and items of one operator, and its cover traffic."""

    def __init__(self, market: Market, traits: Traits) -> None:
        draws, rng, capacity = market.draws, market.draws.random, traits.capacity
        is_leak = traits.has_leak("prompt")
        count = rng.randint(6, 14) if capacity < 100 else rng.randint(15, 60)
        self.templates = [draws.draw_template() for _ in range(count)]
        # A bought pack: rivals and readers have it too.
        if draws.happens(0.35):
            self.templates += rng.sample(rng.choice(market.packs), 8)
        self.draws = draws
        self.items = [self._draw_item() for _ in range(self._count_items(capacity, is_leak))]
        self.cover_share = 0.15 + 0.5 * traits.care * (not is_leak)
        """Share of prompts that look like those of honest people."""
        self.skeleton_share = 0.3 if is_leak else 0.04

    @staticmethod
    def _count_items(capacity: int, is_leak: bool) -> int:
        """Return the number of items: few where prompts leak, so that they come again."""
        if is_leak:
            return 30 if capacity < 100 else 120
        if capacity < 20:
            return 250
        return 1500 if capacity < 100 else 9000

    def _draw_item(self) -> str:
        """Return what one prompt is about."""
        rng = self.draws.random
        if self.draws.happens(0.7):
            return f"{rng.choice(NOUNS)} {rng.choice(TOPICS)} {rng.randrange(10**4)}"
        return f"{rng.choice(NOUNS)} {rng.choice(NOUNS)} {rng.randrange(100)}"
