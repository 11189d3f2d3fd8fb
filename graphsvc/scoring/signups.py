"""Read sign-ups as a sign-up service has them, by the same intake as a bundle, in memory."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from graphsvc.intake.bundle import replace_text
from graphsvc.intake.codes import Dictionaries, list_distinct
from graphsvc.intake.files import BundleFile
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.readers import Chunk
from graphsvc.intake.signals import build_signals
from graphsvc.intake.validation import Reading, validate_chunk
from graphsvc.intake.values import read_values
from graphsvc.model.columns import NETWORKS, TIME, Schema
from graphsvc.scoring.index import ScoreIndex, digest_keys, find_digests
from graphsvc.scoring.weigh import Standing, Values
from graphsvc.signals.kinds import BY_NAME, family_of
from graphsvc.signals.tokens import Tokeniser
from graphsvc.types import Ints

COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts": (
        "created_at", "email", "phone", "display_name", "organization", "signup_ip", "signup_device", "user_agent",
    ),
    "payments": ("instrument", "bin"),
    "sessions": ("ip", "asn"),
    "prompts": ("text", "fingerprint"),
}  # fmt: skip
"""Columns of a sign-up, by the table of the bundle whose rules they follow."""
DEVICE = "device"
"""One more device, by the rules of `signup_device`: a session without an address would be none."""
LABEL = "account_id"
"""Column with the caller's name of a sign-up. It is given back and not looked at."""
IDENTIFIER = "identifier."
"""Prefix of columns with further identifiers; the rest of the name is the kind."""
NOT_KNOWN = -1
_ANY_TIME = pl.lit(datetime(1970, 1, 1, tzinfo=UTC), TIME)
"""Stands for times that the contract requires and a score does not read."""
_LEADS = {"payments": ("instrument",), "sessions": ("ip",), "prompts": ("text", "fingerprint")}
"""Columns without which a sign-up has no row in a table."""
_READ = " read"
_LONG: Schema = {"account": pl.Int32, "kind": pl.String, "value": pl.String}
_UNREAD: Schema = {"account": pl.Int32, "column": pl.String}


@dataclass(frozen=True, slots=True)
class Signups:
    """Sign-ups as keys of signals, without any raw value.

    Attributes:
        accounts: number of sign-ups.
        created_at: of each, ms since 1970, -1 = not known; int64.
        keys: account (int32), kind, key, former (key under an earlier token key, else null), sorted by account.
        wholes: account, kind, key: what the values of `keys` say they are part of; sorted likewise.
        unread: account (int32), column: values that were given and could not be read.
    """

    accounts: int
    created_at: Ints
    keys: pl.DataFrame
    wholes: pl.DataFrame
    unread: pl.DataFrame


def list_signup_columns() -> tuple[str, ...]:
    """Return the columns that a sign-up may have, but for identifiers of other kinds."""
    return (LABEL, *(name for columns in COLUMNS.values() for name in columns), DEVICE)


