"""Sign-ups of honest accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.held_out_agents.draws import Instrument, format_user_agent
from bench.held_out_agents.events import DAY
from bench.held_out_agents.people import Person
from bench.held_out_agents.vocabulary import DIRECTORIES, KEYBOARD_LAYOUTS, NOUNS, SCRIPT_AGENTS
from bench.held_out_agents.world import Account, Group, Holder, World

WORKPLACES = frozenset(("company", "agency", "coworking", "qa_testbed"))
GATHERINGS = frozenset(("class", "hackathon"))
FREE_MAIL = (
    *("gmail.com",) * 3,
    "outlook.com",
    "yahoo.com",
    "icloud.com",
    "proton.me",
    "gmx.net",
)
RELAYS = ("duck.com", "privaterelay.appleid.com", "simplelogin.com")
MAILBOXES = ("marketing", "social", "content", "team", "hello")


@dataclass(slots=True, kw_only=True)
class SignUp:
    """A form that is filled in; the person's own values come first, the group's replace them."""

    day: int
    address: str
    device: str
    user_agent: str
    phone: str | None
    plan: str
    name: str
    organization: str | None = None
    domain: str | None = None
    email: str | None = None
    card: Instrument | None = None


def is_daytime(kind: str | None) -> bool:
    """Return whether accounts of a kind are opened during working hours."""
    return kind in WORKPLACES or kind in GATHERINGS


def draw_local_layout(country_code: str) -> str:
    """Return the keyboard layout of a country."""
    number = ord(country_code[0]) + ord(country_code[1]) * 3
    return KEYBOARD_LAYOUTS[number % len(KEYBOARD_LAYOUTS)]


def draw_email(world: World, person: Person, domain: str | None) -> str:
    """Return an e-mail address of a person, at a group's domain if there is one."""
    draws, rng = world.draws, world.draws.random
    first, last = person.first_name, person.last_name
    if domain:
        local = rng.choice((f"{first}.{last}", f"{first[0]}{last}", first))
        return draws.claim_email(f"{local}@{domain}")
    if person.is_private and draws.happens(0.6):
        if draws.happens(0.4):
            return rng.choice(world.market.mailboxes).sell()[0]
        local = draws.draw_hex(9)
        return draws.claim_email(f"{local}@{rng.choice(RELAYS)}")
    local = rng.choice(
        (
            f"{first}.{last}{rng.randrange(99)}",
            f"{first}{last}",
            f"{last}{first[0]}{rng.randrange(1950, 2010)}",
            f"{rng.choice(NOUNS)}{first}{rng.randrange(99)}",
        )
    )
    return draws.claim_email(f"{local}@{rng.choice(FREE_MAIL)}")


def fill_company(world: World, holder: Holder, group: Group, form: SignUp) -> None:
    """Fill in the form of an employee."""
    form.plan = "team"
    form.domain = group.domain if world.draws.happens(0.93) else None
    form.organization = group.name if world.draws.happens(0.8) else None
    form.card = group.card if world.draws.happens(0.9) else holder.person.get_card()


def fill_campus(world: World, holder: Holder, group: Group, form: SignUp) -> None:
    """Fill in the form of a student."""
    form.domain = group.domain if world.draws.happens(0.8) else None
    form.organization = group.name if world.draws.happens(0.4) else None


def fill_class(world: World, holder: Holder, group: Group, form: SignUp) -> None:
    """Fill in the form of a course participant, often on a machine of the course."""
    form.domain = group.domain
    if group.devices and world.draws.happens(0.8):
        form.device = world.draws.random.choice(group.devices)
    if group.phone and form.phone and world.draws.happens(0.4):
        form.phone = group.phone


