"""Operators: what each has, and how it makes accounts."""

from dataclasses import dataclass

from bench.held_out_agents.draws import format_user_agent
from bench.held_out_agents.events import DAY
from bench.held_out_agents.exits import Exits, Port
from bench.held_out_agents.people import Person
from bench.held_out_agents.sign_ups import draw_local_layout
from bench.held_out_agents.stock import Mailboxes, PromptPlan, Purse, Supplies
from bench.held_out_agents.traits import draw_traits
from bench.held_out_agents.vocabulary import (
    COUNTRIES,
    DESKTOP_AGENTS,
    DIRECTORIES,
    NOUNS,
    PHONE_AGENTS,
    SCRIPT_AGENTS,
)
from bench.held_out_agents.world import Account, World

FOREVER = 10**6


@dataclass(slots=True, kw_only=True, eq=False)
class FleetAccount:
    """An account as its operator sees it."""

    account: int
    port: Port
    device: str
    user_agent: str
    worker: int
    """The number of the worker, or of the shard."""
    first_day: int
    """The day on which work begins."""
    work_limit: int
    """Requests after which the next account takes over."""
    opened: int
    requests: int = 0
    second_device: tuple[str, str] | None = None


@dataclass(slots=True)
class Origin:
    """What the provider sees of a sign-up."""

    time: int
    address: str
    device: str
    user_agent: str
    role: str


