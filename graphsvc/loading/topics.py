"""The steps of loading a topic: marks → a batch of messages → columns → one transaction with the new marks → again."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from graphsvc.errors import DatabaseUnavailable
from graphsvc.intake import read_bundle
from graphsvc.intake.acceptance import check_loaded
from graphsvc.intake.options import ReadOptions
from graphsvc.loading.common import LONGEST_WAIT, keep_dead_letters
from graphsvc.loading.online import make_forgotten_filter
from graphsvc.model.columns import BundleParts
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.sources.kafka import Batch, TopicSource, name_offsets
from graphsvc.store import Store
from graphsvc.store.addresses import place_addresses
from graphsvc.store.loads import find_known_accounts
from graphsvc.store.sources import (
    close_load,
    commit_marks,
    find_unfinished,
    prune_loads,
    read_marks,
    write_messages,
)
from graphsvc.types import Report, ignore_report

JUDGED = 100
"""Messages of a table from which on the share of rejected ones is judged: fewer may all be bad by chance."""
PRUNE_EVERY = 1_000
"""Batches after which old records of loads are removed: an hour and more of them."""


@dataclass(slots=True)
class Followed:
    """Counts of what was loaded of a topic: batches, messages, and how many of these were rejected."""

    batches: int = 0
    messages: int = 0
    rejected: int = 0


def load_topic(
    store: Store,
    source: TopicSource,
    tokens: Tokeniser,
    dead_letters_dir: Path,
    stopped: Event,
    *,
    once: bool = False,
    say: Report = ignore_report,
    signer: Signer | None = None,
    options: ReadOptions | None = None,
    max_rejected: float,
) -> Followed:
    """Load the messages of a topic as they come. Killed at any time and run again, none is lost or counted twice.

    A batch and the offsets up to which it was read are one transaction. The offsets are read from there, never from the
    broker. While the database is away nothing more is read. Messages that cannot be read become rejected rows.

    Args:
        store: the database.
        source: the topic.
        tokens: of the installation's key.
        dead_letters_dir: for rejected rows.
        stopped: ends the work after the batch under way.
        once: whether to end when all that the broker has was loaded.
        say: called with lines of progress.
        signer: knows forgotten accounts; None means that none is forgotten.
        options: how to read values, and what columns are called.
        max_rejected: share of a batch's messages of a table that may be rejected, 0–1; judged from `JUDGED` on.

    Raises:
        SourceError: the broker refuses, an offset is gone, or another process loads the topic.
        NothingLoaded: too many messages of a batch are rejected; its offsets were not committed.
        DatabaseRefused: the database answers that it will not do this.
    """
    followed = Followed()
    # Bytes are judged message by message: one that is not UTF-8 must not change how the others are read.
    options = replace(options or ReadOptions(), encoding="utf-8")
    _finish_last(store, source.name)
    with source.start(read_marks(store, source.name)):
        # Else a partition without a message yet would have no mark, and begin at its end once more.
        commit_marks(store, source.name, dict.fromkeys(source.begun), source.begun, None)
        source.note_committed(source.begun)
        while not stopped.is_set():
            batch = source.read_batch(stopped, once=once)
            if batch.size:
                columns = _read_batch(
                    store, source, batch, tokens, dead_letters_dir, signer, options, max_rejected
                )
                if not _write_batch(store, source, batch, columns, tokens, stopped, say):
                    break
                source.note_committed(batch.after)
                followed.batches += 1
                followed.messages += batch.size
                followed.rejected += columns.dead_letters.height
                say(
                    f"{batch.size:,} messages, {columns.dead_letters.height:,} rejected; {followed.messages:,} so far"
                )
                if followed.batches % PRUNE_EVERY == 0:
                    prune_loads(store, source.name)
            elif once and source.is_at_end:
                break
    return followed


def _read_batch(
    store: Store, source: TopicSource, batch: Batch, tokens: Tokeniser, dead_letters_dir: Path,
    signer: Signer | None, options: ReadOptions, max_rejected: float,
) -> BundleParts:  # fmt: skip
    """Read messages as the tables of a bundle, and keep those that are rejected.

    Raises:
        NothingLoaded: too many are rejected.
    """
    read = read_bundle(
        source.list_tables(batch), tokens, lambda ids: find_known_accounts(store, ids), None,
        make_forgotten_filter(store, signer), options,
    )  # fmt: skip
    columns = replace(read, dead_letters=name_offsets(read.dead_letters, batch)).split()
    letters = keep_dead_letters(columns, compute_batch_id(source.name, batch, tokens), dead_letters_dir)
    judged = tuple(table for table in columns.tables if table.read >= JUDGED)
    if judged:
        check_loaded(replace(columns, tables=judged), max_rejected, letters)
    return columns


def compute_batch_id(source: str, batch: Batch, tokens: Tokeniser) -> str:
    """Compute the id of the load of a batch: its source, and the offsets that it is from and up to."""
    offsets = sorted((place.part, read[0][0], read[-1][0]) for place, read in batch.messages.items())
    said = f"{source} {tokens.key_id} {offsets}"
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def _write_batch(
    store: Store, source: TopicSource, batch: Batch, columns: BundleParts, tokens: Tokeniser, stopped: Event,
    say: Report,
) -> bool:  # fmt: skip
    """Write a batch and its marks in one transaction, as often as it takes; False if stopped before.

    Raises:
        SourceError: another process loads the topic.
    """
    load = compute_batch_id(source.name, batch, tokens)
    tries = 0
    while True:
        try:
            write_messages(store, source.name, load, columns, batch.before, batch.after)
            _finish_last(store, source.name)
        except DatabaseUnavailable as error:
            # A commit whose answer was lost has moved the marks: their guard keeps the repetition from counting twice.
            tries += 1
            say(f"{error} The batch is tried again.")
            if stopped.wait(min(2.0**tries, LONGEST_WAIT)):
                return False
        else:
            return True


def _finish_last(store: Store, source: str) -> None:
    """Place the addresses of the last batch, and close its load; one that was killed in between is ended so."""
    last = find_unfinished(store, source)
    if last is not None:
        load, number = last
        place_addresses(store, number)
        close_load(store, load)
