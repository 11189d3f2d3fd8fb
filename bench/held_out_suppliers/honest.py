"""Honest accounts, with everything that they leave behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.held_out_suppliers.actors import Account, Card, Locate, Person
from bench.held_out_suppliers.people import (
    draw_card,
    draw_country,
    draw_creation,
    draw_hours,
    draw_mail,
    locate,
    write_prompt,
    write_system_prompt,
)
from bench.held_out_suppliers.phrases import POPULAR_PROMPTS, TITLE_PROMPT
from bench.held_out_suppliers.reference import MODELS
from bench.held_out_suppliers.traces import (
    add_activity,
    add_common_identifiers,
    add_identifier,
    add_payment,
    add_prompt,
    add_sessions,
    compute_digest,
)
from bench.held_out_suppliers.world import World

OWN = "own"
"""The phone of an account is its person's own."""

OFTEN_ENDED = ("grey_market_buyer", "privacy", "vpn_user", "agency", "internet_cafe")
"""Honest groups whose accounts are banned, suspended or closed more often than those of others."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Traits that are particular to an account. Those that are None are drawn."""

    created: int | None = None
    end: int | None = None
    email: str | None = None
    organization: str | None = None
    plan: str | None = None
    card: Card | None = None
    pays: bool = True
    locate: Locate | None = None
    write: Callable[[], str] | None = None
    prompts: int | None = None
    phone: str | None = OWN
    country: str | None = None
    identifiers: Sequence[tuple[str, str]] = ()
    referral: str | None = None


def add_honest(
    world: World, person: Person, decoy: str | None, role: str, traits: Traits = Traits()
) -> Account:
    """Add an honest account of a person, with everything that it leaves behind, and return it.

    Args:
        world: The world that the account is added to.
        person: The user of the account.
        decoy: The group of honest lookalikes that the account belongs to.
        role: A description of the account.
        traits: The traits that are particular to the account.
    """
    account = _sign_up(world, person, decoy, role, traits)
    account.hours = draw_hours(world, account, person, person.style)
    find = traits.locate or partial(locate, world, person)
    endpoint = find(account.created)
    account.ip = endpoint.ip
    account.device, account.user_agent = person.devices[0]
    if endpoint.device is not None:
        account.device, account.user_agent = endpoint.device, endpoint.user_agent
    model = world.rng.choice(MODELS)
    add_sessions(world, account, account.hours, find)
    add_activity(world, account, account.hours, model)
    _add_prompts(world, account, person, model, traits)
    _add_payments(world, account, person, traits)
    _add_identifiers(world, account, person, traits)
    return account


def _sign_up(world: World, person: Person, decoy: str | None, role: str, traits: Traits) -> Account:
    """Return a new account, with its sign-up and its end."""
    rng = world.rng
    created = traits.created if traits.created is not None else draw_creation(world)
    country = traits.country or (person.country if rng.random() < 0.97 else draw_country(world))
    account = world.add_account(created, traits.end, country=country, decoy=decoy, role=role)
    account.email = traits.email or draw_mail(world, person)
    account.phone = person.phone if traits.phone == OWN else traits.phone
    if rng.random() < 0.35:
        account.phone = None
    if rng.random() < 0.7:
        account.name = f"{person.first.title()} {person.last.title()}"
    else:
        account.name = rng.choice((person.first, person.function, world.draw_word()))
    account.organization = traits.organization or (person.entities[0] if rng.random() < 0.06 else None)
    _draw_status(world, account)
    account.plan = traits.plan or rng.choices(("free", "plus", "api", "team"), (55, 25, 17, 3))[0]
    return account


def _draw_status(world: World, account: Account) -> None:
    """End some honest accounts: banned by mistake, suspended, or closed by their owners."""
    rng = world.rng
    chance = rng.random() * (0.2 if account.decoy in OFTEN_ENDED else 1)
    if chance >= 0.04:
        return
    account.status = "banned" if chance < 0.006 else "suspended" if chance < 0.012 else "closed"
    account.changed = rng.randrange(max(account.created, world.start), world.stop)
    account.end = min(account.end, account.changed)


def _add_prompts(world: World, account: Account, person: Person, model: str, traits: Traits) -> None:
    """Add the prompts of an account."""
    rng = world.rng
    count = traits.prompts or _draw_prompt_count(world, person)
    system = write_system_prompt(world) + "\n\n" if person.style == "bot" else ""
    for _ in range(count):
        if traits.write and rng.random() < 0.75:
            add_prompt(world, account, traits.write(), model)
        elif rng.random() < 0.07:
            weights = [1 / (rank + 1) for rank in range(len(POPULAR_PROMPTS))]
            add_prompt(world, account, rng.choices(POPULAR_PROMPTS, weights)[0], model)
        else:
            text = system + write_prompt(world, person)
            add_prompt(world, account, text, model, rng.randrange(1, 60) if system else None)
    if person.client in ("open-webui/0.3.30", "LibreChat/0.7.5"):
        add_prompt(world, account, TITLE_PROMPT, model, count)


def _draw_prompt_count(world: World, person: Person) -> int:
    """Return how many prompts a person writes. All counts are drawn, whichever applies."""
    rng = world.rng
    counts = {
        "light": rng.choice((1, 2, 3)),
        "regular": rng.randrange(3, 9),
        "power": rng.randrange(6, 16),
        "bot": rng.randrange(2, 6),
    }
    return counts[person.style]


def _add_payments(world: World, account: Account, person: Person, traits: Traits) -> None:
    """Add the payments of an account."""
    rng = world.rng
    if traits.card:
        add_payment(world, account, traits.card)
    elif traits.pays and (account.plan != "free" or rng.random() < 0.08):
        person.card = person.card or draw_card(world, person.country)
        add_payment(world, account, person.card)
        if rng.random() < 0.08:
            add_payment(world, account, draw_card(world, person.country))
        elif rng.random() < 0.06:
            add_payment(world, account, Card(f"wal_{world.draw_hex_id(14)}", "wallet", None, None))


def _add_identifiers(world: World, account: Account, person: Person, traits: Traits) -> None:
    """Add the identifiers of an account."""
    rng = world.rng
    add_common_identifiers(world, account, person, traits.referral)
    for kind, value in traits.identifiers:
        add_identifier(world, account, kind, value)
    if rng.random() < 0.16:
        is_shared = account.decoy in ("household", "agency")
        contact = compute_digest(f"{person.last}{person.home.offset if is_shared else person.function}")
        add_identifier(world, account, "recovery_contact", f"h:{contact}")
    if rng.random() < 0.03 or (account.decoy == "referral_fans" and rng.random() < 0.03):
        add_identifier(world, account, "payout_account", f"acct_{world.draw_hex_id(10)}")
