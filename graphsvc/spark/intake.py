"""From raw rows to tokenised ones on the machines of a cluster, by the code of `graphsvc.intake`.

These functions run in Spark's Python workers: Arrow in, Arrow out. What leaves them holds no raw personal value.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

from graphsvc.intake import addresses
from graphsvc.intake.files import BundleFile
from graphsvc.intake.merging import merge_accounts, replace_text, sum_activity
from graphsvc.intake.networks import assign_networks
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.parquet import read_table
from graphsvc.intake.readers import Chunk
from graphsvc.intake.schemas import list_columns
from graphsvc.intake.signals import list_uses
from graphsvc.intake.validation import Reading, validate_chunk
from graphsvc.model.columns import ACCOUNTS, ACTIVITY, Schema
from graphsvc.signals.kinds import split_key
from graphsvc.signals.tokens import Tokeniser

Batches = Iterator[pa.RecordBatch]

MALFORMED = "_malformed"
"""Column with the text of records of CSV that cannot be split into fields; null of all others."""
REJECTED = "rejected"
"""Kind of the rows that count what was read and rejected, by `key` (`read_rows`); no signal can be of it."""
USES: Schema = {
    "account_id": pl.String, "kind": pl.String, "key": pl.String, "first_seen": pl.Int64, "last_seen": pl.Int64,
    "count": pl.Int64, "row": pl.Int64, "place": pl.Int32, "at": pl.Int64, "asn": pl.Int64, "bin": pl.String,
    "instrument_kind": pl.String, "issuer_country": pl.String, "words": pl.String, "many": pl.Int32,
}  # fmt: skip
"""One use of a signal in one row of a table. Times are ms since 1970; `at` is `last_seen` in µs, by which the latest
of what rows state is told. `row` is a hash of all that the row says: equal rows are one. `place` tells apart uses that
one row states. `asn` … `issuer_country`: what the row says of the value; `words`: tokens of its words, of which there
are `many`."""
USES_SCHEMA = (
    "account_id string, kind string, key string, first_seen bigint, last_seen bigint, count bigint, row bigint, "
    "place int, at bigint, asn bigint, bin string, instrument_kind string, issuer_country string, words string, "
    "many int"
)
ACCOUNTS_SCHEMA = (
    "account_id string, created_at timestamp, status string, status_changed_at timestamp, plan string, "
    "country string"
)
ACTIVITY_SCHEMA = "account_id string, hour timestamp, requests bigint, model string"
SIGNALS_SCHEMA = (
    "key string, kind string, asn bigint, bin string, instrument_kind string, issuer_country string, words string, "
    "prefix string"
)


def read_rows(
    table: str, batches: Batches, *, sequence: Callable[[], int] = lambda: 0
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the rows of a table that meet the contract, and counts: `key`, `count`.

    The key is the table, a slash, and the reason of rejected rows; without a reason the count is of all rows.
    """
    file = BundleFile(table, Path(), table, ".parquet", 0)
    columns = list(list_columns(table))
    for batch in batches:
        raw = pa.Table.from_batches([batch])
        frame = read_table(file, raw, {name: name for name in raw.column_names if name in columns})
        numbers = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)
        broken = _find_malformed(raw)
        chunk = Chunk(
            frame.filter(~broken),
            numbers.filter(~broken),
            numbers.filter(broken),
            1.0,
            frozenset(frame.columns),
        )
        good, rejected = validate_chunk(file, chunk, Reading(ReadOptions()))
        read = pl.DataFrame({"reason": [""], "count": [frame.height]})
        lost = pl.concat([read, rejected.group_by("reason").agg(count=pl.len().cast(pl.Int64))])
        yield (
            replace_text(table, good).drop("row", "fault"),
            lost.select(key=pl.lit(f"{table}/") + pl.col("reason"), count="count"),
        )


def _find_malformed(raw: pa.Table) -> pl.Series:
    """Find the records that could not be split into fields; bool, one a row."""
    if MALFORMED not in raw.column_names:
        return pl.repeat(value=False, n=raw.num_rows, dtype=pl.Boolean, eager=True)
    return pl.Series(pl.from_arrow(raw[MALFORMED].is_valid()))


def read_uses(table: str, tokens: Tokeniser, batches: Batches) -> Batches:
    """Map raw rows of a table to the uses of signals that they state (`USES`)."""
    for rows, lost in read_rows(table, batches):
        counted = [] if table == "accounts" else [lost.with_columns(kind=pl.lit(REJECTED))]
        uses = pl.concat([*counted, *_list_uses(table, rows, tokens)], how="diagonal_relaxed")
        yield from to_batches(_shape(uses, USES))


