"""Accounts, the people behind them, and the suppliers from whom both buy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.held_out_suppliers.places import Endpoint, Home, Place

Hours = list[tuple[int, int]]
"""Hours in which an account is used, each with its number of requests."""

Locate = Callable[[int], Endpoint]
"""A function from a moment to the place and device of an account's user."""


class Device(NamedTuple):
    """A device identifier and the user agent that goes with it."""

    identifier: str
    user_agent: str


class Card(NamedTuple):
    """A means of payment: token, kind, issuer's number and country."""

    instrument: str
    kind: str
    bin: str | None
    issuer_country: str | None


class Issuer(NamedTuple):
    """An issuer of cards: its identification number and country."""

    bin: str
    country: str


@dataclass(slots=True)
class Account:
    """An account with its sign-up, its end, and the truth about it."""

    id: str
    created: int
    end: int
    campaign: str | None = None
    role: str | None = None
    decoy: str | None = None
    status: str = "active"
    changed: int | None = None
    plan: str = "free"
    country: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    organization: str | None = None
    ip: str | None = None
    device: str | None = None
    user_agent: str | None = None
    hours: Hours = field(default_factory=list)


@dataclass(slots=True)
class Person:
    """A person: places, devices, habits and the words of the prompts."""

    country: str
    utc_offset: int
    language: str
    first: str
    last: str
    home: Home
    mobile: Place
    mobile_share: float
    devices: list[Device]
    style: str
    nouns: list[str]
    entities: list[str]
    function: str
    client: str | None
    phone: str
    work: Place | None = None
    vpn: Place | None = None
    vpn_share: float = 0
    server: Place | None = None
    card: Card | None = None
    webhook: str | None = None


@dataclass(slots=True)
class NumberSupplier:
    """A supplier of rented numbers, who rents some out twice."""

    dial_code: str
    country: str
    prefixes: list[str]
    rented: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CardSupplier:
    """A supplier of cards, who sells some twice."""

    issuers: list[Issuer]
    kind: str
    resold: list[Card] = field(default_factory=list)


class Antidetect(NamedTuple):
    """An antidetect browser: the TLS fingerprint and the version that all its users show."""

    ja4: str
    chrome: int
