"""Honest groups that work or study together, and those who run accounts for others."""

from collections.abc import Callable
from functools import partial

from bench.held_out_suppliers.actors import Card, Person
from bench.held_out_suppliers.clock import DAY, HOUR
from bench.held_out_suppliers.honest import OWN, Traits, add_honest
from bench.held_out_suppliers.offices import open_office
from bench.held_out_suppliers.people import (
    draw_card,
    draw_country,
    draw_creation,
    draw_mail,
    draw_person,
    write_prompt,
    write_system_prompt,
)
from bench.held_out_suppliers.places import Fixed
from bench.held_out_suppliers.reference import API_CLIENTS
from bench.held_out_suppliers.traces import add_identifier
from bench.held_out_suppliers.world import World


def add_office(world: World, most: int) -> None:
    """Add private accounts of people who work in one office."""
    rng = world.rng
    country = draw_country(world)
    name = f"{world.draw_word().title()} Business"
    office = open_office(world, country, "corporate", name, is_listed=rng.random() < 0.5)
    for _ in range(min(most, rng.randrange(5, 60))):
        person = draw_person(world, country, style=rng.choice(("light", "regular", "regular", "power")))
        person.work = office
        add_honest(world, person, "office", "employee, private account")


def add_coworking(world: World, most: int) -> None:
    """Add freelancers of one coworking space."""
    rng = world.rng
    country = draw_country(world)
    space = open_office(world, country, "corporate", f"Cowork {world.draw_word().title()}", is_listed=False)
    for _ in range(min(most, rng.randrange(8, 60))):
        person = draw_person(world, country)
        person.work = space
        add_honest(world, person, "coworking", "freelancer")


def add_campus(world: World, most: int) -> None:
    """Add students of a university, some of whom take a course in one week and upload its syllabus."""
    rng = world.rng
    country = draw_country(world)
    name = world.draw_word(3)
    addresses = rng.choice((3, 8, 16))
    campus = open_office(
        world, country, "education", f"University of {name.title()}", addresses, is_listed=True
    )
    exercises = [write_prompt(world, draw_person(world, country)) for _ in range(12)]
    syllabus = world.draw_hex_id(64)
    for _ in range(min(most, int(rng.randrange(60, 700) * min(1, world.size / 12000 + 0.15)))):
        person = draw_person(world, country, style=rng.choice(("light", "regular")))
        person.work = campus
        in_course = rng.random() < 0.3
        begin = world.start + rng.choice((7, 21)) * DAY + int(rng.gauss(0, 3) * DAY) if in_course else None
        email = draw_mail(world, person, f"{name}.edu") if rng.random() < 0.55 else None
        traits = Traits(
            email=email,
            write=partial(rng.choice, exercises) if in_course else None,
            created=max(world.start, begin) if begin else None,
            identifiers=[("upload_sha256", syllabus)] if in_course and rng.random() < 0.6 else (),
        )
        add_honest(world, person, "campus", "student in a course" if in_course else "student", traits)


def write_for(world: World, templates: list[str], person: Person, client: str | None = None) -> str:
    """Return a person's prompt behind one of some system prompts, in which a client may be named."""
    template = world.rng.choice(templates)
    if client:
        template = template.replace("assistant", f"{client} assistant")
    return f"{template}\n\n{write_prompt(world, person)}"


def add_agency(world: World, most: int) -> None:
    """Add the accounts that an agency runs for its clients: its devices and office, its card or theirs."""
    rng = world.rng
    country = draw_country(world)
    office = open_office(world, country, "corporate", "Agency", is_listed=False)
    staff = [draw_person(world, country, style="regular") for _ in range(rng.randrange(2, 5))]
    card = draw_card(world, country)
    pays_itself = rng.random() < 0.5
    # An antidetect browser keeps the profiles of clients apart.
    antidetect = rng.choice(world.antidetect) if rng.random() < 0.4 else None
    hook = f"api.{world.draw_word(3)}.agency"
    domain = f"{world.draw_word(3)}.agency"
    templates = [write_system_prompt(world) for _ in range(3)]
    payout = f"acct_{world.draw_hex_id(10)}" if rng.random() < 0.3 else None
    for _ in range(min(most, rng.randrange(5, 40))):
        person = draw_person(world, country, style=rng.choice(("regular", "light")))
        member = rng.choice(staff)
        person.devices = list(member.devices)
        person.work = office
        person.home = member.home
        client = world.draw_word(3)
        traits = Traits(
            email=f"ai@{client}.com" if rng.random() < 0.6 else f"{client}@{domain}",
            organization=client.title(),
            card=card if pays_itself else draw_card(world, country),
            plan="api",
            write=partial(write_for, world, templates, person, client),
            phone=staff[0].phone if rng.random() < 0.3 else OWN,
            identifiers=[("webhook_host", hook)] if rng.random() < 0.7 else (),
        )
        account = add_honest(world, person, "agency", "client account", traits)
        if payout:
            add_identifier(world, account, "payout_account", payout)
        if antidetect:
            add_identifier(world, account, "ja4", antidetect.ja4)