def read_signups(
    frame: pl.DataFrame,
    tokens: Tokeniser,
    options: ReadOptions | None = None,
    *,
    identifiers: pl.DataFrame | None = None,
    kinds: Collection[str] | None = None,
) -> Signups:
    """Validate and tokenise sign-ups.

    Args:
        frame: one row a sign-up, columns `list_signup_columns` and `identifier.KIND`, all optional; others are
            ignored.
        tokens: of the installation's key.
        options: how values are written; None: nothing is said.
        identifiers: further identifiers as rows: account (place of the sign-up), kind, value. None: `frame` has all.
        kinds: undeclared kinds of identifiers that matter; those of others cost time and match nothing. None: all.
    """
    options = options or ReadOptions()
    rows = frame.height
    named = [each for each in frame.columns if each.startswith(IDENTIFIER)]
    parts = (
        []
        if identifiers is None
        else [identifiers.select(pl.col(name).cast(kind) for name, kind in _LONG.items())]
    )
    parts += [
        frame.select(
            account=pl.int_range(pl.len(), dtype=pl.Int32),
            kind=pl.lit(name.removeprefix(IDENTIFIER)),
            value=pl.col(name).cast(pl.String, strict=False),
        )
        for name in named
    ]
    tables, unread = _read_tables(frame, pl.concat([pl.DataFrame(schema=_LONG), *parts]), options)
    if kinds is not None and "identifiers" in tables:
        tables["identifiers"] = tables["identifiers"].filter(pl.col("kind").is_in([*kinds, *BY_NAME]))
    created_at = np.full(rows, NOT_KNOWN, dtype=np.int64)
    if "created_at" in frame.columns:
        at = read_values(frame["created_at"], TIME, None, options, options.dates).values
        created_at = at.dt.epoch("ms").fill_null(NOT_KNOWN).to_numpy().astype(np.int64)
        lost = (frame["created_at"].is_not_null() & at.is_null()).arg_true().cast(pl.Int32)
        unread = pl.concat([unread, lost.to_frame("account").with_columns(column=pl.lit("created_at"))])
    codes = Dictionaries()
    coded = {
        name: codes.encode(replace_text(name, table).drop("row", "fault").unique())
        for name, table in tables.items()
    }
    everyone = pl.concat([list_distinct(table["account_id"]) for table in coded.values()]).unique()
    ids = everyone.cast(pl.String).sort().cast(everyone.dtype)
    keys, wholes = [], []
    for _, signals in build_signals(coded, ids, pl.DataFrame(schema=NETWORKS), tokens):
        former = pl.concat(
            [*signals.former.values(), pl.DataFrame(schema={"former": pl.String, "key": pl.String})]
        )
        uses = signals.edges.select(account=pl.col("account_id").cast(pl.Int32), key="key")
        keys.append(uses.join(former.drop_nulls().unique("key"), on="key", how="left"))
        for column, prefix in (("prefix", "prefix:"), ("asn", "system:AS"), ("bin", "bin:")):
            if column in signals.values.columns:
                part = signals.values.drop_nulls(column).select(
                    "key", whole=prefix + pl.col(column).cast(pl.String)
                )
                wholes.append(uses.join(part, on="key").select("account", key="whole"))
    nothing = pl.DataFrame(schema={"account": pl.Int32, "key": pl.String, "former": pl.String})
    return Signups(
        rows, created_at, _name_kinds(pl.concat([nothing, *keys])),
        _name_kinds(pl.concat([nothing.drop("former"), *wholes]).unique()), unread,
    )  # fmt: skip


def place_signups(index: ScoreIndex, signups: Signups) -> tuple[Standing, Values, pl.DataFrame]:
    """Place sign-ups before an index: as accounts that its run has not read.

    Returns:
        The accounts, their values, and the warnings: account, kind, warning (int8, of `ScoreIndex`).
    """
    digest = digest_keys(signups.keys["key"])
    place = find_digests(index.digests, digest)
    # A run before the last rotation of the token key knows values by their former tokens.
    older = np.flatnonzero((place < 0) & signups.keys["former"].is_not_null().to_numpy())
    if len(older):
        digest[older] = digest_keys(signups.keys["former"].gather(older))
        place = find_digests(index.digests, digest)
    own, parts = signups.keys["account"].to_numpy(), signups.wholes["account"].to_numpy()
    known = place[place >= 0]
    whole_digest = digest_keys(signups.wholes["key"])
    whole_place = find_digests(index.digests, whole_digest)
    # What the run knows a value to be part of: a card's BIN, and through its prefix an address's system.
    above = [index.whole[known], index.whole[whole_place[whole_place >= 0]]]
    account = np.concatenate([own, parts, own[place >= 0], parts[whole_place >= 0]])
    derived = np.concatenate(above)
    found = np.concatenate([digest, whole_digest, index.digests[derived]])
    kept = np.concatenate([np.ones(len(own) + len(parts), dtype=np.bool_), derived >= 0])
    account, found = account[kept].astype(np.int32), found[kept]
    # A value that says of itself what the run says of it counts once.
    order = np.lexsort((found[:, 1], found[:, 0], account))
    account, found = account[order], found[order]
    once = np.ones(len(account), dtype=np.bool_)
    once[1:] = (np.diff(account) != 0) | (found[1:] != found[:-1]).any(axis=1)
    values = Values(account[once], found[once], np.zeros(int(once.sum()), dtype=np.bool_))
    has = np.zeros((signups.accounts, len(index.families)), dtype=np.bool_)
    for names in (signups.keys, signups.wholes):
        column = _find_family_columns(names["kind"], index.families)
        has[names["account"].to_numpy()[column >= 0], column[column >= 0]] = True
    warnings = pl.concat(
        [
            each.select("account", "kind").with_columns(
                warning=pl.Series(np.append(index.warning, np.int8(0))[where], dtype=pl.Int8)
            )
            for each, where in ((signups.keys, place), (signups.wholes, whole_place))
        ]
    )
    return (
        Standing(has, signups.created_at),
        values,
        warnings.filter(pl.col("warning") > 0).unique(maintain_order=True),
    )


