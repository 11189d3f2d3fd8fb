"""The state of a world: its calendar, its accounts and those who use them."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.held_out_agents.draws import Draws, Instrument, PromptTemplate
from bench.held_out_agents.events import DAY, EventLog
from bench.held_out_agents.internet import Household, Internet
from bench.held_out_agents.market import Market
from bench.held_out_agents.people import Person
from bench.held_out_agents.settings import WorldSettings
from bench.held_out_agents.suppliers import MailSeller


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """An account as the provider stores it, and the truth about it. Times are seconds of the calendar."""

    created: int
    email: str
    phone: str | None
    name: str
    organization: str | None
    address: str
    device: str
    user_agent: str
    plan: str
    country: str
    kind: str | None
    """Kind of the honest group."""
    role: str
    campaign: str | None
    household: Household | None
    status: str = "active"
    status_changed: int | None = None
    code: str | None = None
    """The referral code of the account."""


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """An honest group whose accounts resemble those of a campaign."""

    kind: str
    items: list[str]
    """What its prompts are about."""
    domain: str | None = None
    name: str | None = None
    addresses: list[str] = field(default_factory=list)
    card: Instrument | None = None
    cards: list[Instrument] = field(default_factory=list)
    referral: str | None = None
    templates: list[PromptTemplate] = field(default_factory=list)
    template_share: float = 0.3
    devices: list[str] = field(default_factory=list)
    phone: str | None = None
    numbers: list[str] = field(default_factory=list)
    key: str | None = None
    host: str | None = None
    path: str | None = None
    day: int = 0
    """The day of an event."""
    reseller: Person | None = None
    mail_seller: MailSeller | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """What one honest account is for, beyond its group."""

    hour: float | None = None
    """Local hour of the sign-up."""
    server: str | None = None
    """Address of a server that calls the API by a schedule."""
    templates: list[PromptTemplate] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    domain: str | None = None
    card: Instrument | None = None
    number: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Holder:
    """An honest account with the person who holds it."""

    person: Person
    group: Group | None
    kind: str | None
    role: str
    rate: float
    """Mean number of visits a day."""
    model: int
    end: int
    """The last day on which the account is used."""
    task: Task
    account: int = -1
    opened: int = 0


class World:
    """A world of accounts on a calendar of days."""

    def __init__(self, settings: WorldSettings, seed: int, accounts: int) -> None:
        self.settings = settings
        self.size = accounts
        """The number of accounts that is planned."""
        self.days = settings.days
        self.end = settings.days * DAY
        start = datetime(2026, *settings.start, tzinfo=UTC)
        self.start = int(start.timestamp())
        self.first_weekday = start.weekday()
        self.draws = Draws(settings, seed)
        self.internet = Internet(self.draws)
        self.market = Market(self.internet)
        self.log = EventLog(self.draws)
        self.accounts: list[Account] = []
        self.planned = 0
        self.earlier: list[tuple[int, Holder]] = []
        """Accounts that are older than the calendar, with the negative days of their sign-ups."""
        self.sign_ups: list[list[Holder]] = [[] for _ in range(self.days)]
        self.visits: list[list[Holder]] = [[] for _ in range(self.days)]
        # What the provider has seen since its last review, and what it remembers.
        self.new_today: list[int] = []
        self.instruments_today: set[int] = set()
        self.requests_today: defaultdict[int, int] = defaultdict(int)
        self.accounts_of_instrument: defaultdict[int, list[int]] = defaultdict(list)
        self.sign_ups_of_device: defaultdict[str, int] = defaultdict(int)
        self.appeals: defaultdict[int, list[int]] = defaultdict(list)

    def is_active(self, account: int) -> bool:
        """Return whether an account is active."""
        return self.accounts[account].status == "active"

    def get_weekday(self, day: int) -> int:
        """Return the weekday of a day, Monday is 0."""
        return (self.first_weekday + day) % 7

    def add_account(self, account: Account) -> int:
        """Return the number of a new account."""
        self.accounts.append(account)
        number = len(self.accounts) - 1
        self.new_today.append(number)
        return number

    def get_referral_code(self, account: int) -> str:
        """Return the referral code of an account."""
        # A code is drawn even for an account that has one: the stream of draws includes it.
        code = self.draws.draw_code()
        row = self.accounts[account]
        row.code = row.code or code
        return row.code

    def add_session(
        self, account: int, address: str, device: str, user_agent: str, time: int, requests: int
    ) -> None:
        """Log a session, which the provider counts."""
        self.log.add_session(account, address, device, user_agent, time, requests)
        self.requests_today[account] += requests

    def add_payment(self, account: int, instrument: Instrument, time: int, payments: int = 1) -> None:
        """Log payments with an instrument, which the provider remembers."""
        number = self.log.instruments.get_number(instrument)
        self.log.payments.append(account, number, time, payments)
        holders = self.accounts_of_instrument[number]
        # The provider looks at the latest holders only.
        if account not in holders[-40:]:
            holders.append(account)
            self.instruments_today.add(number)

    def plan_visit(self, holder: Holder, day: int) -> None:
        """Put a visit of a person on the calendar, unless the calendar ends before."""
        if day < self.days:
            self.visits[day].append(holder)

    def draw_day(self) -> int:
        """Return a day for a sign-up: negative before the calendar, later days are likelier."""
        rng = self.draws.random
        if self.draws.happens(self.settings.legacy_share):
            return -int(rng.expovariate(1 / 160)) - 1
        return int(self.days * rng.random() ** 0.8)

    def plan_account(
        self,
        person: Person,
        day: int,
        role: str,
        *,
        kind: str | None = None,
        group: Group | None = None,
        rate: float | None = None,
        task: Task | None = None,
    ) -> None:
        """Put the sign-up of a person on the calendar, or before it."""
        rng = self.draws.random
        holder = Holder(
            person=person,
            group=group,
            kind=kind,
            role=role,
            rate=rate or max(0.02, min(0.9, rng.lognormvariate(-2.1, 0.9))),
            model=rng.choices((0, 1, 2, 3), (5, 6, 2, 1))[0],
            end=self.days if self.draws.happens(0.7) else max(day, 0) + int(rng.expovariate(1 / 25)),
            task=task or Task(),
        )
        self.planned += 1
        if day < 0:
            self.earlier.append((day, holder))
        else:
            self.sign_ups[min(day, self.days - 1)].append(holder)
