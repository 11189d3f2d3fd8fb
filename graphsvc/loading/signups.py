"""Record sign-ups that were scored: by the intake and the road of a load, many in one load."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from graphsvc.intake.bundle import read_frames
from graphsvc.loading.common import ReadBundle, compute_load_id, keep_dead_letters
from graphsvc.loading.online import make_forgotten_filter, write_load
from graphsvc.model.events import NewEvent
from graphsvc.scoring.signups import COLUMNS, DEVICE, LABEL
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.store.loads import RECORDED, close_recordings, find_known_accounts

KIND = "card"
"""Kind of a recorded instrument: sign-ups do not say it, and most are cards. A later table of payments corrects it."""
_ACCOUNT = COLUMNS["accounts"]


@dataclass(frozen=True, slots=True)
class RecordedSignup:
    """A sign-up to record: raw values by column, and (kind, value) of further identifiers.

    `columns` has `account_id` and `created_at`. `event` is written in the transaction that completes the recording.
    """

    columns: Mapping[str, str | None]
    identifiers: Sequence[tuple[str, str]] = ()
    event: NewEvent | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row of a sign-up that was not recorded: its table, and the column and reason of its first fault."""

    table: str
    column: str | None
    reason: str


def record_signups(
    store: Store, signups: Sequence[RecordedSignup], tokens: Tokeniser, signer: Signer, dead_letters_dir: Path
) -> list[list[Rejection]]:
    """Put sign-ups into the graph. To record one again changes nothing.

    Args:
        store: the database.
        signups: in any order.
        tokens: of the installation's key.
        signer: knows forgotten accounts, which are rejected.
        dead_letters_dir: for rejected rows.

    Returns:
        The rejected rows of each sign-up. One whose row of `accounts` is rejected is not recorded at all.

    Raises:
        LoadError: the rejected rows cannot be kept; nothing was written.
        DatabaseUnavailable, DatabaseRefused: some may have been written; recording them again completes them.
    """
    frames, places = _lay_out(signups)
    said = json.dumps([[dict(each.columns), list(each.identifiers)] for each in signups], sort_keys=True)
    # Keyed: a plain hash of a phone number could be guessed back.
    content = hashlib.sha256(tokens.tokenize_value(RECORDED, said).encode()).hexdigest()
    columns = read_frames(
        frames,
        content,
        tokens,
        lambda ids: find_known_accounts(store, ids),
        make_forgotten_filter(store, signer),
    ).split()
    load_id = compute_load_id(columns, tokens)
    dead_letters = keep_dead_letters(columns, load_id, dead_letters_dir)
    rejections: list[list[Rejection]] = [[] for _ in signups]
    letters = columns.dead_letters.collect().select("table", "row", "column", "reason")
    for table, row, column, reason in letters.iter_rows():
        rejections[places[table][row - 1]].append(Rejection(table, column, reason))
    events = [
        signup.event
        for signup, rejected in zip(signups, rejections, strict=True)
        if signup.event is not None and is_recorded(rejected)
    ]
    close_recordings(store)
    write_load(store, ReadBundle(columns, load_id, dead_letters), bundle=RECORDED, events=events)
    return rejections


def is_recorded(rejections: Sequence[Rejection]) -> bool:
    """Return whether a sign-up with these rejected rows is in the graph: its account is."""
    return all(row.table != "accounts" for row in rejections)


def _lay_out(signups: Sequence[RecordedSignup]) -> tuple[dict[str, pl.DataFrame], dict[str, list[int]]]:
    """Return the tables of sign-ups, and the place of the sign-up of each of their rows."""
    rows: dict[str, list[dict[str, str | None]]] = {}
    places: dict[str, list[int]] = {}
    for place, signup in enumerate(signups):
        said = signup.columns
        at = said["created_at"]
        seen = {LABEL: said[LABEL], "first_seen": at, "last_seen": at}
        others = [*signup.identifiers, *([(DEVICE, device)] if (device := said.get(DEVICE)) else [])]
        parts = [("accounts", {LABEL: said[LABEL], **{name: said.get(name) for name in _ACCOUNT}})]
        if said.get("instrument") is not None:
            parts.append(("payments", {**seen, "kind": KIND, **_take(said, "instrument", "bin")}))
        if said.get("ip") is not None:
            parts.append(("sessions", {**seen, **_take(said, "ip", "asn")}))
        if said.get("text") is not None or said.get("fingerprint") is not None:
            parts.append(("prompts", {**seen, **_take(said, "text", "fingerprint")}))
        parts += [("identifiers", {**seen, "kind": kind, "value": value}) for kind, value in others]
        for table, row in parts:
            rows.setdefault(table, []).append(row)
            places.setdefault(table, []).append(place)
    return {
        table: pl.DataFrame(each, schema=dict.fromkeys(each[0], pl.String)) for table, each in rows.items()
    }, places


def _take(columns: Mapping[str, str | None], *names: str) -> dict[str, str | None]:
    return {name: columns.get(name) for name in names}
