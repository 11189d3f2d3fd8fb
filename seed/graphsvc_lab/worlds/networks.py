"""The address space of a world: autonomous systems by class, their ranges, and addresses as integers.

An address is an int64: an IPv4 address as it is, or, with bit 62 set, an IPv6 one as
`system (12 bits) << 50 | line (30 bits) << 20 | interface (20 bits)` inside 3fff::/20, the range that RFC 9637
sets aside for documentation. IPv4 has no such range of useful size; blocks are drawn from what is not reserved.
System numbers are those for private use (RFC 6996).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc_lab.worlds.pools import COUNTRIES, Pools
from graphsvc_lab.worlds.profiles import NetworkClass
from graphsvc_lab.worlds.scenario import Network
from graphsvc_lab.worlds.streams import Bools, Ints, Streams, draw_zipf, mix_bits, pick_indices

FIRST_ASN = 64_512
REGION = 512
"""Neighbouring addresses among which a subscriber's dynamic address moves."""
_V6 = 1 << 62
_RESERVED_FIRST_OCTETS = {0, 10, 100, 127, 169, 172, 192, 198, 203}
_TITLES: dict[str, str] = {
    "residential": "Broadband", "mobile": "Mobile", "hosting": "Cloud", "vpn": "Privacy", "proxy": "Relay",
    "cgnat": "Wireless", "corporate": "Business Net", "education": "Research Network", "unknown": "Networks",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class System:
    """One autonomous system: its ranges are /16 or smaller, `live` addresses of them are in use."""

    asn: int
    name: str
    network_class: NetworkClass
    country: int
    live: int
    prefix: int
    blocks: tuple[int, ...]
    ipv6: float


class AddressSpace:
    """All autonomous systems of a world. The live addresses of a class are numbered 0 … capacity-1."""

    def __init__(
        self, networks: Mapping[NetworkClass, Network], accounts: int, streams: Streams, pools: Pools
    ) -> None:
        rng = streams.rng("address-space")
        free = [
            (a << 24) | (b << 16)
            for a in range(1, 224)
            if a not in _RESERVED_FIRST_OCTETS
            for b in range(256)
        ]
        blocks = iter(rng.permutation(np.array(free)))
        self._networks = networks
        self.systems: list[System] = []
        self._of_class: dict[NetworkClass, Ints] = {}
        for network_class, network in networks.items():
            # A few large providers and many small ones.
            weights = (np.arange(network.autonomous_systems) + 1.0) ** -0.7
            shares = weights / weights.sum() * network.addresses_per_account * accounts
            countries = pick_indices(rng, {c.code: c.weight for c in COUNTRIES}, len(weights))
            first = len(self.systems)
            for share, country in zip(shares, countries, strict=True):
                live = max(1, round(share))
                # A power of two, since ranges are; at least a /24, the smallest that is routed.
                size = 1 << max(8, int(np.ceil(np.log2(live + 2))))
                name = f"{pools.companies[len(self.systems) % len(pools.companies)]} {_TITLES[network_class]}"
                taken = tuple(int(next(blocks)) for _ in range(max(1, size >> 16)))
                self.systems.append(
                    System(
                        FIRST_ASN + len(self.systems), name, network_class, int(country), live,
                        max(16, 32 - size.bit_length() + 1), taken, network.ipv6,
                    )
                )  # fmt: skip
            self._of_class[network_class] = np.arange(first, len(self.systems))
        self._live = np.array([s.live for s in self.systems], dtype=np.int64)
        self._v6 = np.array([s.ipv6 for s in self.systems])
        self._country = np.array([s.country for s in self.systems], dtype=np.int64)
        self._first_block = np.cumsum([0] + [len(s.blocks) for s in self.systems])[:-1]
        self._blocks = np.array([b for s in self.systems for b in s.blocks], dtype=np.int64)
        starts = [(b, i) for i, s in enumerate(self.systems) for b in s.blocks]
        # Sorted by address, for the binary search in `find_systems`.
        starts.sort()
        self._starts = np.array([b for b, _ in starts], dtype=np.int64)
        self._system_at = np.array([i for _, i in starts], dtype=np.int64)

    def get_capacity(self, network_class: NetworkClass) -> int:
        """Return the number of live addresses of a class."""
        return int(self._live[self._of_class[network_class]].sum())

    def draw_places(self, rng: np.random.Generator, network_class: NetworkClass, size: int) -> Ints:
        """Draw places (numbers of live addresses) of a class, uniformly, shape (size,)."""
        return rng.integers(0, self.get_capacity(network_class), size)

    def draw_popular(self, rng: np.random.Generator, network_class: NetworkClass, size: int) -> Ints:
        """Draw places of a class, some far more used than others, shape (size,)."""
        capacity = self.get_capacity(network_class)
        ranks = draw_zipf(rng, capacity, size, 0.6)
        # The most used ones do not all lie in the first system: 7919 is a prime no capacity here is a multiple of.
        spread: Ints = (ranks * 7919 + 13) % capacity
        return spread

    def draw_nearby(self, rng: np.random.Generator, network_class: NetworkClass, places: Ints) -> Ints:
        """Draw for each place another of its region, as a dynamic address moves."""
        moved = places // REGION * REGION + rng.integers(0, REGION, len(places))
        within: Ints = np.minimum(moved, self.get_capacity(network_class) - 1)
        return within

    def choose_systems(
        self, rng: np.random.Generator, network_class: NetworkClass, groups: int, systems: int
    ) -> Ints:
        """Choose for each group some systems of the class, as bounds of places: shape (groups, systems, 2)."""
        members = self._of_class[network_class]
        chosen = rng.integers(0, len(members), (groups, systems))
        ends = np.cumsum(self._live[members])
        return np.stack([ends[chosen] - self._live[members][chosen], ends[chosen]], axis=-1)

    def get_addresses(self, network_class: NetworkClass, places: Ints) -> Ints:
        """Return the addresses at these places, shape as given."""
        members = self._of_class[network_class]
        ends = np.cumsum(self._live[members])
        which = np.searchsorted(ends, places, side="right")
        system = members[which]
        offset = places - (ends[which] - self._live[members][which])
        block = self._blocks[self._first_block[system] + (offset >> 16)]
        # The first address of a range is the network's, and no subscriber has it.
        v4 = block + np.where(self._live[system] < 65_534, (offset & 0xFFFF) + 1, offset & 0xFFFF)
        has_v6 = mix_bits(places, 6) < (self._v6[system] * 2.0**63).astype(np.uint64) * np.uint64(2)
        return np.where(has_v6, _V6 | (system << 50) | (offset << 20), v4)

    def find_systems(self, addresses: Ints) -> Ints:
        """Return the index of the system of each address."""
        # IPv6 addresses carry their system in bits 50 to 61, so only IPv4 needs the search.
        at = np.searchsorted(self._starts, addresses, side="right") - 1
        return np.where(is_v6(addresses), (addresses >> 50) & 0xFFF, self._system_at[np.maximum(at, 0)])

    def find_asns(self, addresses: Ints) -> Ints:
        """Return the number of the system of each address."""
        return self.find_systems(addresses) + FIRST_ASN

    def find_countries(self, addresses: Ints) -> Ints:
        """Return the index into `COUNTRIES` of each address's system."""
        return self._country[self.find_systems(addresses)]

    def is_of_class(self, addresses: Ints, network_class: NetworkClass) -> Bools:
        """Return which of the addresses belong to systems of a class."""
        wanted = np.array([s.network_class == network_class for s in self.systems])
        return wanted[self.find_systems(addresses)]

    def build_table(self) -> pl.DataFrame:
        """Build the table `networks`: a row a range, or a row a system if only the system's number is known."""
        rows: list[tuple[int, str | None, str, str, str]] = []
        for i, s in enumerate(self.systems):
            head = (s.name, s.network_class, COUNTRIES[s.country].code)
            if self._networks[s.network_class].by_asn_only:
                rows.append((s.asn, None, *head))
                continue
            rows += [(s.asn, f"{_format_v4(b)}/{s.prefix}", *head) for b in sorted(s.blocks)]
            if s.ipv6 > 0:
                rows.append((s.asn, f"3fff:{i + 1:x}::/32", *head))
        columns = {
            "asn": pl.Int64,
            "cidr": pl.String,
            "name": pl.String,
            "network_class": pl.String,
            "country": pl.String,
        }
        return pl.DataFrame(rows, schema=columns, orient="row")


def is_v6(addresses: Ints) -> Bools:
    """Return which of the addresses are IPv6."""
    return addresses >= _V6


def add_interface(addresses: Ints, owner: Ints) -> Ints:
    """Return IPv6 addresses with an interface part of their owner; IPv4 ones unchanged."""
    interface = (mix_bits(owner, 64) & np.uint64(0xFFFFF)).astype(np.int64)
    return np.where(is_v6(addresses), addresses & ~0xFFFFF | interface, addresses)


def remove_interface(addresses: Ints) -> Ints:
    """Return IPv6 addresses as `AddressSpace.get_addresses` gives them, the line alone; IPv4 ones unchanged."""
    return np.where(is_v6(addresses), addresses & ~0xFFFFF, addresses)


def format_addresses(addresses: Ints) -> pl.Series:
    """Return addresses in canonical notation (RFC 5952 for IPv6), shape as given."""
    distinct, place = np.unique(addresses, return_inverse=True)
    v6 = is_v6(distinct)
    v4 = pl.DataFrame({f"b{i}": (distinct[~v6] >> (24 - 8 * i)) & 255 for i in range(4)})
    dotted = v4.select(pl.concat_str(pl.all().cast(pl.String), separator=".")).to_series()
    return pl.concat([dotted, _format_v6(distinct[v6])]).gather(place)


def _format_v6(addresses: Ints) -> pl.Series:
    """Format IPv6 addresses. No group is zero, so there is nothing to abbreviate."""
    system, line, interface = (addresses >> 50) & 0xFFF, (addresses >> 20) & 0x3FFFFFFF, addresses & 0xFFFFF
    scattered = mix_bits(interface, 128)
    groups = [system + 1, (line >> 15) + 1, (line & 0x7FFF) + 1]
    groups += [((scattered >> np.uint64(16 * i)) & np.uint64(0x7FFF)).astype(np.int64) + 1 for i in range(4)]
    digits = np.array([f"{i:x}" for i in range(0x8002)])
    frame = pl.DataFrame({f"g{i}": pl.Series(digits.tolist()).gather(g) for i, g in enumerate(groups)})
    return frame.select(pl.concat_str(pl.lit("3fff"), pl.all(), separator=":")).to_series()


def _format_v4(address: int) -> str:
    return ".".join(str((address >> shift) & 255) for shift in (24, 16, 8, 0))
