"""Hostile operators: their suppliers, their policies and their schedule."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypedDict, TypeVar

from bench.held_out_suppliers.actors import (
    Account,
    Antidetect,
    Card,
    CardSupplier,
    Device,
    Hours,
    NumberSupplier,
    Person,
)
from bench.held_out_suppliers.clock import DAY, HOUR, get_day_of_week, get_local_hour
from bench.held_out_suppliers.jobs import Job
from bench.held_out_suppliers.offices import open_office
from bench.held_out_suppliers.people import draw_country, draw_person, draw_user_agent
from bench.held_out_suppliers.places import Address, Rotating
from bench.held_out_suppliers.reference import COUNTRIES, PROGRAM_CLIENTS, TEMPORARY_MAIL
from bench.held_out_suppliers.world import World

T = TypeVar("T")

ACCOUNTS_A_CARD = {"shared": 8, "few": 3, "one": 1, "none": 0}
"""The number of accounts that an operator pays by one card, by its policy."""


class Stock(Protocol):
    """A vendor's stock of aged accounts."""

    def sell(self, buyer: "Operator") -> Account | None:
        """Return an account, if there is one for this buyer."""
        ...


class Choices(TypedDict, total=False):
    """The traits of an operator that a world fixes; the rest is drawn."""

    network: str
    device: str
    card: str
    mail: str
    numbers: NumberSupplier
    paraphrase: int
    client: str
    start: float
    stop: float
    vendor: Stock | None
    promptless_share: float


@dataclass(slots=True)
class Used(Generic[T]):
    """A thing that an operator uses for several accounts, with the number of those."""

    value: T
    accounts: int = 1


