"""From typed tables to signals: accounts that share a value, since when and how often.

Each pair of account and signal occurs once, and each signal once.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from graphsvc.intake import addresses, hosts
from graphsvc.intake.codes import NOWHERE, Ranks, find_places, list_distinct
from graphsvc.model.columns import EDGES, get_values_schema
from graphsvc.signals.kinds import KINDS, SignalKind, kind_of, split_key
from graphsvc.signals.prompts import BANDS
from graphsvc.signals.tokens import Tokeniser

BANDED = "bands"
"""Column of the table `prompts` that stands for `text`: its bands, joined by spaces."""

_COUNTS = {"payments": "payments", "sessions": "requests", "prompts": "requests", "identifiers": "count"}
_TO_SOURCE_FORM: dict[str, Callable[[pl.Series], pl.Series]] = {
    "ip": hosts.normalize_hosts,
    "email_domain": lambda domains: "@" + domains,
}
"""What an `identifiers` value of a declared kind lacks compared to the column the kind comes from."""


class Signals(NamedTuple):
    """Edges, distinct values and former keys of a kind, as `BundleColumns` holds them."""

    edges: pl.DataFrame
    values: pl.DataFrame
    former: dict[str, pl.DataFrame]


class Rows(NamedTuple):
    """Rows of a table with their values.

    - `accounts`: place of the account of each row.
    - `column`, `values`: the value of each row, and the distinct ones (Categorical).
    - `keys`, `former`: the signal's key of each distinct value (null for none), now and by each earlier token
      key.
    - `words`: tokens of the words of each distinct value (List of String), if its kind has words.
    """

    table: pl.DataFrame
    accounts: Ranks
    column: pl.Series
    values: pl.Series
    keys: pl.Series
    former: dict[str, pl.Series]
    words: pl.Series | None = None


def build_signals(
    tables: Mapping[str, pl.DataFrame], accounts: pl.Series, networks: pl.DataFrame, tokens: Tokeniser
) -> Iterator[tuple[str, Signals]]:
    """Yield the signals of each kind that occurs, in the order of `KINDS`.

    Args:
        tables: typed rows without duplicates, text as codes; `prompts` with the column `bands`.
        accounts: the account ids of all tables (Categorical), distinct, in the order of their text.
        networks: schema `NETWORKS`; gives addresses the autonomous system that sessions lack.
        tokens: of the installation's key.
    """
    ids = accounts.cast(pl.String)
    for kind, rows in list_rows(tables, accounts, tokens):
        if any(part.keys.count() for part in rows):
            yield kind.name, _build_kind(kind, rows, ids, networks)


def list_rows(
    tables: Mapping[str, pl.DataFrame], accounts: pl.Series, tokens: Tokeniser
) -> Iterator[tuple[SignalKind, list[Rows]]]:
    """Yield the rows of each kind with the keys of their signals, in the order of `KINDS`.

    Args:
        tables: as `build_signals` takes them.
        accounts: likewise.
        tokens: of the installation's key.
    """
    # Accounts as numbers from here on: text of millions of rows would not fit.
    places = pl.int_range(len(accounts), dtype=pl.UInt32, eager=True)
    owners = {
        name: find_places(table["account_id"], accounts, places)
        for name, table in tables.items()
        if "account_id" in table.columns
    }
    # Kinds of identifiers that are declared join their kind; the rest gets a default declaration.
    others = _split_identifiers(tables, owners)
    for kind in KINDS:
        rows = [*_read_sources(kind, tables, owners, tokens)]
        for name in [n for n in others if kind_of(n) is kind]:
            # Popped, so that the rows can be freed with their kind.
            rows.append(_build_rows(*others.pop(name), kind, name, tokens, identifier=True))
        yield kind, rows


def _split_identifiers(
    tables: Mapping[str, pl.DataFrame], owners: Mapping[str, Ranks]
) -> dict[str, tuple[pl.DataFrame, Ranks, pl.Series]]:
    """Return the rows of `identifiers` by their kind."""
    if "identifiers" not in tables:
        return {}
    table = tables["identifiers"].with_columns(owner=pl.Series(owners["identifiers"]))
    parts = table.partition_by("kind", as_dict=True)
    named = {str(kind): part for (kind,), part in parts.items()}
    return {
        name: (named[name], named[name]["owner"].to_numpy(), named[name]["value"]) for name in sorted(named)
    }


def _read_sources(
    kind: SignalKind, tables: Mapping[str, pl.DataFrame], owners: Mapping[str, Ranks], tokens: Tokeniser
) -> Iterator[Rows]:
    for source in kind.sources:
        if source.table == "identifiers" or source.table not in tables:
            continue
        table, accounts = tables[source.table], owners[source.table]
        # Texts are gone by now; their bands stand for them.
        if (source.table, source.column) == ("prompts", "text"):
            yield from _split_bands(kind, table, accounts, tokens)
        else:
            yield _build_rows(table, accounts, table[source.column], kind, kind.name, tokens)


def _build_rows(
    table: pl.DataFrame, accounts: Ranks, column: pl.Series, kind: SignalKind, name: str, tokens: Tokeniser,
    *, identifier: bool = False,
) -> Rows:  # fmt: skip
    values = list_distinct(column)
    text = values.cast(pl.String)
    if identifier and name in _TO_SOURCE_FORM:
        text = _TO_SOURCE_FORM[name](text)
    keys = build_keys(kind, name, text, tokens)
    # Words are hashed one by one, so that likeness can be seen without the names.
    words = None if kind.words is None else _hash_words(kind.words, text, tokens)
    return Rows(table, accounts, column, values, keys, _build_former_keys(kind, name, text, tokens), words)


def _hash_words(split: Callable[[pl.Series], pl.DataFrame], text: pl.Series, tokens: Tokeniser) -> pl.Series:
    """Return the tokens of the words of each value, each behind its mark; List of String, as long as `text`."""
    words = split(text)
    hashed = words.select("row", word=pl.col("mark") + tokens.tokenize_words(words["word"]))
    lists = hashed.group_by("row").agg(pl.col("word"))
    rows = pl.DataFrame({"row": pl.int_range(len(text), eager=True)})
    return rows.join(lists, on="row", how="left", maintain_order="left")["word"]


def _split_bands(kind: SignalKind, table: pl.DataFrame, accounts: Ranks, tokens: Tokeniser) -> Iterator[Rows]:
    """Yield the rows once for their first band, once for their second, and so on."""
    column = table[BANDED]
    values = list_distinct(column)
    bands = values.cast(pl.String).str.split(" ")
    for place in range(BANDS):
        # Short texts have fewer bands.
        text = bands.list.get(place, null_on_oob=True)
        keys = build_keys(kind, kind.name, text, tokens)
        yield Rows(table, accounts, column, values, keys, _build_former_keys(kind, kind.name, text, tokens))


def build_keys(kind: SignalKind, name: str, text: pl.Series, tokens: Tokeniser) -> pl.Series:
    """Build the keys of the signals of values.

    Args:
        kind: of the values.
        name: that of the kind, or of an undeclared kind of identifiers.
        text: String.
        tokens: of the key to use.

    Returns:
        String, as long as `text`; null where a value makes no signal.
    """
    # The name is part of what is hashed: equal texts of two kinds must not have equal tokens.
    normal = text.to_frame("text").select(kind.normalise(pl.col("text"))).to_series()
    return f"{name}:" + (tokens.tokenize_column(name, normal) if kind.tokenised else normal)


def _build_former_keys(
    kind: SignalKind, name: str, text: pl.Series, tokens: Tokeniser
) -> dict[str, pl.Series]:
    """Build keys as `build_keys`, by the id of each earlier token key."""
    # Only tokens depend on the key; other values have the same key for ever.
    older = tokens.older if kind.tokenised else ()
    return {each.key_id: build_keys(kind, name, text, each) for each in older}


def _build_kind(kind: SignalKind, rows: list[Rows], ids: pl.Series, networks: pl.DataFrame) -> Signals:
    keys = pl.concat([part.keys for part in rows]).drop_nulls().unique().sort().alias("key")
    placed = keys.to_frame().with_row_index("place")
    placings = [_find_key_places(part, placed) for part in rows]
    edges = _merge_edges(rows, placings, ids, keys)
    values = _split_keys(kind, keys)
    if kind.name == "ip":
        values = _add_networks(values, rows, placings, networks)
    elif kind.name == "instrument":
        values = _add_issuers(values, rows, placings)
    elif kind.words is not None:
        values = _add_words(values, rows)
    former = {
        key_id: pl.concat([pl.DataFrame({"former": part.former[key_id], "key": part.keys}) for part in rows])
        .drop_nulls()
        .unique()
        .sort("key")
        for key_id in rows[0].former
    }
    return Signals(edges, values.select(*get_values_schema(kind.name)), former)


def _find_key_places(part: Rows, placed: pl.DataFrame) -> Ranks:
    places = part.keys.to_frame("key").join(placed, on="key", how="left", maintain_order="left")["place"]
    return find_places(part.column, part.values, places)


def _merge_edges(rows: list[Rows], placings: list[Ranks], ids: pl.Series, keys: pl.Series) -> pl.DataFrame:
    """Merge occurrences of one account and one signal into one edge, ordered by account and key."""
    parts = []
    for part, placing in zip(rows, placings, strict=True):
        there = placing != NOWHERE
        # The pair is one integer, so grouping and sorting by it need no text.
        pair = (part.accounts[there].astype(np.uint64) << np.uint64(32)) | placing[there]
        seen = select_seen(part.table).filter(pl.Series(there))
        parts.append(seen.with_columns(pair=pl.Series(pair, dtype=pl.UInt64)))
    # Null, not 0, where no row states a count.
    total = pl.when(pl.col("count").is_not_null().any()).then(pl.col("count").sum())
    merged = (
        pl.concat(parts)
        .group_by("pair")
        .agg(pl.col("first_seen").min(), pl.col("last_seen").max(), total)
        # Accounts and keys are numbered in the order of their text, so sorting numbers sorts both.
        .sort("pair")
    )
    pair = merged["pair"].to_numpy()
    account, key = pair >> np.uint64(32), pair & np.uint64(NOWHERE)
    return merged.with_columns(
        ids.gather(pl.Series(account)).alias("account_id"), keys.gather(pl.Series(key)).alias("key")
    ).select(*EDGES)


def select_seen(table: pl.DataFrame) -> pl.DataFrame:
    """Return the times and counts of a table's rows. A value from the sign-up was seen at that time."""
    if "created_at" in table.columns:
        at = pl.col("created_at")
        return table.select(first_seen=at, last_seen=at, count=pl.lit(None, pl.Int64))
    count = next(name for name in ("payments", "requests", "count") if name in table.columns)
    return table.select("first_seen", "last_seen", count=pl.col(count))