def _name_kinds(keys: pl.DataFrame) -> pl.DataFrame:
    """Add the kind of each key, and sort by account and key."""
    kind = pl.col("key").str.splitn(":", 2).struct.field("field_0")
    return keys.with_columns(kind=kind).sort("account", "key")


def _find_family_columns(kinds: pl.Series, families: list[str]) -> Ints:
    """Return the place of each kind's family in `families`, -1 where it is not there; int64."""
    places = {name: place for place, name in enumerate(families)}
    return np.array([places.get(family_of(kind), -1) for kind in kinds], dtype=np.int64)


def _read_tables(
    frame: pl.DataFrame, identifiers: pl.DataFrame, options: ReadOptions
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Read the columns of sign-ups as tables of a bundle: typed rows by table; and what could not be read."""
    tables: dict[str, pl.DataFrame] = {}
    lost = [pl.DataFrame(schema=_UNREAD)]
    for table, names, raw in _split_frame(frame, identifiers):
        rows = pl.int_range(1, raw.height + 1, dtype=pl.Int64, eager=True)
        file = BundleFile(table, Path(), "sign-ups", ".ndjson", 0)
        chunk = Chunk(raw, rows, pl.Series([], dtype=pl.Int64), 1.0, frozenset(raw.columns))
        good, _ = validate_chunk(file, chunk, Reading(options))
        tables[table] = pl.concat([tables[table], good]) if table in tables else good
        read = raw.with_columns(row=rows).join(
            good.select("row", *names.values()), on="row", how="left", suffix=_READ, maintain_order="left"
        )
        for shown, name in names.items():
            unread = read.filter(pl.col(name).is_not_null() & pl.col(name + _READ).is_null())
            column = IDENTIFIER + pl.col("kind").cast(pl.String) if shown == IDENTIFIER else pl.lit(shown)
            lost.append(unread.select(account=pl.col("account_id").cast(pl.Int32), column=column))
    for table, leads in _LEADS.items():
        # What stands in no row of its table: the BIN of no instrument, the system of no address.
        there = [pl.col(name).is_not_null() for name in leads if name in frame.columns]
        alone = ~pl.any_horizontal(there) if there else pl.lit(value=True)
        for name in (each for each in COLUMNS[table] if each in frame.columns and each not in leads):
            rest = frame.with_row_index("account").filter(alone & pl.col(name).is_not_null())
            lost.append(rest.select(pl.col("account").cast(pl.Int32), column=pl.lit(name)))
    return tables, pl.concat(lost)


def _split_frame(
    frame: pl.DataFrame, identifiers: pl.DataFrame
) -> Iterator[tuple[str, dict[str, str], pl.DataFrame]]:
    """Yield the raw tables of sign-ups: name, columns by the caller's names, and rows.

    Rows have stand-ins for what the contract requires and a score does not read. `accounts` has a row a sign-up, any
    other table those with a value in it.
    """
    account = pl.int_range(pl.len(), dtype=pl.Int64).cast(pl.String).alias("account_id")
    seen = [_ANY_TIME.alias(name) for name in ("first_seen", "last_seen")]
    made = {
        "payments": [*seen, pl.lit("card").alias("kind")],
        "accounts": [_ANY_TIME.alias("created_at")],
    }
    for table, columns in COLUMNS.items():
        names = [name for name in columns if name in frame.columns and name != "created_at"]
        leads = [name for name in names if name in _LEADS.get(table, ())]
        if table in _LEADS and not leads:
            continue
        there = (
            pl.any_horizontal(pl.col(name).is_not_null() for name in leads) if leads else pl.lit(value=True)
        )
        raw = frame.select(account, *names, *made.get(table, seen)).filter(there)
        if raw.height:
            yield table, dict(zip(names, names, strict=True)), raw
    if DEVICE in frame.columns:
        again = frame.select(account, *made["accounts"], pl.col(DEVICE).alias("signup_device"))
        if (again := again.drop_nulls("signup_device")).height:
            yield "accounts", {DEVICE: "signup_device"}, again
    raw = identifiers.drop_nulls("value").select(
        pl.col("account").cast(pl.String).alias("account_id"), "kind", "value"
    )
    if raw.height:
        yield "identifiers", {IDENTIFIER: "value"}, raw.with_columns(seen)
