"""Places from which traffic comes: address pools, homes, phones, offices, proxies."""

import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from bench.held_out_suppliers.clock import DAY, HOUR


class Address(NamedTuple):
    """An IP address and the autonomous system that announces it."""

    ip: str
    asn: int


class Endpoint(NamedTuple):
    """The origin of a request, as the service sees it."""

    ip: str
    asn: int
    device: str | None
    user_agent: str | None


class Place(Protocol):
    """Anything that has an address at a moment."""

    def at(self, moment: int) -> Address:
        """Return the address that the place has at a moment."""
        ...


class Pool:
    """An address pool of one autonomous system, a /16 at most."""

    def __init__(self, asn: int, kind: str, country: str, name: str, size: int, base: int, v6: str) -> None:
        self.asn = asn
        self.kind = kind
        self.country = country
        self.name = name
        self.base = base
        self.size = max(8, min(size, 60000))
        self.step = max(1, 65000 // self.size)
        self.v6 = v6

    def get_address(self, index: int) -> str:
        """Return the IPv4 address with an index, which counts round the pool."""
        number = self.base + 10 + (index % self.size) * self.step
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def draw(self, rng: random.Random) -> str:
        """Return an address of the pool at random."""
        return self.get_address(rng.randrange(self.size))

    def draw_address(self, rng: random.Random) -> Address:
        """Return an address of the pool at random, with its autonomous system."""
        return Address(self.draw(rng), self.asn)

    def get_cidr(self) -> str:
        """Return the block of the pool."""
        return f"{self.base >> 24}.{self.base >> 16 & 255}.0.0/16"


class Home:
    """A household's line: an address for the length of a lease, and for some an IPv6 prefix."""

    def __init__(self, pool: Pool, v6_share: float, rng: random.Random) -> None:
        self.pool = pool
        self.rng = rng
        self.lease = rng.choice([2, 5, 9, 21, 45, 400, 400]) * DAY
        self.offset = rng.randrange(self.lease)
        self.has_v6 = rng.random() < v6_share
        self.leases: dict[int, tuple[str, str]] = {}
        self.suffixes: dict[tuple[int, int], str] = {}

    def at(self, moment: int) -> Address:
        """Return the address at a moment."""
        lease = (moment + self.offset) // self.lease
        if lease not in self.leases:
            self.leases[lease] = (
                self.pool.draw(self.rng),
                f"{self.pool.v6}:{self._group(0)}:{self._group(0)}",
            )
        v4, prefix = self.leases[lease]
        if self.has_v6 and self.rng.random() < 0.6:
            # Privacy extensions (RFC 8981): the suffix changes every day.
            day = (lease, moment // DAY)
            if day not in self.suffixes:
                self.suffixes[day] = ":".join([prefix, *(self._group(1) for _ in range(4))])
            return Address(self.suffixes[day], self.pool.asn)
        return Address(v4, self.pool.asn)

    def _group(self, lowest: int) -> str:
        """Return sixteen bits of an IPv6 address."""
        return f"{self.rng.randrange(lowest, 65536):x}"


class Mobile:
    """A phone behind carrier-grade NAT: hundreds share an address. A few carriers show NAT64 addresses."""

    def __init__(self, pool: Pool, rng: random.Random) -> None:
        self.pool = pool
        self.rng = rng
        self.region = rng.randrange(pool.size)
        self.span = max(2, pool.size // 6)
        self.is_nat64 = rng.random() < 0.08
        self.drawn: dict[int, str] = {}

    def at(self, moment: int) -> Address:
        """Return the address at a moment: another every eight hours."""
        turn = moment // (8 * HOUR)
        if turn not in self.drawn:
            self.drawn[turn] = self.pool.get_address(self.region + self.rng.randrange(self.span))
        ip = self.drawn[turn]
        if self.is_nat64:
            part = [int(number) for number in ip.split(".")]
            ip = f"64:ff9b::{part[0] << 8 | part[1]:x}:{part[2] << 8 | part[3]:x}"
        return Address(ip, self.pool.asn)


class Fixed:
    """A server, or the NAT of an office, a campus or a café: the same few addresses always."""

    def __init__(self, ips: Sequence[str], asn: int, rng: random.Random) -> None:
        self.ips = ips
        self.asn = asn
        self.rng = rng

    def at(self, moment: int) -> Address:
        """Return one of the addresses."""
        return Address(self.ips[0] if len(self.ips) == 1 else self.rng.choice(self.ips), self.asn)


class Rotating:
    """A VPN or a rotating proxy: another of its addresses after each `hold` seconds."""

    def __init__(self, addresses: Sequence[Address], rng: random.Random, hold: int) -> None:
        self.addresses = addresses
        self.rng = rng
        self.hold = hold
        self.drawn: dict[int, Address] = {}

    def at(self, moment: int) -> Address:
        """Return the address at a moment."""
        turn = moment // self.hold
        if turn not in self.drawn:
            self.drawn[turn] = self.rng.choice(self.addresses)
        return self.drawn[turn]
