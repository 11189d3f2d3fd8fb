"""From typed tables to signals: accounts that share a value, since when and how often.

Each pair of account and signal occurs once, and each signal once.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import polars as pl

from graphsvc.intake import addresses, hosts
from graphsvc.intake.codes import NOWHERE, Dictionaries, find_places, list_distinct
from graphsvc.model.columns import EDGES, TIME, Schema, get_values_schema
from graphsvc.signals.kinds import KINDS, SignalKind, kind_of, split_key
from graphsvc.signals.prompts import BANDS
from graphsvc.signals.tokens import Tokeniser

BANDED = "bands"
"""Column of the table `prompts` that stands for `text`: its bands, joined by spaces."""

_TO_SOURCE_FORM: dict[str, Callable[[pl.Series], pl.Series]] = {
    "ip": hosts.normalize_hosts,
    "email_domain": lambda domains: "@" + domains,
}
"""What an `identifiers` value of a declared kind lacks compared to the column the kind comes from."""


USES: Schema = {
    "account_id": pl.String, "use": pl.UInt64, "place": pl.UInt8, "key": pl.String, "first_seen": TIME,
    "last_seen": TIME, "count": pl.Int64,
}  # fmt: skip
"""One use of a signal in one row of a table. Rows with the same `use` are equal, and count once; `place` tells apart
what one row states."""
_STATED: dict[str, Schema] = {
    "ip": {"asn": pl.Int64},
    "instrument": {"bin": pl.String, "instrument_kind": pl.String, "issuer_country": pl.String},
}
_WORDED: Schema = {"words": pl.String, "many": pl.UInt32}
"""`words`: tokens of the value's words, sorted and joined by spaces; `many`: how many there are."""
FORMER_KEY = "former "
"""Prefix of columns with the signal's key under an earlier token key; the rest of the name is that key's id."""


class Signals(NamedTuple):
    """Edges, distinct values and former keys of a kind, as `BundleColumns` holds them."""

    edges: pl.DataFrame
    values: pl.DataFrame
    former: dict[str, pl.DataFrame]


def get_stated_schema(kind: SignalKind) -> Schema:
    """Return the columns that state something of a kind's values; empty for most kinds."""
    return _WORDED if kind.words is not None else _STATED.get(kind.name, {})


def build_signals(
    tables: Mapping[str, pl.DataFrame], networks: pl.DataFrame, tokens: Tokeniser
) -> Iterator[tuple[str, Signals]]:
    """Yield the signals of each kind that occurs, in the order of `KINDS`.

    Args:
        tables: typed rows without duplicates; `prompts` with the column `bands`.
        networks: schema `NETWORKS`; gives addresses the autonomous system that sessions lack.
        tokens: of the installation's key.
    """
    found: dict[str, list[pl.DataFrame]] = {}
    for number, (name, table) in enumerate(tables.items()):
        # No two rows have one number, whichever their tables.
        numbered = table.with_columns(use=pl.int_range(pl.len(), dtype=pl.UInt64) + (number << 32))
        for kind, uses in list_uses(name, numbered, tokens):
            found.setdefault(kind.name, []).append(uses)
    for kind in KINDS:
        if kind.name in found:
            uses = pl.concat(found[kind.name])
            edges = merge_uses(uses).select(*EDGES).sort("account_id", "key")
            keys = edges["key"].unique().sort()
            values = describe_values(kind, keys, summarize_stated(kind, uses), networks)
            yield kind.name, Signals(edges, values, list_former(uses))


def list_uses(table: str, rows: pl.DataFrame, tokens: Tokeniser) -> Iterator[tuple[SignalKind, pl.DataFrame]]:
    """Yield the uses of signals that rows of a table state, by kind, in the order of `KINDS`.

    Args:
        table: its name.
        rows: typed rows with the columns `use` (UInt64) and, of `prompts`, `bands`.
        tokens: of the installation's key.

    Returns:
        Frames that are not empty: schema `USES`, what rows state of values (`get_stated_schema`), and a column
        `former ID` for each earlier token key that makes another key.
    """
    # As codes, so that each distinct value is handled once.
    coded = Dictionaries().encode(rows)
    seen = _select_seen(rows).with_columns(rows["account_id", "use"])
    named: dict[str, pl.DataFrame] = {}
    if table == "identifiers":
        parts = coded.with_row_index("at").partition_by("kind", as_dict=True)
        named = {str(kind): parts[kind,] for kind in sorted(kind for (kind,) in parts)}
    for kind in KINDS:
        found = []
        for source in kind.sources:
            if source.table != table or table == "identifiers":
                continue
            # Texts are gone by now; their bands stand for them.
            if (source.table, source.column) == ("prompts", "text"):
                found += _list_band_uses(kind, coded[BANDED], tokens)
            else:
                found.append(_list_column_uses(kind, kind.name, coded[source.column], tokens))
        found = [uses.with_columns(seen[uses["at"]]) for uses in found]
        stated = get_stated_schema(kind)
        if (kind.name, table) in (("ip", "sessions"), ("instrument", "payments")):
            own = {"instrument_kind": "kind"}
            said = rows.select(pl.col(own.get(name, name)).alias(name) for name in stated)
            found = [uses.with_columns(said[uses["at"]]) for uses in found]
        # Kinds of identifiers that are declared join their kind; the rest gets a default declaration.
        for name in [name for name in named if kind_of(name) is kind]:
            part = named[name]
            uses = _list_column_uses(kind, name, part["value"], tokens, identifier=True)
            at = part["at"].gather(uses["at"])
            found.append(uses.with_columns(seen[at]))
        older = () if not kind.tokenised else tokens.older
        schema = {**USES, **stated, **{FORMER_KEY + each.key_id: pl.String for each in older}}
        shaped = [_shape(uses, place, schema) for place, uses in enumerate(found) if uses.height]
        if shaped:
            yield kind, pl.concat(shaped)


