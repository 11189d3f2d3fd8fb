"""Ban evasion: one person with one account after the other, each soon banned."""

from functools import partial

from bench.held_out_suppliers.actors import Account, Device
from bench.held_out_suppliers.clock import DAY, HOUR
from bench.held_out_suppliers.operators import Operator
from bench.held_out_suppliers.people import (
    draw_card,
    draw_hours,
    draw_vpn,
    locate,
    rent_phone,
    write_prompt,
    write_system_prompt,
)
from bench.held_out_suppliers.reference import FREE_MAIL, MODELS, TEMPORARY_MAIL
from bench.held_out_suppliers.traces import add_activity, add_payment, add_prompt, add_sessions
from bench.held_out_suppliers.workers import add_identifiers, end_account


def run_evasion(operator: Operator) -> None:
    """Add the accounts of a person who evades bans."""
    evader = _Evader(operator)
    for number in range(operator.size):
        evader.add_account(number)


class _Evader:
    """A person who evades bans, with devices, numbers and the moment of the next account."""

    def __init__(self, operator: Operator) -> None:
        rng, world = operator.rng, operator.world
        self.operator = operator
        self.person = operator.staff[0]
        self.person.vpn = draw_vpn(world)
        self.person.vpn_share = rng.choice((0.2, 0.4, 0.7))
        self.person.style = "regular"
        self.moment = operator.start
        self.system = write_system_prompt(world) if rng.random() < 0.5 else ""
        self.step = (operator.stop - operator.start) // operator.size
        self.phones = [rent_phone(world, operator.numbers) for _ in range(max(2, operator.size // 3))]
        self.own_devices = list(self.person.devices)
        self.other_devices: list[Device] = []

    def add_account(self, number: int) -> None:
        """Add the next account."""
        operator, rng, world, person = self.operator, self.operator.rng, self.operator.world, self.person
        self._take_device(number)
        account = world.add_account(self.moment, campaign=operator.campaign, role="evader")
        account.country = person.country if rng.random() < 0.6 else rng.choice(operator.claimed_countries)
        life = int(self.step * rng.uniform(0.6, 1.0))
        account.hours = draw_hours(world, account, person, "regular", self.moment, self.moment + life)
        account.ip = locate(world, person, self.moment).ip
        account.device, account.user_agent = person.devices[0]
        add_sessions(world, account, account.hours, partial(locate, world, person))
        add_activity(world, account, account.hours, MODELS[0])
        account.email = self._draw_mail(number)
        account.name = person.first.title() if rng.random() < 0.5 else world.draw_word().title()
        account.phone = rng.choice(self.phones) if rng.random() < 0.8 else None
        account.plan = rng.choice(("free", "plus"))
        self._add_prompts(account)
        if account.plan == "plus":
            if not person.card or rng.random() >= 0.6:
                person.card = draw_card(world, person.country)
            add_payment(world, account, person.card)
        add_identifiers(operator, account, person)
        if number < operator.size - 1:
            end_account(operator, account, self.moment + life, 0.93)
        ended = max(account.changed or 0, self.moment + life)
        self.moment = min(ended + rng.randrange(HOUR, 2 * DAY), world.stop - 2 * DAY)

    def _take_device(self, number: int) -> None:
        """Take up a device for an account: another for every second, if the policy is not to reuse."""
        operator, person = self.operator, self.person
        if operator.device == "reuse" or number % 2 == 0:
            person.devices = self.own_devices
            return
        if not self.other_devices or operator.rng.random() >= 0.6:
            self.other_devices = [operator.draw_profile()]
        person.devices = self.other_devices

    def _draw_mail(self, number: int) -> str:
        """Return the mail address of the next account."""
        rng, world, person = self.operator.rng, self.operator.world, self.person
        if self.operator.mail == "plus":
            return f"{person.first}{person.last}+{world.draw_word(2)}@gmail.com"
        name = rng.choice((person.first + person.last, person.function.replace("_", ""), person.last))
        tag = rng.choice((str(number + 1), world.draw_word(1), str(rng.randrange(99))))
        return f"{name}{tag}@{rng.choice(FREE_MAIL[:20] + TEMPORARY_MAIL[:3])}"

    def _add_prompts(self, account: Account) -> None:
        """Add the prompts of an account."""
        rng, world = self.operator.rng, self.operator.world
        for _ in range(rng.randrange(5, 12)):
            system = f"{self.system}\n\n" if self.system and rng.random() < 0.7 else ""
            add_prompt(world, account, system + write_prompt(world, self.person), MODELS[0])
