"""The state of a world: random draws, the tables written so far, networks and suppliers."""

import random
from typing import TYPE_CHECKING

from bench.held_out_suppliers.actors import Account, Antidetect, CardSupplier, Issuer, NumberSupplier
from bench.held_out_suppliers.clock import DAY
from bench.held_out_suppliers.places import Address, Pool
from bench.held_out_suppliers.reference import SYLLABLES, split_words
from bench.held_out_suppliers.settings import Settings

if TYPE_CHECKING:
    from bench.held_out_suppliers.jobs import Job

COLUMNS = {
    "payments": "account_id instrument kind bin issuer_country first_seen last_seen payments",
    "sessions": "account_id ip asn device user_agent first_seen last_seen requests",
    "prompts": "account_id text model first_seen last_seen requests",
    "activity": "account_id hour requests model",
    "identifiers": "account_id kind value first_seen last_seen count",
}
"""Tables that a simulation fills, before the exporter cuts them down."""

FIRST_OCTETS = [
    int(octet)
    for octet in split_words(
        "24 31 37 45 46 50 62 66 73 77 80 84 88 91 95 101 103 109 113 122 134 151 173 177 185 188 201 203 212"
    )
]


class World:
    """A world under construction. All its draws come from one generator, in one order."""

    def __init__(self, settings: Settings, seed: int, size: int) -> None:
        self.settings = settings
        self.seed = seed
        self.size = size
        self.scale = size / settings.accounts
        self.rng = random.Random(f"{settings.name}/{seed}")
        self.start = settings.start
        self.stop = settings.start + settings.days * DAY
        self.tables: dict[str, dict[str, list[object]]] = {
            table: {column: [] for column in split_words(columns)} for table, columns in COLUMNS.items()
        }
        self.accounts: list[Account] = []
        self.used_bases: set[int] = set()
        self.used_ids: set[str] = set()
        self.recycled_phones: list[str] = []
        self.second_hand_devices: list[str] = []
        self.ja4_of_agents: dict[str | None, str] = {}
        self.fingerprints = {
            "iphone": [self.draw_hex_id(32) for _ in range(40)],
            "android": [self.draw_hex_id(32) for _ in range(500)],
        }
        self.pools: list[Pool] = []
        self.residential: dict[str, list[Pool]] = {}
        self.mobile: dict[str, list[Pool]] = {}
        self.hosting: list[Pool] = []
        self.vpn_pools: list[Pool] = []
        self.notebook_egress: list[Address] = []
        self.country_of_asn: dict[int, str] = {}
        self.issuers: dict[str, list[str]] = {}
        self.fintech_issuers: list[Issuer] = []
        self.starter_kits: list[str] = []
        self.benchmarks: list[Job] = []
        self.public_files: list[str] = []
        self.holidays: dict[str, list[int]] = {}
        self.number_suppliers: list[NumberSupplier] = []
        self.card_suppliers: list[CardSupplier] = []
        self.proxy_suppliers: list[list[Address]] = []
        self.antidetect: list[Antidetect] = []
        self.mail_domains: list[list[str]] = []

    def draw_hex_id(self, digits: int = 16) -> str:
        """Return a random hexadecimal identifier."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def draw_uuid(self) -> str:
        """Return a random UUID of version 4."""
        first, second, third = self.draw_hex_id(8), self.draw_hex_id(4), self.draw_hex_id(3)
        variant = self.rng.choice("89ab")
        return f"{first}-{second}-4{third}-{variant}{self.draw_hex_id(3)}-{self.draw_hex_id(12)}"

    def draw_word(self, syllables: int | None = None) -> str:
        """Return an invented word."""
        count = syllables or self.rng.choice((2, 3, 3))
        return "".join(self.rng.choice(SYLLABLES) for _ in range(count))

    def draw_asn(self) -> int:
        """Return the number of an autonomous system."""
        rng = self.rng
        return rng.randrange(2000, 64000) if rng.random() < 0.6 else rng.randrange(131072, 400000)

    def draw_base(self) -> int:
        """Return the first address of a /16 that no other pool has."""
        while True:
            base = (self.rng.choice(FIRST_OCTETS) << 24) | (self.rng.randrange(1, 255) << 16)
            if base not in self.used_bases and base >> 16 != 203 << 8:
                self.used_bases.add(base)
                return base

    def add_pool(self, kind: str, country: str, name: str, size: int) -> Pool:
        """Add an address pool to the world and return it."""
        asn, base = self.draw_asn(), self.draw_base()
        v6 = f"2{self.rng.randrange(0x400, 0xFFF):03x}:{self.rng.randrange(0x1000, 0xFFFF):x}"
        pool = Pool(asn, kind, country, name, size, base, v6)
        self.pools.append(pool)
        return pool

    def add_account(
        self,
        created: float,
        end: float | None = None,
        *,
        country: str | None = None,
        campaign: str | None = None,
        role: str | None = None,
        decoy: str | None = None,
    ) -> Account:
        """Add an account to the world and return it."""
        while True:
            identifier = self.settings.id_prefix + self.draw_hex_id(12)
            if identifier not in self.used_ids:
                self.used_ids.add(identifier)
                break
        account = Account(
            identifier, int(created), int(end or self.stop), campaign, role, decoy, country=country
        )
        self.accounts.append(account)
        return account

    def append(self, table: str, *values: object) -> None:
        """Append a row to a table, with a value for each of its columns."""
        for column, value in zip(self.tables[table].values(), values, strict=True):
            column.append(value)