def _shape(uses: pl.DataFrame, place: int, schema: Schema) -> pl.DataFrame:
    uses = uses.with_columns(place=pl.lit(place))
    missing = [pl.lit(None).alias(name) for name in schema if name not in uses.columns]
    return uses.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def list_order(kind: SignalKind) -> tuple[str, ...]:
    """List what values of a kind are sorted by before their keys: a prefix needs all of its addresses at once."""
    return ("prefix",) if kind.name == "ip" else ()


def add_order(kind: SignalKind, uses: pl.DataFrame) -> pl.DataFrame:
    """Return uses of a kind with the columns of `list_order`."""
    if not list_order(kind):
        return uses
    keys = uses["key"].unique()
    prefixes = addresses.find_prefixes(addresses.parse_addresses(keys.str.strip_prefix("ip:")))
    known = pl.DataFrame({"key": keys, "prefix": prefixes})
    return uses.join(known, on="key", how="left", maintain_order="left")


def _list_column_uses(
    kind: SignalKind, name: str, column: pl.Series, tokens: Tokeniser, *, identifier: bool = False
) -> pl.DataFrame:
    """Return `at`, the places of rows whose value makes a signal, with its key and what the value says of itself."""
    values = list_distinct(column)
    text = values.cast(pl.String)
    if identifier and name in _TO_SOURCE_FORM:
        text = _TO_SOURCE_FORM[name](text)
    described = _describe_texts(kind, name, text, tokens)
    if kind.words is not None:
        # Words are hashed one by one, so that likeness can be seen without the names.
        described = described.with_columns(_hash_words(kind.words, text, tokens).get_columns())
    return _spread(column, values, described)


def _list_band_uses(kind: SignalKind, column: pl.Series, tokens: Tokeniser) -> list[pl.DataFrame]:
    """Return the uses of first bands, of second bands, and so on."""
    values = list_distinct(column)
    bands = values.cast(pl.String).str.split(" ")
    # Short texts have fewer bands.
    texts = [bands.list.get(place, null_on_oob=True) for place in range(BANDS)]
    return [_spread(column, values, _describe_texts(kind, kind.name, text, tokens)) for text in texts]


def _describe_texts(kind: SignalKind, name: str, text: pl.Series, tokens: Tokeniser) -> pl.DataFrame:
    """Return the key of each text, now and by each earlier token key."""
    # Only tokens depend on the key; other values have the same key for ever.
    older = tokens.older if kind.tokenised else ()
    former = {FORMER_KEY + each.key_id: build_keys(kind, name, text, each) for each in older}
    return pl.DataFrame({"key": build_keys(kind, name, text, tokens), **former})


def _spread(column: pl.Series, values: pl.Series, described: pl.DataFrame) -> pl.DataFrame:
    """Return the descriptions of a column's values, a row each row that has one with a key; `at` is its place."""
    numbers = pl.select(
        pl.when(described["key"].is_not_null()).then(pl.int_range(len(values), dtype=pl.UInt32))
    )
    places = find_places(column, values, numbers.to_series())
    at = pl.Series("at", (places != NOWHERE).nonzero()[0])
    return described[pl.Series(places).gather(at)].with_columns(at)


def _hash_words(
    split: Callable[[pl.Series], pl.DataFrame], text: pl.Series, tokens: Tokeniser
) -> pl.DataFrame:
    """Hash the words of each value, each behind its mark.

    Returns:
        `words`, the tokens, sorted, separated by spaces, and `many`, how many they are; a row each value, null without
        words.
    """
    found = split(text)
    hashed = found.select("row", word=pl.col("mark") + tokens.tokenize_words(found["word"]))
    # Sorted all at once: to sort each short list by itself takes fifty times as long.
    lists = hashed.sort("row", "word").group_by("row", maintain_order=True).agg("word")
    joined = lists.select("row", words=pl.col("word").list.join(" "), many=pl.col("word").list.len())
    rows = pl.DataFrame({"row": pl.int_range(len(text), eager=True)})
    return rows.join(joined, on="row", how="left", maintain_order="left").drop("row")


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