class Operator:
    """A hostile operator.

    Policies are drawn independently, so that an operator who is careful in one signal may be careless in another.
    """

    def __init__(
        self,
        world: World,
        campaign: str | None,
        kind: str,
        size: int,
        care: float,
        rival: "Operator | None" = None,
        fixed: Choices | None = None,
    ) -> None:
        self.world = world
        self.rng = world.rng
        self.campaign = campaign
        self.kind = kind
        self.size = size
        self.care = care
        self.is_careless = care < 0.5
        self.fixed = fixed or Choices()
        self._draw_policies()
        self._draw_suppliers(rival)
        self._draw_work()
        self._draw_schedule()
        self._draw_load()
        self.proxies = self._draw_addresses()
        self.cards_made: list[Used[Card]] = []
        self.profiles: list[Used[Device]] = []
        self.claimed_countries = self.rng.sample(list(COUNTRIES), 4)
        self.vendor = self.fixed.get("vendor")
        # Some accounts of a careful operator show no prompt of its jobs, where other tables show them.
        share = (0.05 if self.is_careless else 0.2) if "payments" in world.settings.tables else 0
        self.promptless_share = self.fixed.get("promptless_share", share)
        # Without prompts and with addresses that change, nothing but devices would join the accounts.
        has_prompts = "prompts" in world.settings.tables
        if not has_prompts and self.network in ("rotating", "modem", "vpn"):
            self.device = "reuse"
        self.mail_pattern = self.rng.choice(("names4", "dotted", "word2", "joined"))

    def _draw_policies(self) -> None:
        """Draw the country and the policies for networks, devices, cards and mail."""
        rng, is_careless = self.rng, self.is_careless
        self.country = draw_country(self.world)
        self.utc_offset = COUNTRIES[self.country].utc_offset
        networks = ["hosting", "sticky", "sticky", "modem", "vpn"]
        drawn = rng.choice(networks if is_careless else ["sticky", "rotating", "sticky", "modem"])
        self.network: str = self.fixed.get("network", drawn)
        drawn = rng.choice(["reuse", "reuse", "api"] if is_careless else ["unique", "api", "unique"])
        self.device = self.fixed.get("device", drawn)
        drawn = rng.choice(["shared", "shared", "few", "none"] if is_careless else ["few", "few", "one"])
        self.card: str = self.fixed.get("card", drawn)
        drawn = rng.choice(
            ["domain", "pattern", "temporary", "plus"] if is_careless else ["pattern", "domain", "bought"]
        )
        self.mail: str = self.fixed.get("mail", drawn)

    def _draw_suppliers(self, rival: "Operator | None") -> None:
        """Draw the suppliers; rivals have the same."""
        rng, world = self.rng, self.world
        self.numbers: NumberSupplier
        self.numbers = self.fixed.get("numbers") or (
            rival.numbers if rival else rng.choice(world.number_suppliers)
        )
        self.cards: CardSupplier = rival.cards if rival else rng.choice(world.card_suppliers)
        self.proxy_supplier: list[Address]
        self.proxy_supplier = rival.proxy_supplier if rival else rng.choice(world.proxy_suppliers)
        self.antidetect: Antidetect = rival.antidetect if rival else rng.choice(world.antidetect)
        self.mail_domains: list[str]
        if rival:
            self.mail_domains = rival.mail_domains[:6]
        else:
            count = 4 if self.size < 500 else 10
            self.mail_domains = rng.sample(rng.choice(world.mail_domains), count)

    def _draw_work(self) -> None:
        """Draw the jobs, the staff with its office, and the programs."""
        rng, world, care = self.rng, self.world, self.care
        self.paraphrase = self.fixed.get("paraphrase", 0 if care < 0.35 else 1 if care < 0.75 else 2)
        self.jobs = [
            Job(world, rng.choice(["math", "code", "agent", "rubric", "qa"]), self.paraphrase)
            for _ in range(1 if self.size < 400 else 3)
        ]
        self.slip_share = 0.12 if self.is_careless else 0.04
        self.staff = [draw_person(world, self.country) for _ in range(1 + min(5, self.size // 60))]
        self.office = open_office(world, self.country, "corporate", "x", is_listed=False)
        drawn = rng.choice(PROGRAM_CLIENTS)
        self.client = self.fixed.get("client", drawn)
        self.configs = [world.draw_hex_id(16) for _ in range(1 + self.size // 300)]
        frame = rng.choice(("api.{}", "cb-{}", "hooks.{}", "ai-{}"))
        self.hook = frame.format(f"{world.draw_word(2)}.{rng.choice(('com', 'net', 'io', 'site'))}")
        self.referral = f"R{world.draw_hex_id(6)}"

    def _draw_schedule(self) -> None:
        """Draw the period, the waves of sign-ups, and the outages in which all accounts stop together."""
        rng, world = self.rng, self.world
        days = world.settings.days
        self.schedule_seed = rng.randrange(1 << 30)
        drawn = rng.uniform(0.05, 0.4)
        self.start = world.start + int(self.fixed.get("start", drawn) * days) * DAY
        drawn = rng.uniform(0.75, 0.99)
        self.stop = world.start + int(self.fixed.get("stop", drawn) * days) * DAY
        own = random.Random(self.schedule_seed)
        self.waves = sorted(own.uniform(0, 0.75) for _ in range(max(1, min(12, self.size // 12))))
        self.waves[0] = 0
        self.outages: list[tuple[int, int]] = []
        for _ in range(max(2, days // 9)):
            begin = own.randrange(self.start, self.stop)
            self.outages.append((begin, begin + own.randrange(4, 30) * HOUR))

    def _draw_load(self) -> None:
        """Draw the hours of the programs and their requests an hour."""
        rng = self.rng
        self.keeps_office_hours = rng.choice(["auto", "auto", "office"]) == "office"
        self.rotation = rng.choice((2, 3, 4, 6))
        self.fraction = rng.choice((2, 3, 4))
        self.rate = rng.choice((18, 40, 75, 140))

    def _draw_addresses(self) -> list[Address]:
        """Return the addresses that the operator rents, by its policy."""
        rng, world, size = self.rng, self.world, self.size
        supplier = self.proxy_supplier
        if self.network == "hosting":
            hosts = rng.sample(world.hosting, 2)
            return [host.draw_address(rng) for host in hosts for _ in range(max(1, size // 16))]
        if self.network == "sticky":
            return rng.sample(supplier, min(len(supplier), max(3, int(size * 0.5))))
        if self.network == "rotating":
            return rng.sample(supplier, min(len(supplier), max(12, int(size * 2))))
        if self.network == "modem":
            pool = rng.choice(world.mobile[self.country])
            base = rng.randrange(pool.size)
            modems = max(2, min(pool.size // 3, size // 12))
            return [Address(pool.get_address(base + number), pool.asn) for number in range(modems)]
        pool = rng.choice(world.vpn_pools)
        return [pool.draw_address(rng) for _ in range(max(2, size // 12))]

    def draw_network(self) -> Rotating:
        """Return the addresses through which one account is used."""
        rng = self.rng
        if self.network == "rotating":
            return Rotating(self.proxies, rng, 5 * HOUR)
        if self.network == "sticky":
            proxies = rng.sample(self.proxies, min(3, len(self.proxies)))
            return Rotating(proxies, rng, rng.choice((3, 7)) * DAY)
        return Rotating(rng.sample(self.proxies, min(2, len(self.proxies))), rng, 2 * DAY)

    def draw_profile(self) -> Device:
        """Return a browser profile for an account, one that others have too if the policy is to reuse."""
        rng, world = self.rng, self.world
        kind = rng.choice(("win", "win", "mac"))
        if self.device == "reuse":
            reused = self._draw_used(self.profiles[-4:], 3 if self.care > 0.3 else 7, 0.75)
            if reused:
                return reused
        identifier = world.draw_hex_id(32) if world.settings.fingerprinted_devices else world.draw_uuid()
        chrome = self.antidetect.chrome if rng.random() < 0.8 else None
        profile = Device(identifier, draw_user_agent(world, kind, chrome))
        self.profiles.append(Used(profile))
        return profile

    def draw_card(self) -> Card | None:
        """Return a card for an account, if the policy is to pay."""
        rng, world = self.rng, self.world
        most = ACCOUNTS_A_CARD[self.card]
        if not most:
            return None
        reused = self._draw_used(self.cards_made[-6:], most, 0.85 if most > 3 else 0.6)
        if reused:
            return reused
        if self.cards.resold and rng.random() < 0.03:
            return rng.choice(self.cards.resold)
        issuer = rng.choice(self.cards.issuers)
        card = Card(f"fp_{world.draw_hex_id(20)}", self.cards.kind, *issuer)
        self.cards_made.append(Used(card))
        if rng.random() < 0.06:
            self.cards.resold.append(card)
        return card

    def _draw_used(self, latest: Sequence[Used[T]], most: int, chance: float) -> T | None:
        """Return one of the latest things that have fewer than `most` accounts, by chance."""
        free = [thing for thing in latest if thing.accounts < most]
        if not free or self.rng.random() >= chance:
            return None
        thing = self.rng.choice(free)
        thing.accounts += 1
        return thing.value

    def draw_mail(self, person: Person) -> str:
        """Return a mail address for an account that is signed up under a person's name."""
        rng, world = self.rng, self.world
        first, last = person.first, person.last
        if self.mail == "temporary" and rng.random() < 0.8:
            return f"{world.draw_word(4)}{rng.randrange(999)}@{rng.choice(TEMPORARY_MAIL)}"
        if self.mail == "plus":
            member = self.staff[rng.randrange(min(3, len(self.staff)))]
            tag = rng.choice((world.draw_word(2), str(rng.randrange(900))))
            return f"{member.first}{member.last}+{tag}@gmail.com"
        # All are drawn, whichever the operator has.
        local = {
            "names4": f"{first}{last}{rng.randrange(9999):04d}",
            "dotted": f"{last}.{first}{rng.randrange(99):02d}",
            "word2": f"{world.draw_word(3)}{rng.randrange(99):02d}",
            "joined": f"{first}_{world.draw_word(2)}{rng.randrange(9)}",
        }[self.mail_pattern]
        domains = self.mail_domains
        if self.mail == "bought":
            domains = ["outlook.com", "hotmail.com", "gmail.com"]
        elif self.mail == "pattern":
            domains = ["outlook.com", "outlook.com", "hotmail.com"]
        return f"{local}@{rng.choice(domains)}"

    def is_running(self, hour: int) -> bool:
        """Return whether the operator's programs run in an hour."""
        if not self.start <= hour < self.stop:
            return False
        if any(begin <= hour < end for begin, end in self.outages):
            return False
        if self.keeps_office_hours:
            return 8 <= get_local_hour(hour, self.utc_offset) < 20 and get_day_of_week(hour // DAY) < 6
        return True

    def draw_creation(self, number: int) -> int:
        """Return when an account is created: in batches in working hours, by a script with jitter."""
        rng = self.rng
        wave = self.waves[min(len(self.waves) - 1, number * len(self.waves) // self.size)]
        day = (self.start + int(wave * (self.stop - self.start))) // DAY
        if get_day_of_week(day) > 4:
            day += 2
        if self.care > 0.6:
            # A careful operator lets sign-ups trickle over a week.
            day += rng.randrange(0, 6)
        batch = max(1, self.size // len(self.waves))
        gap = min(9 * HOUR / batch, 420 if self.is_careless else 1500)
        delay = int(number % batch * gap + rng.expovariate(1 / max(5, gap / 2)))
        return min(day * DAY + ((9 - self.utc_offset) % 24) * HOUR + delay, self.stop - 2 * HOUR)

    def draw_hours(self, slot: int, first: int, last: int, most: int = 40) -> Hours:
        """Return the hours of a slot while an account holds it: load goes round the slots in turn."""
        rng = self.rng
        hours: Hours = []
        spread = 0.08 if self.is_careless else 0.3
        hour = first // HOUR * HOUR + HOUR
        while hour < last and len(hours) < most:
            has_turn = (hour // HOUR // self.rotation + slot) % self.fraction == 0
            if has_turn and self.is_running(hour) and rng.random() < 0.85:
                hours.append((hour, max(1, int(rng.gauss(self.rate, self.rate * spread)))))
            hour += HOUR
        return hours or [(first // HOUR * HOUR, rng.randrange(1, 6))]
