"""Honest groups of private people: families, shared lines and machines, and those who hide."""

from functools import partial

from bench.held_out_suppliers.actors import Card, Person
from bench.held_out_suppliers.clock import DAY
from bench.held_out_suppliers.honest import Traits, add_honest
from bench.held_out_suppliers.offices import open_office
from bench.held_out_suppliers.people import (
    draw_card,
    draw_country,
    draw_creation,
    draw_device,
    draw_mail,
    draw_person,
    draw_vpn,
    locate,
    rent_phone,
)
from bench.held_out_suppliers.places import Endpoint, Fixed, Home
from bench.held_out_suppliers.reference import ALIAS_MAIL, LAST_NAMES, TEMPORARY_MAIL
from bench.held_out_suppliers.world import World


def add_household(world: World, most: int) -> None:
    """Add a family: one line, often one card and one tablet."""
    rng = world.rng
    country = draw_country(world)
    home = Home(rng.choice(world.residential[country]), world.settings.v6_share, rng)
    last = rng.choice(LAST_NAMES)
    card = draw_card(world, country)
    shares_card = rng.random() < 0.5
    tablet = None
    for _ in range(min(most, rng.choice((2, 2, 3, 4, 5)))):
        person = draw_person(world, country, home)
        person.last = last
        if tablet and rng.random() < 0.5:
            person.devices.append(tablet)
        tablet = tablet or person.devices[-1]
        role = rng.choice(("parent", "child"))
        family_card = card if shares_card and rng.random() < 0.6 else None
        add_honest(world, person, "household", role, Traits(card=family_card))


def add_two_accounts(world: World, most: int) -> None:
    """Add a person with a private account and one for work."""
    person = draw_person(world, style="power")
    for number in range(min(most, world.rng.choice((2, 2, 2, 3)))):
        domain = None if number else world.draw_word(3) + ".com"
        traits = Traits(email=draw_mail(world, person, domain))
        add_honest(world, person, "two_accounts", "private / work pair", traits)


def add_vpn_user(world: World, most: int) -> None:
    """Add a person who is always behind a VPN."""
    person = draw_person(world)
    person.vpn = draw_vpn(world)
    person.vpn_share = 0.95
    add_honest(world, person, "vpn_user", "vpn")


def add_privacy_user(world: World, most: int) -> None:
    """Add a person with a VPN, an alias or temporary address, a prepaid card, at times a rented number."""
    rng = world.rng
    person = draw_person(world)
    person.vpn = draw_vpn(world)
    person.vpn_share = 0.9
    issuer = rng.choice(rng.choice(world.card_suppliers).issuers)
    person.devices = [draw_device(world, "firefox")]
    email = f"{world.draw_word(3)}{rng.randrange(99)}@{rng.choice(ALIAS_MAIL + TEMPORARY_MAIL)}"
    card = None
    if rng.random() < 0.6:
        card = Card(f"fp_{world.draw_hex_id(20)}", "prepaid", *issuer)
    elif rng.random() < 0.3:
        card = Card(f"cry_{world.draw_hex_id(16)}", "crypto", None, None)
    is_rented = rng.random() < 0.4
    phone = rent_phone(world, rng.choice(world.number_suppliers), 0.15) if is_rented else None
    add_honest(world, person, "privacy", "privacy user", Traits(email=email, card=card, phone=phone))


def add_grey_market(world: World, most: int) -> None:
    """Add people of a country without service, unrelated but for the intermediary who sells card and number."""
    rng = world.rng
    country = rng.choice(["PK", "NG", "KE", "VN"])
    numbers = rng.choice(world.number_suppliers)
    cards = rng.choice(world.card_suppliers)
    shared = [Card(f"fp_{world.draw_hex_id(20)}", "prepaid", *rng.choice(cards.issuers)) for _ in range(6)]
    shared += rng.sample(cards.resold, min(2, len(cards.resold)))
    vpn = draw_vpn(world)
    for _ in range(min(most, rng.randrange(10, 70))):
        person = draw_person(world, country)
        person.vpn = draw_vpn(world) if rng.random() < 0.6 else vpn
        person.vpn_share = 0.8
        phone = rent_phone(world, numbers, 0.1)
        if rng.random() < 0.5:
            card = rng.choice(shared)
        else:
            card = Card(f"fp_{world.draw_hex_id(20)}", "prepaid", *rng.choice(cards.issuers))
        traits = Traits(country=numbers.country, phone=phone, card=card)
        add_honest(world, person, "grey_market_buyer", "buys card and number from an intermediary", traits)


def add_cgnat(world: World, most: int) -> None:
    """Add people who have no line but a phone, all behind two addresses of their carrier."""
    rng = world.rng
    country = rng.choice(["IN", "ID", "NG", "PH", "VN", "KE"])
    pool = rng.choice(world.mobile[country])
    region = rng.randrange(pool.size)
    ips = [pool.get_address(region + number) for number in range(2)]
    for _ in range(min(most, rng.randrange(20, 120))):
        person = draw_person(world, country, style=rng.choice(("light", "light", "regular")))
        person.mobile_share = 0.97
        person.mobile = Fixed(ips, pool.asn, rng)
        person.devices = [draw_device(world, rng.choice(("android", "android", "iphone")))]
        person.work = None
        add_honest(world, person, "cgnat", "mobile only")


def add_cafe(world: World, most: int) -> None:
    """Add visitors of an internet café, who use its machines."""
    rng = world.rng
    country = draw_country(world)
    cafe = open_office(world, country, "residential", "Cafe", 1, is_listed=False)
    machines = [draw_device(world, "win") for _ in range(rng.randrange(3, 9))]

    def sit_down(moment: int) -> Endpoint:
        return Endpoint(*cafe.at(moment), *rng.choice(machines))

    for _ in range(min(most, rng.randrange(8, 40))):
        person = draw_person(world, country, style="light")
        add_honest(world, person, "internet_cafe", "visitor", Traits(locate=sit_down, pays=False))


def add_marketplace(world: World, most: int) -> None:
    """Add unrelated clients of one freelancer, who works in their accounts for some days."""
    rng = world.rng
    freelancer = draw_person(world, style="regular")
    for _ in range(min(most, rng.randrange(3, 9))):
        client = draw_person(world)
        begin = world.start + rng.randrange(world.settings.days) * DAY
        traits = Traits(
            created=draw_creation(world, 0.3),
            locate=partial(_locate_either, world, client, freelancer, begin),
        )
        add_honest(world, client, "marketplace", "client of a freelancer", traits)


def _locate_either(world: World, client: Person, freelancer: Person, begin: int, moment: int) -> Endpoint:
    """Return where the client is, or the freelancer while the work lasts."""
    is_hired = begin < moment < begin + 10 * DAY and world.rng.random() < 0.7
    return locate(world, freelancer if is_hired else client, moment)