def fill_agency(world: World, holder: Holder, group: Group, form: SignUp) -> None:
    """Fill in the form of a client's account."""
    draws = world.draws
    form.domain = holder.task.domain if draws.happens(0.75) else None
    form.card = holder.task.card
    form.plan = "plus"
    if form.domain and draws.happens(0.5):
        form.organization = form.domain.split(".")[0].title()
    else:
        form.organization = group.name if draws.happens(0.3) else None
    if form.phone and draws.happens(0.5):
        form.phone = group.phone
    if form.domain:
        local = draws.random.choice((*MAILBOXES, holder.person.first_name))
        form.email = draws.claim_email(f"{local}@{form.domain}")


def fill_seat_reseller(world: World, holder: Holder, group: Group, form: SignUp) -> None:
    """Fill in the form of a seat that the reseller opens at home."""
    reseller, rng = group.reseller or holder.person, world.draws.random
    form.device = reseller.laptop or reseller.phone
    form.user_agent = format_user_agent(reseller.laptop_agent, form.day)
    form.address = reseller.household.draw_address(form.day)
    form.card = rng.choice(group.cards)
    form.plan = "plus"
    if form.phone:
        form.phone = rng.choice(group.numbers)
    if group.mail_seller:
        form.email, name = group.mail_seller.sell()
        form.name = name.title()


def fill_hackathon(world: World, holder: Holder, group: Group, form: SignUp) -> None:
    """Fill in the form of a participant, often with the sponsor's card."""
    form.card = group.card if world.draws.happens(0.6) else None
    form.plan = "api"


def fill_qa_testbed(world: World, holder: Holder, group: Group, form: SignUp) -> None:
    """Fill in the form of a numbered test account."""
    form.email = world.draws.claim_email(f"qa+{holder.task.number:02d}@{group.domain}")
    form.device = world.draws.random.choice(group.devices)
    form.user_agent = format_user_agent(SCRIPT_AGENTS[0], 0)
    form.plan = "api"
    form.card = group.card
    form.organization = group.name
    form.name = f"QA {holder.task.number}"
    form.phone = None


FORMS: Mapping[str, Callable[[World, Holder, Group, SignUp], None]] = {
    "company": fill_company,
    "campus": fill_campus,
    "class": fill_class,
    "agency": fill_agency,
    "seat_reseller": fill_seat_reseller,
    "hackathon": fill_hackathon,
    "qa_testbed": fill_qa_testbed,
}


def draw_time(world: World, holder: Holder, day: int) -> int:
    """Return the time of a sign-up on a day."""
    rng = world.draws.random
    if holder.task.hour:
        hour = holder.task.hour
    elif is_daytime(holder.kind):
        hour = 9 + rng.random() * 8
    else:
        hour = rng.triangular(7, 24, 19)
    local = (hour - holder.person.country.utc_offset) * 3600
    time = int(day * DAY + local + rng.random() * 3600)
    return min(max(time, 60), world.end - 60) if day >= 0 else time


def draw_form(world: World, person: Person, day: int) -> SignUp:
    """Return a form with the person's own values."""
    draws = world.draws
    if person.laptop and draws.happens(0.6):
        device, agent = person.laptop, person.laptop_agent
    else:
        device, agent = person.phone, person.phone_agent
    household = person.household
    address = household.draw_address(day) if day >= 0 else household.pool.draw_address()
    form = SignUp(
        day=day,
        address=address,
        device=device,
        user_agent=format_user_agent(agent, max(day, 0)),
        phone=person.get_number() if draws.happens(world.settings.phone_share) else None,
        plan=draws.random.choices(("free", "plus", "api"), world.settings.plan_weights)[0],
        name=f"{person.first_name} {person.last_name}".title(),
    )
    if person.vpn and draws.happens(0.5):
        form.address = person.vpn.draw_exit()
    return form


def fill_in(world: World, holder: Holder, form: SignUp) -> str:
    """Return the e-mail address after the group's values and what is missing are filled in."""
    draws, group = world.draws, holder.group
    if group:
        chance = 0.85 if is_daytime(holder.kind) else 0.5
        if group.addresses and draws.happens(chance):
            form.address = draws.random.choice(group.addresses)
        if group.kind in FORMS:
            FORMS[group.kind](world, holder, group, form)
    email = form.email or draw_email(world, holder.person, form.domain)
    if form.plan != "free" and form.card is None and draws.happens(0.93):
        form.card = holder.person.get_card()
    return email


