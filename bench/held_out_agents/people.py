"""Honest people: where they live, what they use, how they pay."""

from typing import NamedTuple

from bench.held_out_agents.draws import Instrument
from bench.held_out_agents.internet import AddressPool, Household
from bench.held_out_agents.market import Market
from bench.held_out_agents.suppliers import VpnProvider
from bench.held_out_agents.vocabulary import DESKTOP_AGENTS, FIRST_NAMES, LAST_NAMES, Country


class Trip(NamedTuple):
    """Days away from home, and the network that is used there."""

    first_day: int
    end: int
    pool: AddressPool

    def includes(self, day: int) -> bool:
        """Return whether the person is away on a day."""
        return self.first_day <= day < self.end


def draw_card_kind(drawn: float) -> str:
    """Return the kind of an honest person's instrument for a number between 0 and 1."""
    for bound, kind in ((0.72, "card"), (0.9, "wallet"), (0.96, "bank")):
        if drawn < bound:
            return kind
    return "prepaid"


class Person:
    """A person with a home, devices and habits, who may hold several accounts."""

    __slots__ = (
        "cafe",
        "card",
        "country",
        "first_name",
        "habits",
        "household",
        "is_private",
        "laptop",
        "laptop_agent",
        "last_name",
        "market",
        "mobile",
        "number",
        "phone",
        "phone_agent",
        "public_share",
        "trip",
        "upgrade_day",
        "vpn",
    )

    def __init__(self, market: Market, country: Country | None = None, is_private: bool = False) -> None:
        draws, internet = market.draws, market.internet
        rng, settings = draws.random, draws.settings
        self.market = market
        self.is_private = is_private
        """The person hides: buys numbers and cards, and uses a VPN."""
        self.country = country or draws.draw_country()
        code = self.country.code
        self.first_name = rng.choice(FIRST_NAMES[self.country.name_group])
        last_name = rng.choice(LAST_NAMES[self.country.name_group])
        self.household: Household = internet.draw_household(code)
        self.last_name = self.household.add_member(last_name)
        if self.household.size >= 5 and self.household in internet.open_households[code]:
            internet.open_households[code].remove(self.household)
        self.laptop = draws.draw_device() if draws.happens(0.8) else None
        self.phone, self.phone_agent = draws.draw_phone_device(code)
        self.laptop_agent = rng.choice(DESKTOP_AGENTS)
        self.mobile: AddressPool = rng.choice(internet.localities[code].mobile)
        self.vpn: VpnProvider | None = None
        if is_private or draws.happens(settings.vpn_share):
            self.vpn = rng.choice(market.vpns)
        self.habits: list[int] = []
        """Prompts that are written again."""
        self.upgrade_day = int(rng.random() * settings.days * 3)
        self.trip = self._draw_trip()
        self.card: Instrument | None = None
        self.number: str | None = None
        self.public_share = rng.random() * 0.35 if draws.happens(0.5) else 0
        self.cafe = rng.choice(internet.localities[code].cafes) if draws.happens(0.25) else None

    def _draw_trip(self) -> Trip | None:
        """Return a trip for three in ten people."""
        draws, rng, internet = self.market.draws, self.market.draws.random, self.market.internet
        first_day = int(rng.random() * draws.settings.days * 2.5)
        if not draws.happens(0.3):
            return None
        end = first_day + rng.randint(2, 12)
        return Trip(first_day, end, rng.choice(internet.mobile if draws.happens(0.5) else internet.hotels))

    def replace_phone(self) -> None:
        """Give the person a new phone, once in a calendar."""
        self.phone, self.phone_agent = self.market.draws.draw_phone_device(self.country.code)
        self.upgrade_day = 10**6

    def get_number(self) -> str:
        """Return the phone number, which is drawn when it is first needed."""
        if self.number is None:
            draws, household = self.market.draws, self.household
            if self.is_private:
                self.number = draws.random.choice(self.market.numbers).sell(1, self.market.day)[0]
            elif household.phone and draws.happens(0.12):
                self.number = household.phone
            else:
                self.number = draws.draw_phone_number(self.country.code)
                household.phone = household.phone or self.number
        return self.number

    def get_card(self) -> Instrument:
        """Return the means of payment, which is drawn when it is first needed."""
        if self.card is None:
            draws, household = self.market.draws, self.household
            if self.is_private and draws.happens(0.7):
                self.card = draws.random.choice(self.market.cards).sell(1)[0]
            elif household.card and draws.happens(0.55):
                self.card = household.card
            else:
                self.card = self._draw_card()
                household.card = household.card or self.card
        return self.card

    def _draw_card(self) -> Instrument:
        """Return a new instrument."""
        draws, code = self.market.draws, self.country.code
        drawn = draws.random.random()
        bank = self.market.internet.localities[code].card_bins
        token = draws.draw_token()
        card = Instrument(token, draw_card_kind(drawn), draws.random.choice(bank), code)
        if drawn > 0.99:
            return draws.random.choice(self.market.exchanges)
        return card