def _list_uses(table: str, rows: pl.DataFrame, tokens: Tokeniser) -> Iterator[pl.DataFrame]:
    # Of text, not of codes, which differ from one worker to the next.
    rows = rows.with_columns(use=rows.hash_rows(0))
    for kind, uses in list_uses(table, rows, tokens):
        yield uses.rename({"use": "row"}).with_columns(
            pl.col("row").reinterpret(signed=True),
            pl.col("first_seen", "last_seen").dt.epoch("ms"),
            at=pl.col("last_seen").dt.epoch("us"),
            kind=pl.lit(kind.name),
        )


def read_accounts(batches: Batches) -> Batches:
    """Map raw rows of `accounts` to what they say of accounts, and counts of rejected rows in `plan` and `country`."""
    for rows, lost in read_rows("accounts", batches):
        kept = rows.select(pl.col(name).cast(dtype) for name, dtype in ACCOUNTS.items())
        # An id is never null, so these rows cannot be taken for accounts.
        counts = lost.select(plan="key", country=pl.col("count").cast(pl.String))
        yield from to_batches(_shape(pl.concat([kept, counts], how="diagonal_relaxed"), ACCOUNTS))


def merge_account_rows(batches: Batches) -> Batches:
    """Merge the rows of each account; they are all in this partition."""
    yield from to_batches(merge_accounts(_gather(batches, ACCOUNTS)))


def read_activity(batches: Batches) -> Batches:
    """Map raw rows of `activity` to rows that meet the contract, and counts of rejected ones without an account."""
    for rows, lost in read_rows("activity", batches):
        counts = lost.select(model="key", requests="count")
        yield from to_batches(_shape(pl.concat([rows, counts], how="diagonal_relaxed"), ACTIVITY))


def merge_activity(batches: Batches) -> Batches:
    """Sum the traffic of each account, hour and model; it is all in this partition, and equal rows are one."""
    yield from to_batches(sum_activity(_gather(batches, ACTIVITY).unique()))


def describe_signals(networks: pl.DataFrame, batches: Batches) -> Batches:
    """Add `prefix` and, where no session stated it, `asn` to addresses.

    Args:
        networks: schema `model.columns.NETWORKS`.
        batches: key, kind, asn and what else is known of signals.
    """
    held = addresses.parse_networks(networks["cidr"]).with_columns(networks["asn"]).drop_nulls()
    for batch in batches:
        frame = pl.DataFrame(pl.from_arrow(batch))
        if frame.is_empty():
            continue
        is_address = frame["kind"] == "ip"
        numbers = addresses.parse_addresses(frame["key"].str.slice(len("ip:")).set(~is_address, None))
        prefix = addresses.find_prefixes(numbers)
        asn = frame["asn"].zip_with(frame["asn"].is_not_null(), addresses.match_longest(numbers, held))
        frame = frame.with_columns(
            asn.set(~is_address, None).alias("asn"), prefix.set(~is_address, None).alias("prefix")
        )
        yield from to_batches(frame)


def place_signals(networks: pl.DataFrame, batches: Batches) -> Batches:
    """Give signals what contains them, and addresses the class of their network: columns of `SignalGraph.signals`.

    Args:
        networks: schema `model.columns.NETWORKS`.
        batches: key, kind, prefix, bin, words, and `lowest`, the lowest autonomous system of the prefix.
    """
    known = networks.select("cidr", "asn", "name", pl.col("network_class").alias("class"))
    for batch in batches:
        frame = pl.DataFrame(pl.from_arrow(batch))
        if frame.is_empty():
            continue
        is_address = frame["kind"] == "ip"
        # Only addresses are looked up; for the rest it would cost as much.
        some = frame.filter(is_address)
        placed = assign_networks(some["key"].str.slice(len("ip:")), some["lowest"], known)
        group = pl.Series("class", [""] * frame.height, dtype=pl.String)
        group = group.scatter(is_address.arg_true(), placed["class"])
        yield from to_batches(
            frame.select(
                "key",
                kind=split_key()[0],
                parent=pl.coalesce("prefix", "bin", "words", pl.lit("")),
                grandparent=("AS" + pl.col("lowest").cast(pl.String)).fill_null(""),
            ).with_columns(group)
        )


def _gather(batches: Batches, schema: Schema) -> pl.DataFrame:
    frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in batches]
    return _shape(pl.concat(frames), schema) if frames else pl.DataFrame(schema=schema)


def _shape(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the columns of a schema, null where the frame has none."""
    nothing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return frame.with_columns(nothing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def to_batches(frame: pl.DataFrame) -> Batches:
    """Return a frame as Spark takes it."""
    # Spark takes times in microseconds and text with offsets of 32 bits.
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    schema = pa.schema(
        pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema
    )
    yield from table.cast(schema).to_batches()