def add_company(world: World, most: int) -> None:
    """Add the seats and service accounts of a company, most of them rolled out within days."""
    rng = world.rng
    company = _Company(world)
    programs = rng.choice((0, 2, 4))
    config = world.draw_hex_id(16)
    invite = f"INV-{world.draw_hex_id(8)}"
    size = int(rng.choice((8, 20, 45, 120, 300)) * min(1, world.size / 9000 + 0.2))
    for number in range(min(most, size)):
        is_program = number < programs
        style = "bot" if is_program else rng.choice(("light", "regular", "regular", "power"))
        person = draw_person(world, company.country, style=style)
        person.work = company.office
        if is_program:
            person.server = company.egress
            person.client = rng.choice(API_CLIENTS[:2])
        identifiers = [("workspace_invite", invite)]
        if is_program:
            identifiers.append(("client_config", config))
        traits = Traits(
            created=company.draw_creation(),
            email=company.draw_mail(person, is_program),
            organization=company.name.title(),
            card=company.card if rng.random() < 0.9 else None,
            plan="team",
            write=company.draw_writer(person, is_program),
            identifiers=identifiers,
        )
        add_honest(world, person, "company", "service account" if is_program else "seat", traits)


class _Company:
    """A company: its office, its servers, its card or invoice, and its applications."""

    def __init__(self, world: World) -> None:
        rng = world.rng
        self.world = world
        self.country = draw_country(world)
        self.name = world.draw_word(3)
        self.domain = self.name + rng.choice((".com", ".io", ".co"))
        name, addresses = f"{self.name.title()} Inc", rng.choice((1, 2, 4))
        self.office = open_office(
            world, self.country, "corporate", name, addresses, is_listed=rng.random() < 0.6
        )
        has_invoice = rng.random() < 0.4
        self.card = draw_invoice(world) if has_invoice else draw_card(world, self.country)
        self.templates = [write_system_prompt(world) for _ in range(2)]
        host = rng.choice(world.hosting)
        self.egress = Fixed([host.draw(rng) for _ in range(2)], host.asn, rng)
        self.roll_out = draw_creation(world, 0.5)

    def draw_creation(self) -> int:
        """Return when an account was created: after the roll-out, or when its user was hired."""
        rng = self.world.rng
        latest = self.world.stop - DAY
        if rng.random() < 0.6:
            return min(latest, self.roll_out + int(rng.expovariate(1 / (4 * DAY))))
        return min(latest, self.roll_out + rng.randrange(max(DAY, latest - self.roll_out)))

    def draw_mail(self, person: Person, is_program: bool) -> str:
        """Return the address of an employee, or that of a program."""
        rng = self.world.rng
        if is_program:
            return f"{rng.choice(('prod', 'staging', 'dev', 'ci'))}-ai@{self.domain}"
        return f"{person.first}.{person.last}{rng.choice(('', '', '2'))}@{self.domain}"

    def draw_writer(self, person: Person, is_program: bool) -> Callable[[], str] | None:
        """Return a writer of prompts of the company's applications, for those who use them."""
        if is_program or self.world.rng.random() < 0.3:
            return partial(write_for, self.world, self.templates, person)
        return None


def draw_invoice(world: World) -> Card:
    """Return a payment by invoice."""
    return Card(f"inv_{world.draw_hex_id(12)}", "invoice", None, None)


def add_reseller(world: World, most: int) -> None:
    """Add customers of an authorised reseller, which signs them up by script and pays by invoice."""
    rng = world.rng
    draw_country(world)
    name = world.draw_word(3)
    invoice = draw_invoice(world)
    ip = rng.choice(world.hosting).draw(rng)
    moment = world.start + rng.randrange(world.settings.days // 2) * DAY + 10 * HOUR
    for _ in range(min(most, rng.randrange(20, 150))):
        person = draw_person(world, style=rng.choice(("light", "regular", "bot")))
        moment += int(rng.expovariate(1 / 900)) if rng.random() < 0.93 else rng.randrange(3 * DAY)
        traits = Traits(
            created=min(moment, world.stop - DAY),
            card=invoice,
            plan="api",
            organization=world.draw_word().title(),
            email=f"cust{rng.randrange(9999):04d}@{name}-partners.com",
        )
        account = add_honest(world, person, "reseller", "customer of an authorised reseller", traits)
        account.ip, account.device, account.user_agent = ip, None, "python-requests/2.32.3"
        add_identifier(world, account, "partner_id", name.upper())
