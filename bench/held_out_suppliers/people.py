"""People: where they live and work, what they own, what they write, and when."""

from collections.abc import Sequence

from bench.held_out_suppliers.actors import Account, Card, Device, Hours, NumberSupplier, Person
from bench.held_out_suppliers.clock import (
    DAY,
    HOUR,
    get_day_of_week,
    get_local_hour,
    get_utc_hour,
    to_seconds,
)
from bench.held_out_suppliers.phrases import (
    ADJECTIVES,
    AFTERTHOUGHTS,
    FOREIGN_FRAMES,
    FRAMES,
    NOUNS,
    PROGRAMMING_LANGUAGES,
)
from bench.held_out_suppliers.places import Endpoint, Fixed, Home, Mobile, Rotating
from bench.held_out_suppliers.reference import (
    API_CLIENTS,
    COUNTRIES,
    DEFAULT_DEVICES,
    FIRST_NAMES,
    FREE_MAIL,
    LAST_NAMES,
)
from bench.held_out_suppliers.world import World

LONG_NUMBERS = ("US", "IN", "CA")
"""Countries whose numbers have a digit more."""


def draw_country(world: World) -> str:
    """Return a country, by the weights of sign-ups."""
    return world.rng.choices(list(COUNTRIES), [country.weight for country in COUNTRIES.values()])[0]


def draw_user_agent(world: World, kind: str, chrome: int | None = None) -> str:
    """Return the user agent of a browser on a kind of device."""
    rng = world.rng
    months = int((world.start - to_seconds(2025, 9, 1)) / (30 * DAY))
    version = chrome or (120 + months + rng.choice((0, 0, 1, 1, 2, -1, -3)))
    # Both are drawn whatever the kind, so that the draws after them do not depend on it.
    ios = rng.randrange(2, 7)
    android = rng.randrange(2, 5)
    return {
        "iphone": f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_{ios} like Mac OS X) AppleWebKit/605.1.15 "
        f"Version/17.{ios} Mobile Safari/604.1",
        "android": f"Mozilla/5.0 (Linux; Android 1{android}; K) AppleWebKit/537.36 "
        f"Chrome/{version}.0.0.0 Mobile Safari/537.36",
        "mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 "
        f"Chrome/{version}.0.0.0 Safari/537.36",
        "win": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
        f"Chrome/{version}.0.0.0 Safari/537.36",
        "firefox": f"Mozilla/5.0 (X11; Linux x86_64; rv:{version + 3}.0) Gecko/20100101 Firefox/{version + 3}.0",
    }[kind]


def draw_device(world: World, kind: str) -> Device:
    """Return a new device of a kind."""
    return Device(_draw_device_id(world, kind), draw_user_agent(world, kind))


def _draw_device_id(world: World, kind: str) -> str:
    """Return the identifier of a new device; some libraries send a default."""
    rng = world.rng
    if rng.random() < world.settings.default_device_share:
        return rng.choice(DEFAULT_DEVICES[:3]) if rng.random() < 0.8 else rng.choice(DEFAULT_DEVICES)
    if not world.settings.fingerprinted_devices:
        return world.draw_uuid()
    if kind in world.fingerprints:
        return rng.choice(world.fingerprints[kind])
    return world.draw_hex_id(32)


