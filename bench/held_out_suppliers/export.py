"""The exporter of a world: it gives away a part of what was simulated, with gaps."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from bench.held_out_suppliers.world import COLUMNS, World

Tables = dict[str, pl.DataFrame]

NUMBERS = {
    "created_at",
    "status_changed_at",
    "first_seen",
    "last_seen",
    "hour",
    "payments",
    "asn",
    "requests",
    "count",
}
"""Columns of integers; all others are texts."""

MOMENTS = ("created_at", "status_changed_at", "first_seen", "last_seen", "hour")
"""Columns of moments, simulated as seconds since 1970."""

LONGEST_FINGERPRINTED = 260


def export(world: World) -> Tables:
    """Return the bundle of a world: the tables that its exporter gives, and `truth`."""
    return _Exporter(world).export()


def write_bundle(tables: Tables, out: Path) -> None:
    """Write each table as Parquet into the directory `out`, in place of those of an earlier run."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ["accounts", *COLUMNS, "networks", "truth"]:
        (out / f"{name}.parquet").unlink(missing_ok=True)
    for name, table in tables.items():
        table.write_parquet(out / f"{name}.parquet")


class _Exporter:
    """The exporter of one world. Gaps and the order of rows come from a generator of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = world.settings
        self.rng = np.random.default_rng([world.settings.number, world.seed, 77])

    def export(self) -> Tables:
        """Return the tables of the bundle."""
        self._disturb_accounts()
        accounts = self._read_accounts()
        order = self.rng.permutation(len(accounts))
        tables = {
            "accounts": self._punch_holes(_convert_moments(accounts.select(self.settings.account_columns)))[
                order
            ]
        }
        for name in COLUMNS:
            if name in self.settings.tables:
                tables[name] = self._export_table(name)
        if "networks" in self.settings.tables:
            tables["networks"] = self._export_networks()
        tables["truth"] = self._read_truth()[order]
        return tables

    def _disturb_accounts(self) -> None:
        """Write a few numbers with spaces, and a few mail addresses in capitals."""
        rng = self.world.rng
        for account in self.world.accounts:
            account.created = min(account.created, self.world.stop - 60)
            if account.changed is not None:
                account.changed = max(account.changed, account.created + 60)
            phone = account.phone
            if phone and self.settings.spaced_phones and rng.random() < 0.1:
                account.phone = f"{phone[:3]} {phone[3:6]} {phone[6:]}"
            if account.email and rng.random() < 0.02:
                account.email = account.email.title()

    def _read_accounts(self) -> pl.DataFrame:
        """Return the accounts with all columns."""
        accounts = self.world.accounts
        hides_address = self.settings.truncated_addresses
        columns: dict[str, list[object]] = {
            "account_id": [account.id for account in accounts],
            "created_at": [account.created for account in accounts],
            "status": [account.status for account in accounts],
            "status_changed_at": [account.changed for account in accounts],
            "plan": [account.plan for account in accounts],
            "country": [account.country for account in accounts],
            "email": [account.email for account in accounts],
            "phone": [account.phone for account in accounts],
            "display_name": [account.name for account in accounts],
            "organization": [account.organization for account in accounts],
            "signup_ip": [truncate(account.ip) if hides_address else account.ip for account in accounts],
            "signup_device": [account.device for account in accounts],
            "user_agent": [account.user_agent for account in accounts],
        }
        return _make_table(columns)

    def _read_truth(self) -> pl.DataFrame:
        """Return the truth about the accounts."""
        accounts = self.world.accounts
        return _make_table(
            {
                "account_id": [account.id for account in accounts],
                "campaign_id": [account.campaign for account in accounts],
                "role": [account.role for account in accounts],
                "decoy": [None if account.campaign else account.decoy for account in accounts],
            }
        )

    def _export_table(self, name: str) -> pl.DataFrame:
        """Return a table as the exporter gives it."""
        table = _make_table(self.world.tables[name])
        if name == "sessions":
            table = self._export_sessions(table)
        if name == "prompts":
            table = self._export_prompts(table)
        if name == "identifiers":
            table = self._export_identifiers(table)
        if name == "activity":
            table = table.group_by(["account_id", "hour", "model"], maintain_order=True).agg(
                pl.col("requests").sum()
            )
            table = table.select("account_id", "hour", "requests", "model")
        dropped = self.settings.dropped.get(name, ())
        table = table.drop([column for column in dropped if column in table.columns])
        table = self._punch_holes(_convert_moments(table))
        return table[self.rng.permutation(len(table))] if len(table) else table

    def _export_sessions(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return sessions with addresses truncated, and split where a period of the exporter ends."""
        if self.settings.truncated_addresses:
            ips = [truncate(ip) for ip in table["ip"]]
            table = table.with_columns(pl.Series("ip", ips, dtype=pl.Utf8))
        if not self.settings.split_sessions:
            return table
        cut = (self.world.start + self.world.stop) // 2
        is_long = (pl.col("first_seen") < cut) & (pl.col("last_seen") >= cut)
        long = table.filter(is_long)
        return pl.concat(
            [
                table.filter(~is_long),
                long.with_columns(last_seen=pl.lit(cut - 1, dtype=pl.Int64)),
                long.with_columns(first_seen=pl.lit(cut, dtype=pl.Int64)),
            ]
        )

    def _export_prompts(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return prompts of the accounts whose are kept, as texts or as fingerprints."""
        if self.settings.prompt_share:
            ids = [account.id for account in self.world.accounts]
            is_kept = self.rng.random(len(ids)) < self.settings.prompt_share
            kept = {account for account, keep in zip(ids, is_kept, strict=True) if keep}
            table = table.filter(pl.Series([account in kept for account in table["account_id"]]))
        if not self.settings.prompt_fingerprint:
            return table
        fingerprints = [compute_fingerprint(text, self.settings.prompt_fingerprint) for text in table["text"]]
        table = table.with_columns(pl.Series("fingerprint", fingerprints)).drop("text")
        keys = ["account_id", "fingerprint", "model"]
        return table.group_by(keys, maintain_order=True).agg(
            pl.col("first_seen").min(), pl.col("last_seen").max(), pl.col("requests").sum()
        )

    def _export_identifiers(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the identifiers of the kinds that the exporter knows, by its names."""
        table = table.filter(pl.col("kind").is_in(sorted(self.settings.identifier_kinds)))
        if self.settings.renamed_kinds:
            table = table.with_columns(pl.col("kind").replace(dict(self.settings.renamed_kinds)))
        return table.unique(["account_id", "kind", "value"], maintain_order=True)

    def _export_networks(self) -> pl.DataFrame:
        """Return the feed of networks."""
        rows = [*self._draw_pools(), *self._list_proxies()]
        schema = {name: _get_type(name) for name in ("asn", "cidr", "name", "network_class", "country")}
        table = pl.DataFrame(rows, schema=schema, orient="row").unique(maintain_order=True)
        if self.settings.network_key == "asn":
            table = table.drop("cidr")
        if self.settings.network_key == "cidr":
            table = table.drop("asn")
        return table

    def _draw_pools(self) -> Iterator[tuple[object, ...]]:
        """Yield rows of a feed of networks, which has gaps and errors as commercial feeds have."""
        rng, key = self.rng, self.settings.network_key
        for pool in self.world.pools:
            if rng.random() < 0.12:
                continue
            kind = pool.kind if rng.random() > 0.04 else "unknown"
            if pool.kind == "mobile" and rng.random() < 0.3:
                kind = "cgnat"
            asn = pool.asn if key != "cidr" else None
            cidr = pool.get_cidr() if key != "asn" else None
            yield asn, cidr, pool.name if rng.random() > 0.2 else None, kind, pool.country

    def _list_proxies(self) -> Iterator[tuple[object, ...]]:
        """Yield rows of the proxies that the feed knows: a tenth of those of one supplier."""
        if self.settings.network_key == "asn":
            return
        proxies = self.world.proxy_suppliers[0]
        for proxy in proxies[: len(proxies) // 10]:
            yield None, f"{proxy.ip}/32", None, "proxy", None

    def _punch_holes(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table in which the world's share of values is missing."""
        for column, share in self.settings.missing.items():
            if column in table.columns and len(table):
                is_kept = pl.Series(self.rng.random(len(table)) >= share)
                table = table.with_columns(
                    pl.when(is_kept).then(pl.col(column)).otherwise(None).alias(column)
                )
        return table


def _get_type(column: str) -> type[pl.Int64 | pl.Utf8]:
    """Return the type of a column."""
    return pl.Int64 if column in NUMBERS else pl.Utf8


def _make_table(columns: dict[str, list[object]]) -> pl.DataFrame:
    """Return a table of columns with their types."""
    return pl.DataFrame(columns, schema={column: _get_type(column) for column in columns})


def _convert_moments(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its moments as such, instead of seconds since 1970."""
    return table.with_columns(
        (pl.col(column) * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        for column in MOMENTS
        if column in table.columns
    )


def truncate(ip: str | None) -> str | None:
    """Return the /24 of an IPv4 address, or the /48 of an IPv6 address."""
    if ip is None:
        return None
    if ip.startswith("64:"):
        return "64:ff9b::"
    if ":" in ip:
        return ":".join(ip.split(":")[:3]) + "::"
    return ip.rsplit(".", 1)[0] + ".0"


def compute_fingerprint(text: str, of: str) -> str:
    """Return the fingerprint of a prompt's instruction, with digits masked.

    Args:
        text: The prompt.
        of: The substitute for an instruction that the prompt lacks: `prefix` for all of it, `system` for its beginning.
    """
    instruction, separator, _ = text.partition("\n\n")
    if not separator and of == "system":
        instruction = text[:24]
    masked = "".join("#" if letter.isdigit() else letter for letter in instruction.lower())
    key = f"k{masked[:LONGEST_FINGERPRINTED]}"
    return hashlib.blake2b(key.encode(), digest_size=12).hexdigest()
