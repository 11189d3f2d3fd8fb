"""Read sign-ups as a sign-up service has them, by the same intake as a bundle, in memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.intake.files import BundleFile
from graphsvc.intake.merging import replace_text
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.readers import Chunk
from graphsvc.intake.signals import build_signals
from graphsvc.intake.validation import Reading, validate_chunk
from graphsvc.intake.values import read_values
from graphsvc.model.columns import NETWORKS, TIME, Schema
from graphsvc.scoring.index import Digests, ScoreIndex, digest_keys, find_digests
from graphsvc.scoring.weigh import Standing, Values
from graphsvc.signals.kinds import BY_NAME, family_of, split_key
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
LEADS = {"payments": ("instrument",), "sessions": ("ip",), "prompts": ("text", "fingerprint")}
"""Columns without which a sign-up has no row in a table."""
_READ = " read"
_LONG: Schema = {"account": pl.Int32, "kind": pl.String, "value": pl.String}
_UNREAD: Schema = {"account": pl.Int32, "column": pl.String}


class Key(NamedTuple):
    """A key of an account (its place); `former`: under an earlier token key, None for the same or none."""

    account: int
    key: str
    former: str | None
    kind: str


class Whole(NamedTuple):
    """A key that a value of an account says it is part of."""

    account: int
    key: str
    kind: str


class Unread(NamedTuple):
    """A column of an account whose value could not be read."""

    account: int
    column: str


@dataclass(frozen=True, slots=True)
class Signups:
    """Sign-ups as keys of signals, without any raw value.

    Attributes:
        accounts: number of sign-ups.
        created_at: of each, ms since 1970, -1 = not known; int64.
        keys: sorted by account and key.
        wholes: sorted likewise.
        unread: values that were given and could not be read.
    """

    accounts: int
    created_at: Ints
    keys: list[Key]
    wholes: list[Whole]
    unread: list[Unread]


def join_signups(parts: Sequence[Signups]) -> Signups:
    """Join sign-ups that were read one by one."""
    if len(parts) == 1:
        return parts[0]
    firsts = [0, *accumulate(part.accounts for part in parts)]
    placed = list(zip(firsts, parts, strict=False))

    return Signups(
        firsts[-1],
        np.concatenate([part.created_at for part in parts]),
        [each._replace(account=first + each.account) for first, part in placed for each in part.keys],
        [each._replace(account=first + each.account) for first, part in placed for each in part.wholes],
        [each._replace(account=first + each.account) for first, part in placed for each in part.unread],
    )


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
    # A sign-up that says a value twice has it once, as in a load.
    distinct = {
        name: replace_text(name, table).drop("row", "fault").unique() for name, table in tables.items()
    }
    keys, wholes = [], []
    for _, signals in build_signals(distinct, pl.DataFrame(schema=NETWORKS), tokens):
        former = pl.concat(
            [*signals.former.values(), pl.DataFrame(schema={"former": pl.String, "key": pl.String})]
        )
        uses = signals.edges.select(account=pl.col("account_id").cast(pl.Int32), key="key")
        keys.append(
            uses.join(
                former.drop_nulls().unique("key", keep="first", maintain_order=True), on="key", how="left"
            )
        )
        for column, prefix in (("prefix", "prefix:"), ("asn", "system:AS"), ("bin", "bin:")):
            if column in signals.values.columns:
                part = signals.values.drop_nulls(column).select(
                    "key", whole=prefix + pl.col(column).cast(pl.String)
                )
                wholes.append(uses.join(part, on="key").select("account", key="whole"))
    nothing = pl.DataFrame(schema={"account": pl.Int32, "key": pl.String, "former": pl.String})
    found = _name_kinds(pl.concat([nothing, *keys])).select(*Key._fields)
    parts_of = _name_kinds(pl.concat([nothing.drop("former"), *wholes]).unique()).select(*Whole._fields)
    return Signups(
        rows, created_at, [Key(*row) for row in found.rows()], [Whole(*row) for row in parts_of.rows()],
        [Unread(*row) for row in unread.rows()],
    )  # fmt: skip


class Placed(NamedTuple):
    """Sign-ups before an index, as accounts that its run has not read.

    Attributes:
        standing: the accounts.
        values: theirs.
        warnings: account, kind, warning (of `ScoreIndex`).
        inherited: account, row: values that stopped accounts have (`ScoreIndex.stopped`), sorted; int32, (uses, 2).
    """

    standing: Standing
    values: Values
    warnings: list[tuple[int, str, int]]
    inherited: NDArray[np.int32]


def place_signups(index: ScoreIndex, signups: Signups) -> Placed:
    """Place sign-ups before an index."""
    told: list[Key | Whole] = [*signups.keys, *signups.wholes]
    digest = digest_keys(each.key for each in told)
    place = find_digests(index.digests, digest)
    # A run before the last rotation of the token key knows values by their former tokens.
    older = [at for at, each in enumerate(signups.keys) if each.former is not None and place[at] < 0]
    if older:
        formers = digest_keys(signups.keys[at].former or "" for at in older)
        place[older] = find_digests(index.digests, formers)
    has = np.zeros((signups.accounts, len(index.families)), dtype=np.bool_)
    warnings: dict[tuple[int, str, int], None] = {}
    # A value that says of itself what the run says of it counts once.
    uses: set[tuple[int, int]] = set()
    for each, at in zip(told, place.tolist(), strict=True):
        column = index.family_places.get(family_of(each.kind))
        if column is not None:
            has[each.account, column] = True
        if at < 0:
            continue
        uses.add((each.account, at))
        # What the run knows a value to be part of: a card's BIN, and through its prefix an address's system.
        if (above := int(index.whole[at])) >= 0:
            uses.add((each.account, above))
        if warning := int(index.warning[at]):
            warnings[each.account, each.kind, warning] = None
    found = np.array(sorted(uses), dtype=np.int64).reshape(-1, 2)
    values = Values(
        found[:, 0].astype(np.int32),
        index.digests[found[:, 1]],
        np.zeros(len(found), dtype=np.bool_),
        found[:, 1],
    )
    account = [each.account for each in told]
    inherited = [_find_inherited(index, account, digest)]
    if rotated := [(each.account, each.former) for each in signups.keys if each.former is not None]:
        older_digest = digest_keys(former for _, former in rotated)
        inherited.append(_find_inherited(index, [each for each, _ in rotated], older_digest))
    # What the index adds to a value, such as the system of an address, can be taken over too.
    inherited.append(_find_inherited(index, found[:, 0], values.digest))
    uses_of_stopped = np.unique(np.concatenate(inherited), axis=0)
    return Placed(Standing(has, signups.created_at), values, list(warnings), uses_of_stopped)


def _find_inherited(index: ScoreIndex, account: Sequence[int] | Ints, digest: Digests) -> NDArray[np.int32]:
    """Find the values that stopped accounts have: account, row; int32, (uses, 2)."""
    table, rows = index.stopped_digests
    place = find_digests(table, digest)
    known = np.flatnonzero(place >= 0)
    return np.stack([np.asarray(account)[known], rows[place[known]]], axis=1).astype(np.int32)


def _name_kinds(keys: pl.DataFrame) -> pl.DataFrame:
    """Add the kind of each key, and sort by account and key."""
    return keys.with_columns(kind=split_key()[0]).sort("account", "key")


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
        # The dead letters are dropped: what was lost is told by column below, never by value.
        good, _ = validate_chunk(file, chunk, Reading(options))
        tables[table] = pl.concat([tables[table], good]) if table in tables else good
        read = raw.with_columns(row=rows).join(
            good.select("row", *names.values()), on="row", how="left", suffix=_READ, maintain_order="left"
        )
        for shown, name in names.items():
            unread = read.filter(pl.col(name).is_not_null() & pl.col(name + _READ).is_null())
            column = IDENTIFIER + pl.col("kind").cast(pl.String) if shown == IDENTIFIER else pl.lit(shown)
            lost.append(unread.select(account=pl.col("account_id").cast(pl.Int32), column=column))
    for table, leads in LEADS.items():
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
        leads = [name for name in names if name in LEADS.get(table, ())]
        if table in LEADS and not leads:
            continue
        there = (
            pl.any_horizontal(pl.col(name).is_not_null() for name in leads) if leads else pl.lit(value=True)
        )
        raw = frame.select(account, *names, *made.get(table, seen)).filter(there)
        if raw.height:
            yield table, dict(zip(names, names, strict=True)), raw
    if DEVICE in frame.columns:
        # A device has a row of its own: the sign-up has one column for it, and sessions have another.
        again = frame.select(account, *made["accounts"], pl.col(DEVICE).alias("signup_device"))
        if (again := again.drop_nulls("signup_device")).height:
            yield "accounts", {DEVICE: "signup_device"}, again
    raw = identifiers.drop_nulls("value").select(
        pl.col("account").cast(pl.String).alias("account_id"), "kind", "value"
    )
    if raw.height:
        yield "identifiers", {IDENTIFIER: "value"}, raw.with_columns(seen)
