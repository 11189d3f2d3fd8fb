"""Tables of a world, as a signals bundle with its truth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from bench.held_out_agents.events import DAY, EventTable
from bench.held_out_agents.internet import format_address
from bench.held_out_agents.simulation import simulate_world
from bench.held_out_agents.vocabulary import MODELS
from bench.held_out_agents.world import World

Value = TypeVar("Value")
NETWORK_SCHEMA = {
    "asn": pl.Int64,
    "cidr": pl.String,
    "name": pl.String,
    "network_class": pl.String,
    "country": pl.String,
}


def draw_ids(world: World) -> list[str]:
    """Return the identifiers of all accounts, in the world's style."""
    style, count, draws = world.settings.id_style, len(world.accounts), world.draws
    ids = [""] * count
    if style == "number":
        # Numbers rise with the time of the sign-up.
        number = 4_100_000
        for account in sorted(range(count), key=lambda account: world.accounts[account].created):
            number += draws.random.randint(1, 40)
            ids[account] = f"u{number}"
        return ids
    seen: set[str] = set()
    for account in range(count):
        digits = draws.draw_hex(16 if style == "hex" else 32)
        while digits in seen:
            digits = draws.draw_hex(16)
        seen.add(digits)
        ids[account] = f"acct_{digits}" if style == "hex" else format_uuid(digits)
    return ids


