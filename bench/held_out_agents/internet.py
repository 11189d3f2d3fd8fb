"""Address pools, households that lease addresses from them, and the networks of each country."""

from collections import defaultdict
from dataclasses import dataclass

from bench.held_out_agents.draws import Draws, Instrument
from bench.held_out_agents.vocabulary import COUNTRIES, NOUNS, Country

PERMANENT = 4000
"""Days of a lease that outlasts every calendar."""


def format_address(number: int) -> str:
    """Return an IPv4 address in dotted form."""
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class AddressPool:
    """A block of addresses that one autonomous system announces.

    A pool with IPv6 gives its households prefixes of 64 bits.
    """

    def __init__(
        self,
        internet: "Internet",
        name: str,
        network_class: str,
        country: str,
        bits: int,
        has_ipv6: bool = False,
    ) -> None:
        self.internet = internet
        self.name = name
        self.network_class = network_class
        self.country = country
        self.bits = bits
        draws = internet.draws
        self.asn = draws.draw_asn()
        self.base = draws.draw_block(bits)
        self.size = 1 << (32 - bits)
        self.ipv6_prefix: str | None = None
        if has_ipv6:
            rng = draws.random
            self.ipv6_prefix = f"2a{rng.randrange(16):x}{rng.randrange(16):x}:{rng.randrange(1, 65535):x}"
        internet.pools.append(self)

    def draw_address(self) -> str:
        """Return any address of the pool."""
        random_offset = int(self.internet.draws.random.random() * (self.size - 2))
        return self.announce(format_address(self.base + 1 + random_offset))

    def draw_prefix(self) -> str:
        """Return an IPv6 prefix of 64 bits."""
        rng = self.internet.draws.random
        return f"{self.ipv6_prefix}:{rng.randrange(65536):x}:{rng.randrange(65536):x}"

    def announce(self, address: str) -> str:
        """Return an address after noting that this pool announces it."""
        self.internet.asn_of[address] = self.asn
        return address


class Household:
    """A home whose people share a lease of an address, and sometimes a card, a number and a tablet."""

    __slots__ = (
        "address",
        "card",
        "family_name",
        "lease",
        "phone",
        "pool",
        "prefix",
        "size",
        "tablet",
        "until",
    )

    def __init__(self, pool: AddressPool) -> None:
        draws = pool.internet.draws
        self.pool = pool
        drawn = draws.random.random()
        daily = draws.settings.daily_lease_share
        self.lease = 1 if drawn < daily else (30 if drawn < 0.85 else PERMANENT)
        self.address: str | None = None
        self.until = -9999
        self.prefix: str | None = None
        if pool.ipv6_prefix and draws.happens(0.6):
            self.prefix = pool.draw_prefix()
        self.tablet: str | None = None
        self.card: Instrument | None = None
        self.phone: str | None = None
        self.size = 0
        self.family_name = ""

    def add_member(self, last_name: str) -> str:
        """Add a person and return the last name of the household, which its first member gave it."""
        self.family_name = self.family_name or last_name
        self.size += 1
        return self.family_name

    def draw_address(self, day: int) -> str:
        """Return the address from which the household is seen on a day."""
        draws = self.pool.internet.draws
        if self.prefix and draws.happens(0.5):
            return self.pool.announce(self._draw_privacy_address(day))
        if day >= self.until or self.address is None:
            self.address = self.pool.draw_address()
            if self.lease == 1:
                self.until = day + 1
            else:
                self.until = day + max(2, int(draws.random.expovariate(1 / self.lease)))
        return self.address

    def _draw_privacy_address(self, day: int) -> str:
        """Return one of the few temporary IPv6 addresses that a household has a day."""
        drawn = int(self.pool.internet.draws.random.random() * 6)
        number = drawn + self.size * 7 + (day // 2) * 1000003
        parts = (number * 2654435761, number * 40503, number * 69069 + 5, number * 1103515)
        return f"{self.prefix}:" + ":".join(f"{part & 65535:x}" for part in parts)


@dataclass(frozen=True, slots=True)
class Locality:
    """What people of one country meet: providers, cafes, banks and universities."""

    residential: list[AddressPool]
    mobile: list[AddressPool]
    cafes: list[str]
    card_bins: list[str]
    universities: list[AddressPool]


class Internet:
    """All address pools of a world, by country and by use."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self.pools: list[AddressPool] = []
        self.asn_of: dict[str, int] = {}
        self.households: list[Household] = []
        self.open_households: defaultdict[str, list[Household]] = defaultdict(list)
        """Households that may get another member, by country."""
        self.localities = {country.code: self._draw_locality(country) for country in COUNTRIES}
        self.residential = [pool for place in self.localities.values() for pool in place.residential]
        self.mobile = [pool for place in self.localities.values() for pool in place.mobile]
        rng = draws.random
        self.corporate = [
            AddressPool(self, f"{rng.choice(NOUNS)} enterprise", "corporate", rng.choice(COUNTRIES).code, 21)
            for _ in range(6)
        ]
        self.hotels = [
            AddressPool(self, f"{rng.choice(NOUNS)} hospitality", "unknown", rng.choice(COUNTRIES).code, 28)
            for _ in range(8)
        ]

    def _draw_locality(self, country: Country) -> Locality:
        """Return the networks of one country."""
        draws, rng, code = self.draws, self.draws.random, country.code
        settings = draws.settings
        residential = [
            AddressPool(
                self,
                f"{rng.choice(NOUNS)} broadband {code}",
                "residential",
                code,
                settings.residential_bits + rng.randrange(2),
                settings.has_ipv6 and draws.happens(0.5),
            )
            for _ in range(rng.randint(2, 4))
        ]
        mobile = [
            AddressPool(self, f"{rng.choice(NOUNS)} mobile {code}", rng.choice(("mobile", "cgnat")), code, 26)
            for _ in range(2)
        ]
        return Locality(
            residential=residential,
            mobile=mobile,
            cafes=[rng.choice(residential).draw_address() for _ in range(6)],
            card_bins=[str(rng.randrange(400000, 559999)) for _ in range(9)],
            universities=[
                AddressPool(self, f"university of {rng.choice(NOUNS)}", "education", code, 24)
                for _ in range(2)
            ],
        )

    def draw_household(self, country_code: str) -> Household:
        """Return a household that a new person of a country joins or founds."""
        draws, rng = self.draws, self.draws.random
        candidates = self.open_households[country_code]
        if candidates and draws.happens(draws.settings.family_share):
            return candidates[int(rng.random() * len(candidates))]
        household = Household(rng.choice(self.localities[country_code].residential))
        self.households.append(household)
        candidates.append(household)
        if len(candidates) > 12:
            candidates.pop(0)
        return household
