"""Traces that accounts leave behind: rows of sessions, activity, prompts, payments and identifiers."""

import hashlib

from bench.held_out_suppliers.actors import Account, Card, Hours, Locate, Person
from bench.held_out_suppliers.clock import DAY, HOUR
from bench.held_out_suppliers.places import Endpoint
from bench.held_out_suppliers.world import World

REFERRERS = {
    "google.com": 8,
    "news.ycombinator.com": 3,
    "reddit.com": 3,
    "youtube.com": 2,
    "x.com": 2,
    "medium.com": 1,
    "producthunt.com": 1,
    "bing.com": 1,
    "(direct)": 9,
}
"""Sites that sign-ups come from, with weights."""


def add_sessions(world: World, account: Account, hours: Hours, locate: Locate) -> None:
    """Add a row for each endpoint from which an account was used in these hours."""
    rng = world.rng
    found: dict[Endpoint, tuple[int, int, int]] = {}
    for hour, requests in hours:
        moment = max(hour + rng.randrange(HOUR), account.created)
        endpoint = locate(moment)
        if endpoint in found:
            first, last, total = found[endpoint]
            found[endpoint] = (min(first, moment), max(last, moment), total + requests)
        else:
            found[endpoint] = (moment, moment + rng.randrange(30, 1800), requests)
    for endpoint, (first, last, total) in found.items():
        world.append("sessions", account.id, *endpoint, first, max(first, last), total)


def add_activity(world: World, account: Account, hours: Hours, model: str) -> None:
    """Add a row for each hour in which an account was used."""
    for hour, requests in hours:
        world.append("activity", account.id, hour // HOUR * HOUR, requests, model)


def add_prompt(world: World, account: Account, text: str, model: str, requests: int | None = None) -> None:
    """Add a prompt at hours of an account that are drawn."""
    rng = world.rng
    first = rng.choice(account.hours)[0] if account.hours else account.created
    last = rng.choice(account.hours)[0] if account.hours and rng.random() < 0.2 else first
    begin = max(min(first, last) + rng.randrange(HOUR), account.created)
    end = max(begin, max(first, last) + rng.randrange(HOUR))
    count = requests or max(1, int(rng.expovariate(0.8)))
    world.append("prompts", account.id, text, model, begin, end, count)


def add_payment(
    world: World, account: Account, card: Card, first: int | None = None, last: int | None = None
) -> None:
    """Add the payments that an account made by a card, a month apart."""
    rng = world.rng
    first = max(first or 0, account.created + rng.randrange(60, 2 * DAY), world.start - 200 * DAY)
    first = min(first, world.stop - 60)
    last = max(first, last or first + rng.choice((0, 0, 30 * DAY, 60 * DAY)))
    last = max(first, min(last, world.stop, account.end if account.end > first else first))
    months = max(1, int((last - first) / (30 * DAY)) + 1)
    world.append("payments", account.id, *card, first, last, months)


def add_identifier(
    world: World, account: Account, kind: str, value: str, first: int | None = None, last: int | None = None
) -> None:
    """Add an identifier of an account, seen through all its hours unless said otherwise."""
    first = first or (account.hours[0][0] if account.hours else account.created)
    first = max(first, account.created)
    last = max(first, last or (account.hours[-1][0] if account.hours else first))
    world.append("identifiers", account.id, kind, value, first, last, 1)


def add_sign_up_identifier(world: World, account: Account, kind: str, value: str) -> None:
    """Add an identifier that was seen at the sign-up of an account."""
    add_identifier(world, account, kind, value, first=account.created, last=account.created)


def add_common_identifiers(
    world: World, account: Account, person: Person, referral: str | None = None, ja4: str | None = None
) -> None:
    """Add the identifiers that any account has: TLS fingerprint, time zone, keyboard, referrer, client."""
    rng = world.rng
    add_identifier(world, account, "ja4", ja4 or _draw_ja4(world, account.user_agent))
    if person.client:
        add_identifier(world, account, "ja4", get_ja4(world, person.client))
    add_identifier(world, account, "tz_offset", str(person.utc_offset))
    layout = {"de": "qwertz", "fr": "azerty"}.get(person.language, "qwerty")
    add_identifier(world, account, "keyboard_layout", layout)
    referrer = rng.choices(list(REFERRERS), list(REFERRERS.values()))[0]
    add_sign_up_identifier(world, account, "referrer", referrer)
    if referral:
        add_sign_up_identifier(world, account, "referral_code", referral)
    elif rng.random() < 0.03:
        add_sign_up_identifier(world, account, "referral_code", "R" + world.draw_hex_id(6))
    if person.client:
        is_default = rng.random() < 0.8
        config = compute_digest("default" + person.client) if is_default else world.draw_hex_id(16)
        add_identifier(world, account, "client_config", config)
    if rng.random() < 0.2:
        add_identifier(world, account, "upload_sha256", _draw_upload(world))
    if person.style == "bot" and rng.random() < 0.7:
        person.webhook = person.webhook or _draw_webhook(world)
        add_identifier(world, account, "webhook_host", person.webhook)


def get_ja4(world: World, user_agent: str | None) -> str:
    """Return the TLS fingerprint of a browser or client, the same for all that are alike."""
    rng = world.rng
    alike = user_agent
    if user_agent and "(" in user_agent:
        alike = user_agent.split("(")[1][:6] + user_agent[-26:]
    if alike not in world.ja4_of_agents:
        ciphers, extensions = rng.randrange(13, 18), rng.randrange(10, 18)
        ja4 = f"t13d{ciphers:02d}{extensions:02d}h2_{world.draw_hex_id(12)}_{world.draw_hex_id(12)}"
        world.ja4_of_agents[alike] = ja4
    return world.ja4_of_agents[alike]


def _draw_ja4(world: World, user_agent: str | None) -> str:
    """Return the fingerprint of a browser, or of the antidetect browser that a few honest people use."""
    if world.rng.random() < 0.04:
        return world.rng.choice(world.antidetect).ja4
    return get_ja4(world, user_agent)


def _draw_upload(world: World) -> str:
    """Return the digest of an uploaded file: a public one, or one of its own."""
    rng = world.rng
    if rng.random() < 0.15:
        return rng.choices(world.public_files, [1 / (rank + 1) for rank in range(8)])[0]
    return world.draw_hex_id(64)


def _draw_webhook(world: World) -> str:
    """Return the host that a program is called back at."""
    rng = world.rng
    if rng.random() < 0.5:
        return rng.choice(["hooks.zapier.com", "hook.eu1.make.com", "n8n.cloud"])
    frame = rng.choice(("api.{}.com", "cb-{}.net", "hooks.{}.io", "{}.ngrok.app", "ai-{}.site"))
    return frame.format(world.draw_word(3))


def compute_digest(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]