class Operator:
    """An operator of a campaign, with its resources and its fleet."""

    def __init__(self, world: World, number: int, capacity: int) -> None:
        draws, rng, settings = world.draws, world.draws.random, world.settings
        self.world = world
        self.draws = draws
        self.traits = traits = draw_traits(draws, number, capacity)
        self.purse = Purse(capacity * (1.5 + 7 * traits.care) * rng.uniform(0.6, 1.3))
        self.supplies = Supplies(world.market, traits, self.purse)
        self.mailboxes = Mailboxes(world.market, traits, self.purse)
        self.prompts = PromptPlan(world.market, traits)
        self.model = rng.choice((0, 1, 2))
        self.port_days = rng.choice((4, 7, 14, 30)) if traits.has_leak("ip") else FOREVER
        """Mean days after which an account gets another port."""
        self.volume = rng.choice((8, 15, 30, 60))
        self.is_paying = draws.happens(settings.paid_operator_share)
        self.user_agent = format_user_agent(rng.choice(SCRIPT_AGENTS), 0)
        self.uses_script_agent = draws.happens(0.4)
        self.workers = self._hire_workers()
        self.exits = Exits(world.market, traits, self.purse, self.workers)
        self.fleet_size = capacity
        """Accounts to begin with; the rest is for replacements and growth."""
        if settings.ban_rate:
            self.fleet_size = max(5, int(capacity * rng.uniform(0.55, 0.85)))
        self.hours = self._draw_hours()
        self.layout = draw_local_layout(traits.country.code)
        self.tls_fingerprint = rng.choice(world.market.tls_fingerprints[8:])
        self.paths = [
            f"/home/{rng.choice(NOUNS)}/{rng.choice(('farm', 'pool', 'work', 'grid'))}{rng.randrange(9)}"
            for _ in range(1 + capacity // 60)
        ]
        self.duty = min(1, 16 / max(8, traits.span * 0.6))
        """Share of the fleet that works on a day."""
        self.batch_days = self._draw_batch_days()
        self.target = min(capacity, self.fleet_size)
        self.alarm = 0
        """Days for which replacements are made at once."""
        self.made = 0
        self.active: list[FleetAccount] = []
        self.waiting: list[FleetAccount] = []
        """Accounts that take over from others."""
        self.referral = ""
        self.referrals_left = 0

    def _hire_workers(self) -> list[Person]:
        """Return the workers of a shift, or those whose homes are the exits."""
        traits = self.traits
        if traits.mode != "shift" and traits.exit_kind != "workers":
            return []
        accounts_each = 5 if traits.exit_kind == "workers" else 20
        count = max(3, min(90, traits.capacity // accounts_each))
        return [Person(self.world.market, traits.country) for _ in range(count)]

    def _draw_hours(self) -> list[int]:
        """Return the hours of work: any for a script, office hours for people."""
        rng = self.draws.random
        if self.traits.mode == "script":
            count = rng.choice((6, 9, 14))
            return sorted(rng.sample(range(24), count))
        return [(hour - self.traits.utc_offset) % 24 for hour in range(9, 19)]

    def _draw_batch_days(self) -> set[int]:
        """Return the days on which a script makes accounts."""
        traits = self.traits
        if traits.mode != "script":
            return set()
        accounts_each = 12 if traits.capacity < 200 else 60
        count = max(2, min(int(traits.span * 0.7), traits.capacity // accounts_each + 2))
        days = {traits.start + int(self.draws.random.random() * traits.span * 0.8) for _ in range(count)}
        return days | {traits.start}

    def create_account(self, day: int, time: int, role: str) -> None:
        """Make an account and put it into the fleet."""
        draws, rng, traits, supplies = self.draws, self.draws.random, self.traits, self.supplies
        email, name = self.mailboxes.draw_email(self.made)
        phone = supplies.numbers.take() if draws.happens(self.world.settings.phone_share) else None
        device, user_agent = supplies.devices.take()
        if not traits.has_leak("device") and traits.care > 0.4 and draws.happens(0.8):
            user_agent = format_user_agent(rng.choice(DESKTOP_AGENTS + PHONE_AGENTS), day)
        port = self.choose_port()
        address = self.exits.get_address(port, day)
        plan = self._draw_plan()
        origin = self._draw_origin(Origin(time, address, device, user_agent, role))
        account = self.world.add_account(
            Account(
                created=origin.time,
                email=email,
                phone=phone,
                name=name.title() if draws.happens(0.8) else name,
                organization=None,
                address=origin.address,
                device=origin.device,
                user_agent=origin.user_agent,
                plan=plan,
                country=(traits.country if draws.happens(0.5) else rng.choice(COUNTRIES)).code,
                kind=None,
                role=origin.role,
                campaign=traits.name,
                household=None,
            )
        )
        if plan != "free":
            self._pay(account, time)
        if self.world.settings.identifier_kinds:
            self._add_identifiers(account, time)
        self.made += 1
        self._add_to_fleet(account, port, device, user_agent, day, time)

    def _draw_plan(self) -> str:
        """Return the plan of an account; cards that leak are on most accounts."""
        draws = self.draws
        is_paid = self.is_paying or draws.happens(0.3)
        if is_paid or (self.traits.has_leak("card") and draws.happens(0.8)):
            return draws.random.choice(("plus", "api"))
        return "free"

    def _draw_origin(self, origin: Origin) -> Origin:
        """Return the sign-up. An aged account was opened by another person, long ago."""
        draws, rng = self.draws, self.draws.random
        if not (self.traits.buys_aged and draws.happens(0.6)):
            return origin
        return Origin(
            time=origin.time - rng.randrange(15, 220) * DAY - rng.randrange(DAY),
            address=rng.choice(self.world.internet.residential).draw_address(),
            device=draws.draw_device(),
            user_agent=format_user_agent(rng.choice(PHONE_AGENTS), 0),
            role=f"{origin.role}, bought aged",
        )

    def _pay(self, account: int, time: int) -> None:
        """Log the first payment, and one with a second card after a decline."""
        draws, rng, cards = self.draws, self.draws.random, self.supplies.cards
        self.world.add_payment(account, cards.take(), time + rng.randrange(40, 900))
        if (self.traits.has_leak("card") and draws.happens(0.4)) or draws.happens(0.05):
            card = cards.take()
            later = min(time + rng.randrange(1000, 9 * DAY), self.world.end - 1)
            self.world.add_payment(account, card, later, rng.randint(1, 3))

    def _add_identifiers(self, account: int, time: int) -> None:
        """Log the identifiers of an account, of the kinds that the world has."""
        draws, rng, market, add = (
            self.draws,
            self.draws.random,
            self.world.market,
            self.world.log.add_identifier,
        )
        self._refer(account, time)
        own = draws.happens(0.65)
        add(account, "tls", self.tls_fingerprint if own else market.draw_tls_fingerprint(), time)
        add(account, "locale", self.layout if draws.happens(0.8) else "us", time)
        if draws.happens(0.9 if self.traits.has_leak("host") else 0.25):
            own = draws.happens(0.75)
            host = self.supplies.hosts.take() if own else rng.choice(market.common_hosts)
            add(account, "host", host, time)
            add(account, "key", self.supplies.keys.take(), time)
        if "path" in self.world.settings.identifier_kinds:
            own = draws.happens(0.4)
            add(account, "path", rng.choice(self.paths if own else DIRECTORIES), time)

    def _refer(self, account: int, time: int) -> None:
        """Log the referral by an earlier account, or make this one the next to refer others."""
        draws, rng = self.draws, self.draws.random
        if self.referrals_left > 0 and draws.happens(0.85):
            self.world.log.add_identifier(account, "referral", self.referral, time)
            self.referrals_left -= 1
        elif draws.happens(0.5):
            self.referral = self.world.get_referral_code(account)
            is_leak = self.traits.has_leak("referral")
            self.referrals_left = rng.randint(2, 7) if is_leak else rng.randint(0, 1)

    def _add_to_fleet(
        self, account: int, port: Port, device: str, user_agent: str, day: int, time: int
    ) -> None:
        """Put an account into the fleet, or into the queue of those that take over."""
        draws, rng, traits = self.draws, self.draws.random, self.traits
        member = FleetAccount(
            account=account,
            port=port,
            device=device,
            user_agent=user_agent,
            worker=rng.randrange(len(self.workers) or 4),
            first_day=day + rng.randint(0, 2 if traits.care < 0.5 else 9),
            work_limit=rng.randint(3, 10) * self.volume,
            opened=time,
        )
        if traits.has_leak("device") and draws.happens(0.5):
            member.second_device = self.supplies.devices.take()
        (self.waiting if traits.dispatcher == "handoff" else self.active).append(member)

    def choose_port(self) -> Port:
        """Return a port for an account."""
        return self.exits.choose_port(len(self.active))