def _split_keys(kind: SignalKind, keys: pl.Series) -> pl.DataFrame:
    told, value = split_key()
    return keys.to_frame().with_columns(kind=told, value=value)


def _add_networks(
    values: pl.DataFrame, rows: list[Rows], placings: list[Ranks], networks: pl.DataFrame
) -> pl.DataFrame:
    """Add `prefix` and `asn` to addresses.

    The asn is that of the latest session with one, else of the most specific network of this bundle.
    """
    sessions = [
        part.table.select("asn", "last_seen", place=pl.Series(placing)).drop_nulls("asn")
        for part, placing in zip(rows, placings, strict=True)
        if "asn" in part.table.columns
    ]
    numbers = addresses.parse_addresses(values["value"])
    held = addresses.parse_networks(networks["cidr"]).with_columns(networks["asn"]).drop_nulls()
    asn = addresses.match_longest(numbers, held)
    if sessions:
        # Of equal times the lower number counts, so that the result does not depend on the order of rows.
        seen = pl.concat(sessions).group_by("place", "asn").agg(pl.col("last_seen").max())
        latest = seen.sort("last_seen", "asn", descending=[False, True]).unique("place", keep="last")
        # What a session states goes before what ranges say: routes change, and the session saw them.
        given = _scatter_values(latest, "asn", len(values), pl.Int64())
        asn = given.zip_with(given.is_not_null(), asn)
    return values.with_columns(addresses.find_prefixes(numbers).alias("prefix"), asn.alias("asn"))