def _select_seen(table: pl.DataFrame) -> pl.DataFrame:
    """Return the times and counts of a table's rows. A value from the sign-up was seen at that time."""
    if "created_at" in table.columns:
        at = pl.col("created_at")
        return table.select(first_seen=at, last_seen=at, count=pl.lit(None, pl.Int64))
    count = next(name for name in ("payments", "requests", "count") if name in table.columns)
    return table.select("first_seen", "last_seen", count=pl.col(count))


def merge_uses(uses: pl.DataFrame) -> pl.DataFrame:
    """Merge the uses of one signal by one account into one edge (columns of `EDGES`), in no order."""
    # Null, not 0, where no row states a count.
    total = pl.when(pl.col("count").is_not_null().any()).then(pl.col("count").sum())
    return (
        uses.unique(["key", "account_id", "use", "place"])
        .group_by("key", "account_id")
        .agg(pl.col("first_seen").min(), pl.col("last_seen").max(), total)
    )


def list_former(uses: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """List the former keys of signals with their keys (schema `FORMER`), by the id of the earlier token key."""
    return {
        name.removeprefix(FORMER_KEY): uses.select("key", former=name)
        .select("former", "key")
        .drop_nulls()
        .unique()
        .sort("key")
        for name in uses.columns
        if name.startswith(FORMER_KEY)
    }


def summarize_stated(kind: SignalKind, uses: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Summarize what uses state of their values: each statement once, with the last time of it.

    A summary of several summaries is the summary of all their uses.

    Args:
        kind: of the values.
        uses: as `list_uses` yields them, or summaries.
        by: further columns that the key decides.
    """
    stated = [*get_stated_schema(kind)]
    said = (
        uses.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in stated))
        if stated
        else uses.clear()
    )
    return said.group_by("key", *by, *stated).agg(pl.col("last_seen").max())


def describe_values(
    kind: SignalKind, keys: pl.Series, stated: pl.DataFrame, networks: pl.DataFrame
) -> pl.DataFrame:
    """Return the signals of a kind with what is known of them, in the order of `keys` (`get_values_schema`).

    Args:
        kind: of the signals.
        keys: String, distinct.
        stated: what rows state of them, as `summarize_stated` gives it.
        networks: schema `NETWORKS`.
    """
    told, value = split_key()
    values = keys.alias("key").to_frame().with_columns(kind=told, value=value)
    if kind.name == "ip":
        values = _add_networks(values, stated, networks)
    elif kind.name == "instrument":
        values = _add_issuers(values, stated)
    elif kind.words is not None:
        # If texts of one value are divided differently, as `jane.doe` and `janedoe`, the one with most words counts:
        # it tells most of what the person wrote.
        longest = stated.sort("key", -pl.col("many").cast(pl.Int64), "words").unique("key", keep="first")
        values = _join_stated(values, longest, "words")
    return values.select(*get_values_schema(kind.name))


def _join_stated(values: pl.DataFrame, stated: pl.DataFrame, column: str) -> pl.DataFrame:
    return values.join(stated.select("key", column), on="key", how="left", maintain_order="left")


def _add_networks(values: pl.DataFrame, stated: pl.DataFrame, networks: pl.DataFrame) -> pl.DataFrame:
    """Add `prefix` and `asn` to addresses.

    The asn is that of the latest session with one, else of the most specific network of this bundle.
    """
    numbers = addresses.parse_addresses(values["value"])
    held = addresses.parse_networks(networks["cidr"]).with_columns(networks["asn"]).drop_nulls()
    # Of equal times the lower number counts, so that the result does not depend on the order of rows.
    latest = stated.sort("last_seen", "asn", descending=[False, True]).unique(
        "key", keep="last", maintain_order=True
    )
    # What a session states goes before what ranges say: routes change, and the session saw them.
    values = _join_stated(values, latest, "asn")
    asn = values["asn"].zip_with(values["asn"].is_not_null(), addresses.match_longest(numbers, held))
    return values.with_columns(addresses.find_prefixes(numbers).alias("prefix"), asn.alias("asn"))


def _add_issuers(values: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """Add the attributes of an instrument that payments state. Of differing statements the latest counts."""
    for name in _STATED["instrument"]:
        latest = (
            # Each attribute by itself: the latest row that states it, not the latest row.
            stated.drop_nulls(name).group_by("key", name).agg(pl.col("last_seen").max())
            .sort("last_seen", name).unique("key", keep="last", maintain_order=True)
        )  # fmt: skip
        values = _join_stated(values, latest, name)
    return values