def format_uuid(digits: str) -> str:
    """Return 32 hexadecimal digits in the form of a random UUID."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def sum_events(events: EventTable | np.ndarray, columns: str, keys: Iterable[str]) -> pl.DataFrame:
    """Return the first time, last time and count of the events of each key.

    Args:
        events: Rows of numbers.
        columns: One letter for each column; `t` is the time, `n` the count.
        keys: The columns by which events are summed.
    """
    rows = events.read() if isinstance(events, EventTable) else events
    frame = pl.DataFrame({column: rows[:, position] for position, column in enumerate(columns)})
    if "n" not in columns:
        frame = frame.with_columns(n=pl.lit(1, dtype=pl.Int64))
    return frame.group_by(list(keys), maintain_order=True).agg(
        first=pl.col("t").min(), last=pl.col("t").max(), n=pl.col("n").sum()
    )


class TableWriter:
    """The tables of one world. The order in which they are built is part of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = world.settings
        self.log = world.log
        self.draws = world.draws
        self.ids = pl.Series("account_id", draw_ids(world))
        self.tables: dict[str, pl.DataFrame] = {}

    def build(self) -> dict[str, pl.DataFrame]:
        """Return all tables that the world has, and the truth."""
        builders = {
            "accounts": self._build_accounts,
            "payments": self._build_payments,
            "sessions": self._build_sessions,
            "prompts": self._build_prompts,
            "activity": self._build_activity,
            "networks": self._build_networks,
            "identifiers": self._build_identifiers,
            "truth": self._build_truth,
        }
        for name, build in builders.items():
            if name == "truth" or name in self.settings.tables:
                self._add(name, build())
        return self.tables

    def _add(self, name: str, table: pl.DataFrame) -> None:
        """Add a table without the columns that the world lacks, in random order."""
        if not table.width:
            return
        dropped = self.settings.dropped_columns.get(name, ())
        table = table.drop([column for column in dropped if column in table.columns])
        if name != "networks":
            seed = int(self.draws.random.random() * 1e9)
            table = table.sample(fraction=1.0, shuffle=True, seed=seed)
        self.tables[name] = table

    def _to_times(self, seconds: ArrayLike | pl.Series) -> pl.Series:
        """Return times of the calendar as timestamps, to the second or to the day."""
        step = 1 if self.settings.has_exact_times else DAY
        bounded = np.minimum(np.asarray(seconds, dtype=np.int64), self.world.end - 1)
        rounded = (bounded + self.world.start) // step * step
        return pl.Series(rounded * 1000).cast(pl.Datetime("ms", "UTC"))

    def _omit_some(self, values: Sequence[Value], chance: float) -> list[Value | None]:
        """Return values of which some are missing."""
        return [None if value is not None and self.draws.happens(chance) else value for value in values]

    def _build_accounts(self) -> pl.DataFrame:
        """Return the table of accounts."""
        rows = self.world.accounts
        changed = self._to_times([row.status_changed or 0 for row in rows])
        has_changed = pl.Series([row.status_changed is not None for row in rows])
        columns = {
            "account_id": self.ids,
            "created_at": self._to_times([row.created for row in rows]),
            "status": [row.status for row in rows],
            "status_changed_at": pl.select(pl.when(has_changed).then(changed)).to_series(),
            "plan": [row.plan for row in rows],
            "country": self._omit_some([row.country for row in rows], 0.03),
            "email": self._omit_some([row.email for row in rows], 0.02),
            "phone": pl.Series([row.phone for row in rows], dtype=pl.String),
            "display_name": self._omit_some([row.name for row in rows], 0.1),
            "organization": pl.Series([row.organization for row in rows], dtype=pl.String),
            "signup_ip": self._omit_some([row.address for row in rows], 0.02),
            "signup_device": self._omit_some([row.device for row in rows], 0.05),
            "user_agent": [row.user_agent for row in rows],
        }
        return pl.DataFrame(columns)

    def _build_payments(self) -> pl.DataFrame:
        """Return the table of payments, without those after a ban."""
        never = 2**60
        limits = np.array(
            [
                row.status_changed if row.status_changed is not None and row.status != "active" else never
                for row in self.world.accounts
            ]
        )
        rows = self.log.payments.read()
        events = sum_events(rows[rows[:, 2] <= limits[rows[:, 0]]], "aktn", "ak")
        instruments = [self.log.instruments.values[number] for number in events["k"].to_list()]
        return pl.DataFrame(
            {
                "account_id": self.ids.gather(events["a"]),
                "instrument": [each.token for each in instruments],
                "kind": [each.kind for each in instruments],
                "bin": [each.bin if each.kind in ("card", "prepaid") else None for each in instruments],
                "issuer_country": pl.Series([each.issuer_country for each in instruments], dtype=pl.String),
                "first_seen": self._to_times(events["first"]),
                "last_seen": self._to_times(events["last"]),
                "payments": events["n"],
            }
        )

    def _build_sessions(self) -> pl.DataFrame:
        """Return the table of sessions, summed over the columns that the world lacks."""
        keys = "aidu"
        if not self.settings.has_column("sessions", "user_agent"):
            keys = "aid" if self.settings.has_column("sessions", "device") else "ai"
        events = sum_events(self.log.sessions, "aidutn", keys)
        for column in "du":
            if column not in keys:
                events = events.with_columns(pl.lit(0).alias(column))
        addresses = self.log.addresses.values
        asns = pl.Series([self.world.internet.asn_of.get(address) for address in addresses], dtype=pl.Int64)
        return pl.DataFrame(
            {
                "account_id": self.ids.gather(events["a"]),
                "ip": pl.Series(addresses).gather(events["i"]),
                "asn": asns.gather(events["i"]),
                "device": pl.Series(self.log.devices.values).gather(events["d"]),
                "user_agent": pl.Series(self.log.user_agents.values).gather(events["u"]),
                "first_seen": self._to_times(events["first"]),
                "last_seen": self._to_times(events["last"]),
                "requests": events["n"],
            }
        )

    def _build_prompts(self) -> pl.DataFrame:
        """Return the table of prompts."""
        events = sum_events(self.log.prompts, "axmtn", "axm")
        column = "fingerprint" if self.settings.has_fingerprints else "text"
        return pl.DataFrame(
            {
                "account_id": self.ids.gather(events["a"]),
                column: pl.Series(self.log.texts.values).gather(events["x"]),
                "model": pl.Series(MODELS).gather(events["m"]),
                "first_seen": self._to_times(events["first"]),
                "last_seen": self._to_times(events["last"]),
                "requests": events["n"],
            }
        )

    def _build_activity(self) -> pl.DataFrame:
        """Return the table of requests by hour."""
        # The time of an event is its hour, which is a key as well.
        events = sum_events(self.log.activity, "atnm", "atm")
        return pl.DataFrame(
            {
                "account_id": self.ids.gather(events["a"]),
                "hour": self._to_times(events["t"] * 3600),
                "requests": events["n"],
                "model": pl.Series(MODELS).gather(events["m"]),
            }
        )

    def _build_networks(self) -> pl.DataFrame:
        """Return the table of networks, with gaps and a few listed proxies."""
        draws, internet = self.draws, self.world.internet
        rows: list[tuple[int | None, str | None, str, str, str | None]] = []
        for pool in internet.pools:
            drawn = draws.random.random()
            if drawn < 0.06:
                continue
            network_class = "unknown" if drawn < 0.12 else pool.network_class
            cidr = f"{format_address(pool.base)}/{pool.bits}" if draws.happens(0.7) else None
            rows.append((pool.asn, cidr, pool.name, network_class, pool.country))
            if pool.ipv6_prefix and draws.happens(0.8):
                rows.append((pool.asn, f"{pool.ipv6_prefix}::/32", pool.name, network_class, pool.country))
        for proxy in self.world.market.residential_proxies:
            for address in draws.random.sample(proxy.exits, len(proxy.exits) // 25):
                cidr = address + ("/32" if "." in address else "/128")
                rows.append((internet.asn_of.get(address), cidr, "listed exit", "proxy", None))
        table = pl.DataFrame(rows, schema=NETWORK_SCHEMA, orient="row")
        return table.unique(subset=["cidr", "asn"], keep="last", maintain_order=True)

    def _build_identifiers(self) -> pl.DataFrame:
        """Return the table of identifiers, without columns if the world has no kind of them."""
        if not self.settings.identifier_kinds:
            return pl.DataFrame()
        events = sum_events(self.log.identifier_uses, "akt", "ak")
        identifiers = [self.log.identifiers.values[number] for number in events["k"].to_list()]
        return pl.DataFrame(
            {
                "account_id": self.ids.gather(events["a"]),
                "kind": [kind for kind, _ in identifiers],
                "value": [value for _, value in identifiers],
                "first_seen": self._to_times(events["first"]),
                "last_seen": self._to_times(events["last"]),
                "count": events["n"],
            }
        )

    def _build_truth(self) -> pl.DataFrame:
        """Return the campaign, role and kind of look-alike of each account."""
        rows = self.world.accounts
        in_household: defaultdict[int, int] = defaultdict(int)
        for row in rows:
            if row.household is not None:
                in_household[id(row.household)] += 1
        decoys = []
        for row in rows:
            decoy = None if row.campaign else row.kind
            if not row.campaign and not decoy and in_household[id(row.household)] > 1:
                decoy = "household"
            decoys.append(decoy)
        return pl.DataFrame(
            {
                "account_id": self.ids,
                "campaign_id": pl.Series([row.campaign for row in rows], dtype=pl.String),
                "role": [row.role for row in rows],
                "decoy": pl.Series(decoys, dtype=pl.String),
            }
        )


def build_tables(number: int, seed: int, accounts: int | None = None) -> dict[str, pl.DataFrame]:
    """Return the tables of a world by name, with its truth."""
    return TableWriter(simulate_world(number, seed, accounts)).build()


def write_tables(tables: dict[str, pl.DataFrame], folder: Path) -> None:
    """Write tables as Parquet files; files of an earlier world are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.parquet"):
        path.unlink()
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