def _add_issuers(values: pl.DataFrame, rows: list[Rows], placings: list[Ranks]) -> pl.DataFrame:
    """Add the attributes of an instrument that payments state. Of differing statements the latest counts."""
    attributes = ["bin", "kind", "issuer_country"]
    payments = [
        part.table.select(*attributes, "last_seen", place=pl.Series(placing))
        for part, placing in zip(rows, placings, strict=True)
        if "bin" in part.table.columns
    ]
    said = pl.concat(payments).cast(dict.fromkeys(attributes, pl.String)) if payments else None
    for name in attributes:
        column = "instrument_kind" if name == "kind" else name
        if said is None:
            values = values.with_columns(pl.lit(None, pl.String).alias(column))
            continue
        latest = (
            # Each attribute by itself: the latest row that states it, not the latest row.
            said.drop_nulls(name).group_by("place", name).agg(pl.col("last_seen").max())
            .sort("last_seen", name).unique("place", keep="last", maintain_order=True)
        )  # fmt: skip
        values = values.with_columns(_scatter_values(latest, name, len(values), pl.String()).alias(column))
    return values


def _add_words(values: pl.DataFrame, rows: list[Rows]) -> pl.DataFrame:
    """Add `words`: the tokens of a value's words, sorted and joined by spaces.

    If texts of one value are divided differently, as `jane.doe` and `janedoe`, the one with most words
    counts.
    """
    parts = [pl.DataFrame({"key": part.keys, "words": part.words}) for part in rows]
    words = pl.concat(parts).drop_nulls().with_columns(many=pl.col("words").list.len())
    words = words.with_columns(pl.col("words").list.sort().list.join(" "))
    # The most words tell most of what the person wrote.
    longest = words.sort("key", -pl.col("many").cast(pl.Int64), "words").unique("key", keep="first")
    return values.join(longest.select("key", "words"), on="key", how="left", maintain_order="left")


def _scatter_values(frame: pl.DataFrame, column: str, length: int, dtype: pl.DataType) -> pl.Series:
    """Return `column` with `length` rows, each value at its `place`."""
    nothing = pl.Series(column, [None] * length, dtype=dtype)
    there = frame.filter(pl.col("place") != int(NOWHERE))
    return nothing.scatter(there["place"], there[column])
