"""An operator's accounts: their sign-up, their use and their end."""

import hashlib
from typing import NamedTuple

from bench.held_out_suppliers.actors import Account, Device, Hours, Person
from bench.held_out_suppliers.clock import HOUR
from bench.held_out_suppliers.operators import Operator
from bench.held_out_suppliers.people import rent_phone, write_prompt
from bench.held_out_suppliers.phrases import POPULAR_PROMPTS
from bench.held_out_suppliers.places import Endpoint, Rotating
from bench.held_out_suppliers.traces import (
    add_activity,
    add_common_identifiers,
    add_identifier,
    add_payment,
    add_prompt,
    add_sessions,
    compute_digest,
)


class Worker(NamedTuple):
    """An account of an operator, with the profile and the addresses through which it is used."""

    account: Account
    profile: Device
    network: Rotating


def sign_up(operator: Operator, created: int, person: Person) -> Worker:
    """Return a new account of an operator, with the traces of its sign-up.

    A slip is a sign-up from the operator's own office, home or device.
    """
    rng = operator.rng
    account = operator.world.add_account(created, campaign=operator.campaign)
    profile = operator.draw_profile()
    network = operator.draw_network()
    address = network.at(account.created)
    is_slip = rng.random() < operator.slip_share
    if is_slip:
        member = rng.choice(operator.staff)
        place = operator.office if rng.random() < 0.7 else member.home
        address = place.at(created)
        profile = member.devices[0] if rng.random() < 0.6 else profile
    account.ip = address.ip
    account.device, account.user_agent = profile
    account.country = operator.country if rng.random() < 0.1 else rng.choice(operator.claimed_countries)
    if operator.care > 0.45 and rng.random() < 0.8:
        account.country = operator.world.country_of_asn.get(address.asn, account.country)
    account.email = operator.draw_mail(person)
    account.name = f"{person.first.title()} {person.last.title()}" if rng.random() < 0.8 else None
    account.phone = None
    if rng.random() < 0.7:
        account.phone = rent_phone(operator.world, operator.numbers, 0.06 if operator.care > 0.5 else 0.18)
    account.plan = rng.choice(("api", "api", "free", "plus"))
    account.role = "slip" if is_slip else "worker"
    return Worker(account, profile, network)


def buy(operator: Operator, chance: float) -> Worker | None:
    """Return an aged account that an operator bought of its vendor, by chance."""
    if operator.rng.random() >= chance or not operator.vendor:
        return None
    account = operator.vendor.sell(operator)
    if not account:
        return None
    worker = Worker(account, operator.draw_profile(), operator.draw_network())
    account.campaign = operator.campaign
    account.role = "bought aged account"
    return worker


def add_use(operator: Operator, worker: Worker, hours: Hours, model: str) -> None:
    """Add the sessions and the activity of an account in these hours."""
    rng = operator.rng
    account, profile, network = worker
    account.hours = hours
    is_program = operator.device == "api" or operator.kind == "distill"
    member = rng.choice(operator.staff)

    def locate(moment: int) -> Endpoint:
        if rng.random() < operator.slip_share * 0.12:
            return Endpoint(*operator.office.at(moment), *member.devices[0])
        address = network.at(moment)
        if is_program and rng.random() < 0.8:
            return Endpoint(*address, None, operator.client)
        return Endpoint(*address, *profile)

    add_sessions(operator.world, account, hours, locate)
    add_activity(operator.world, account, hours, model)


def end_account(operator: Operator, account: Account, moment: int, chance: float) -> None:
    """End an account: banned or suspended by chance, else left."""
    rng = operator.rng
    if rng.random() >= chance:
        account.end = int(moment)
        return
    account.status = rng.choices(("banned", "suspended"), (8, 2))[0]
    latest = max(moment + rng.randrange(0, 3 * HOUR), account.created + HOUR)
    account.changed = int(min(latest, operator.world.stop - 1))
    account.end = account.changed


def warm_up(operator: Operator, account: Account, person: Person) -> None:
    """Add a few ordinary prompts."""
    rng, world = operator.rng, operator.world
    for _ in range(rng.choice((0, 1, 1, 2))):
        text = rng.choice(POPULAR_PROMPTS[:9]) if rng.random() < 0.6 else write_prompt(world, person)
        add_prompt(world, account, text, "small-3", 1)


def pay(operator: Operator, account: Account, first: int, last: int | None = None) -> None:
    """Add the payments of an account by one of the operator's cards, if it has any."""
    card = operator.draw_card()
    if card:
        add_payment(operator.world, account, card, first, last)


def add_identifiers(operator: Operator, account: Account, person: Person) -> None:
    """Add the identifiers of an account; some are the operator's own."""
    rng, world = operator.rng, operator.world
    is_careless = operator.is_careless
    person.client = None
    person.style = "regular"
    person.language = "en"
    if operator.kind != "affiliate":
        # The draw has no effect; worlds of a seed stay as they are because it is made.
        rng.random()
    has_referral = operator.kind == "affiliate" or rng.random() < 0.03
    ja4 = operator.antidetect.ja4 if rng.random() < 0.8 else None
    add_common_identifiers(world, account, person, operator.referral if has_referral else None, ja4)
    if rng.random() < (0.45 if is_careless else 0.3):
        add_identifier(world, account, "client_config", rng.choice(operator.configs))
    if rng.random() < (0.25 if is_careless else 0.12):
        add_identifier(world, account, "webhook_host", operator.hook)
    if rng.random() < 0.2:
        shard = rng.randrange(max(2, operator.size // 8))
        name = f"{operator.campaign}{operator.schedule_seed}{shard}"
        add_identifier(world, account, "upload_sha256", hashlib.sha256(name.encode()).hexdigest())
    if rng.random() < (0.2 if is_careless else 0.1):
        member = operator.staff[rng.randrange(len(operator.staff))]
        contact = compute_digest(member.first + member.last + member.function)
        add_identifier(world, account, "recovery_contact", f"h:{contact}")