def add_first_payments(world: World, account: int, card: Instrument, time: int, day: int) -> None:
    """Log the payment at the sign-up, or the payments of an account that is older than the calendar."""
    rng = world.draws.random
    if day >= 0:
        world.add_payment(account, card, time + rng.randrange(60, 4000))
    else:
        world.add_payment(account, card, time + 600, rng.randint(1, 6))
        world.add_payment(account, card, rng.randrange(0, 20 * DAY), 1)


def add_referral(world: World, group: Group | None, account: int, time: int) -> None:
    """Log the referral code that a few people use."""
    draws, rng, add = world.draws, world.draws.random, world.log.add_identifier
    if group and group.referral and draws.happens(0.75):
        add(account, "referral", group.referral, time)
    elif draws.happens(0.06):
        add(account, "referral", rng.choice(world.market.influencer_codes), time)
    elif draws.happens(0.05) and len(world.accounts) > 50:
        referrer = int(rng.random() * len(world.accounts))
        add(account, "referral", world.get_referral_code(referrer), time)


def draw_host(world: World, group: Group | None) -> str:
    """Return the host that an account calls back."""
    draws = world.draws
    if group and group.host and draws.happens(0.8):
        return group.host
    if draws.happens(0.6):
        return draws.random.choice(world.market.common_hosts)
    return draws.draw_domain() if draws.happens(0.5) else "localhost"


def draw_path(world: World, holder: Holder) -> str:
    """Return the directory in which a person works."""
    draws, person = world.draws, holder.person
    if holder.group and holder.group.path:
        return holder.group.path
    if draws.happens(0.6):
        return draws.random.choice(DIRECTORIES)
    return f"/Users/{person.first_name}{person.last_name[0]}/{draws.random.choice(NOUNS)}"


def add_identifiers(world: World, holder: Holder, plan: str, time: int) -> None:
    """Log the identifiers of an account, of the kinds that the world has."""
    kinds, account, group = world.settings.identifier_kinds, holder.account, holder.group
    draws, rng, market, add = world.draws, world.draws.random, world.market, world.log.add_identifier
    if "referral" in kinds:
        add_referral(world, group, account, time)
    if "tls" in kinds:
        common = plan != "api"
        tls = market.draw_tls_fingerprint() if common else rng.choice(market.tls_fingerprints)
        add(account, "tls", tls, time)
    if "locale" in kinds:
        local = draw_local_layout(holder.person.country.code)
        add(account, "locale", local if draws.happens(0.75) else rng.choice(KEYBOARD_LAYOUTS), time)
    if plan != "free" and draws.happens(0.35):
        add(account, "host", draw_host(world, group), time)
        add(account, "key", group.key if group and group.key else draws.draw_hex(12), time)
    if "path" in kinds and draws.happens(0.3):
        add(account, "path", draw_path(world, holder), time)


def open_account(world: World, holder: Holder, day: int) -> None:
    """Open an honest account on a day, negative days lie before the calendar."""
    draws, rng, person = world.draws, world.draws.random, holder.person
    time = draw_time(world, holder, day)
    form = draw_form(world, person, day)
    email = fill_in(world, holder, form)
    holder.account = world.add_account(
        Account(
            created=time,
            email=email,
            phone=form.phone,
            name=form.name if draws.happens(0.9) else person.first_name,
            organization=form.organization,
            address=form.address,
            device=form.device,
            user_agent=form.user_agent,
            plan=form.plan,
            country=person.country.code,
            kind=holder.kind,
            role=holder.role,
            campaign=None,
            household=person.household,
        )
    )
    holder.opened = time
    if form.card:
        add_first_payments(world, holder.account, form.card, time, day)
    if world.settings.identifier_kinds:
        add_identifiers(world, holder, form.plan, time)
    if day < 0:
        day = int(rng.random() * min(1 / holder.rate * 2, world.days))
    world.plan_visit(holder, day)