def draw_vpn(world: World) -> Rotating:
    """Return the exits of a VPN as one of its users sees them."""
    rng = world.rng
    pool = rng.choice(world.vpn_pools)
    return Rotating([pool.draw_address(rng) for _ in range(12)], rng, DAY // 2)


def draw_person(
    world: World, country: str | None = None, home: Home | None = None, style: str | None = None
) -> Person:
    """Return a new person; `style` is light, regular, power or bot."""
    rng = world.rng
    country = country or draw_country(world)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    home = home or Home(rng.choice(world.residential[country]), world.settings.v6_share, rng)
    mobile = Mobile(rng.choice(world.mobile[country]), rng)
    mobile_share = rng.choice((0, 0.1, 0.3, 0.5))
    vpn, vpn_share = None, 0.0
    if rng.random() < 0.07:
        vpn = draw_vpn(world)
        vpn_share = rng.choice((0.2, 0.6))
    devices = _draw_devices(world)
    style = style or rng.choices(("light", "regular", "power", "bot"), (48, 34, 12, 6))[0]
    person = Person(
        country=country,
        utc_offset=COUNTRIES[country].utc_offset,
        language=COUNTRIES[country].language,
        first=first,
        last=last,
        home=home,
        mobile=mobile,
        mobile_share=mobile_share,
        vpn=vpn,
        vpn_share=vpn_share,
        devices=devices,
        style=style,
        nouns=rng.sample(NOUNS, 9),
        entities=[world.draw_word().title() for _ in range(4)],
        function=draw_function(world),
        client=rng.choice(API_CLIENTS) if style == "bot" or rng.random() < 0.14 else None,
        phone=draw_phone(world, country),
    )
    if style == "bot":
        host = rng.choice(world.hosting)
        is_rented = rng.random() < 0.7
        person.server = (
            Fixed([host.draw(rng)], host.asn, rng) if is_rented else Rotating(world.notebook_egress, rng, DAY)
        )
    return person


def _draw_devices(world: World) -> list[Device]:
    """Return the devices of a person: a computer, and a phone for most."""
    rng = world.rng
    devices = [draw_device(world, rng.choice(("win", "win", "mac", "mac", "firefox")))]
    if rng.random() < 0.6:
        devices.append(draw_device(world, rng.choice(("iphone", "android"))))
    if world.second_hand_devices and rng.random() < 0.004:
        devices[0] = Device(rng.choice(world.second_hand_devices), devices[0].user_agent)
    if rng.random() < 0.02:
        world.second_hand_devices.append(devices[-1].identifier)
    return devices


def draw_function(world: World) -> str:
    """Return the invented name of a function in a program."""
    return f"{world.draw_word(2)}_{world.draw_word(2)}"


def draw_phone(world: World, country: str) -> str:
    """Return a number of a country; carriers give a few of them to a second person."""
    rng = world.rng
    if world.recycled_phones and rng.random() < 0.003:
        return rng.choice(world.recycled_phones)
    number = rng.randrange(10**8, 10**9)
    if country in LONG_NUMBERS:
        number = number * 10 + rng.randrange(10)
    phone = f"+{COUNTRIES[country].dial_code}{number}"
    if rng.random() < 0.02:
        world.recycled_phones.append(phone)
    return phone


def rent_phone(world: World, supplier: NumberSupplier, reuse: float = 0.05) -> str:
    """Return a rented number, which the supplier has rented out before with probability `reuse`."""
    rng = world.rng
    if supplier.rented and rng.random() < reuse:
        return rng.choice(supplier.rented)
    digits = 7 if supplier.country in LONG_NUMBERS else 6
    phone = f"+{supplier.dial_code}{rng.choice(supplier.prefixes)}{rng.randrange(10**6):0{digits}d}"
    supplier.rented.append(phone)
    return phone


def draw_card(world: World, country: str) -> Card:
    """Return a card of a person in a country."""
    rng = world.rng
    if rng.random() < 0.12:
        issuer, issuer_country = rng.choice(world.fintech_issuers)
    else:
        issuer = rng.choices(world.issuers[country], [1 / (rank + 1) for rank in range(12)])[0]
        issuer_country = country
    return Card(f"fp_{world.draw_hex_id(20)}", "card", issuer, issuer_country)


def draw_mail(world: World, person: Person, domain: str | None = None) -> str:
    """Return a mail address of a person."""
    rng = world.rng
    first, last = person.first, person.last
    number = rng.choice(("", "", str(rng.randrange(1, 99)), str(rng.randrange(1970, 2008))))
    names = (
        f"{first}.{last}",
        first + last,
        first[0] + last,
        f"{first}_{last}",
        last + first[0],
        first,
        world.draw_word(3),
        first + world.draw_word(2),
    )
    local = rng.choice(names) + number
    if not domain and rng.random() < 0.05:
        ending = (".com", ".me", ".dev", ".site", ".online", ".net", ".xyz")
        domain = rng.choice((last, world.draw_word(3), first + last)) + rng.choice(ending)
    return f"{local}@{domain or rng.choice(FREE_MAIL)}"


def write_prompt(world: World, person: Person) -> str:
    """Return a prompt as a person types it."""
    rng = world.rng
    text = _fill(world, person, _draw_frame(world, person))
    if rng.random() < 0.25:
        text += rng.choice((". ", ", ", "\n"))
        text += rng.choice(AFTERTHOUGHTS).format(
            a=rng.choice(ADJECTIVES), n=rng.choice(NOUNS), d=rng.randrange(2, 40)
        )
    if rng.random() < 0.1:
        text = text.lower()
    return text


def _draw_frame(world: World, person: Person) -> str:
    """Return a frame of a prompt, in the language of a person."""
    rng = world.rng
    if person.language in FOREIGN_FRAMES and rng.random() < 0.6:
        return rng.choice(FOREIGN_FRAMES[person.language])
    return rng.choice(FRAMES)


def _fill(world: World, person: Person, frame: str) -> str:
    """Return a frame with all its places filled. All are drawn, whichever the frame has."""
    rng = world.rng
    nouns = rng.sample(person.nouns, 3) if rng.random() < 0.7 else rng.sample(NOUNS, 3)
    return frame.format(
        a=rng.choice(ADJECTIVES),
        n=nouns[0],
        n2=nouns[1],
        n3=nouns[2],
        p=rng.choice(person.entities) if rng.random() < 0.7 else world.draw_word().title(),
        q=world.draw_word().title(),
        d=rng.randrange(2, 60),
        e=rng.randrange(20, 900),
        d2=rng.randrange(2, 60),
        e2=rng.randrange(2, 60),
        l=rng.choice(PROGRAMMING_LANGUAGES),
        l2=rng.choice(PROGRAMMING_LANGUAGES),
        L=rng.choice(["German", "Spanish", "Hindi", "Polish", "Thai"]),
        f=person.function if rng.random() < 0.4 else draw_function(world),
        F=world.draw_word(2).title(),
    )


def write_system_prompt(world: World) -> str:
    """Return the system prompt of an application."""
    rng = world.rng
    name, manner, owner = world.draw_word().title(), rng.choice(ADJECTIVES), world.draw_word().title()
    rules = ("Be polite.", "Never guess.", "Use the context.", "Ask one question at a time.")
    return (
        f"You are {name}, the {manner} assistant of {owner}. {rng.choice(rules)} "
        f"Only talk about {rng.choice(NOUNS)} and {rng.choice(NOUNS)}. "
        f"Reply in at most {rng.randrange(20, 300)} words."
    )


def draw_creation(world: World, recent: float = 0.6) -> int:
    """Return when an honest account was created: within the period with probability `recent`."""
    rng = world.rng
    if rng.random() < recent:
        return rng.randrange(world.start, world.stop - DAY)
    return world.start - int(min(rng.expovariate(1 / 160), 600) * DAY) - rng.randrange(DAY)


def locate(world: World, person: Person, moment: int) -> Endpoint:
    """Return where a person is at a moment, and with which device."""
    rng = world.rng
    hour = get_local_hour(moment, person.utc_offset)
    if person.server and rng.random() < 0.93:
        return Endpoint(*person.server.at(moment), None, person.client)
    is_workday = get_day_of_week(moment // DAY) < 5
    if person.vpn and rng.random() < person.vpn_share:
        address = person.vpn.at(moment)
    elif person.work and 8 <= hour < 19 and is_workday and rng.random() < 0.85:
        address = person.work.at(moment)
    elif rng.random() < person.mobile_share:
        return Endpoint(*person.mobile.at(moment), *person.devices[-1])
    else:
        address = person.home.at(moment)
    if person.client and rng.random() < 0.6:
        return Endpoint(*address, None, person.client)
    device = person.devices[0] if rng.random() < 0.75 else rng.choice(person.devices)
    return Endpoint(*address, *device)


def draw_hours(
    world: World,
    account: Account,
    person: Person,
    style: str,
    first: int | None = None,
    last: int | None = None,
) -> Hours:
    """Return the hours in which a person uses an account between two moments."""
    rng = world.rng
    first = max(first or account.created, world.start)
    last = min(last or account.end, world.stop)
    if last - first < HOUR:
        last = min(first + 6 * HOUR, world.stop)
    days = range(first // DAY, last // DAY + 1)
    draw = _draw_program_hours if style == "bot" else _draw_human_hours
    used = draw(world, person, style, days)
    hours = sorted((hour, requests) for hour, requests in used.items() if first - HOUR < hour <= last)
    return hours or [(first // HOUR * HOUR, rng.randrange(1, 5))]


def _draw_program_hours(world: World, person: Person, style: str, days: Sequence[int]) -> dict[int, int]:
    """Return the hours of a program, which runs by schedule for some days in a row."""
    rng = world.rng
    used = {}
    count = min(len(days), rng.choice((5, 10, 20)))
    begin = rng.randrange(len(days) - count + 1)
    schedules: tuple[Sequence[int], ...] = (range(24), range(0, 24, 6), (2,), (6, 7, 8), range(8, 20))
    schedule = rng.choice(schedules)
    load = rng.choice((3, 12, 60, 200))
    for day in days[begin : begin + count]:
        for hour in schedule:
            if rng.random() < 0.8:
                used[get_utc_hour(day, hour, person.utc_offset)] = max(1, int(rng.gauss(load, load * 0.25)))
    return used


def _draw_human_hours(world: World, person: Person, style: str, days: Sequence[int]) -> dict[int, int]:
    """Return the hours of a person, who may keep weekends and holidays free."""
    rng = world.rng
    used: dict[int, int] = {}
    counts = {
        "light": rng.choice((1, 1, 2, 3, 4)),
        "regular": rng.randrange(4, 14),
        "power": rng.randrange(12, 30),
    }
    count = counts[style]
    middle = rng.gauss(15, 3)
    rests_on_weekends = rng.random() < 0.5
    for day in rng.sample(days, count) if count < len(days) else days:
        if rests_on_weekends and get_day_of_week(day) >= 5 and rng.random() < 0.8:
            continue
        if day in world.holidays[person.country] and rng.random() < 0.7:
            continue
        for _ in range(rng.choice((1, 1, 2, 3))):
            hour = get_utc_hour(day, int(rng.gauss(middle, 2.6)) % 24, person.utc_offset)
            used[hour] = used.get(hour, 0) + max(1, int(rng.lognormvariate(1.2, 0.9)))
    return used
