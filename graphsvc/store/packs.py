"""Read packed records as columns, over several sessions."""

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.columns import Schema
from graphsvc.store.connection import Store

SESSIONS = 2
"""Sessions that read in parallel. With two, the server works while this process converts lists to columns."""
PACKS_A_STATEMENT = 50
"""Packs requested at once, so that only their ids are lists of Python numbers."""
AHEAD = 2
"""Records that a session may be ahead of the consumer."""

Record = tuple[Any, ...]


def build_frame(records: Iterable[Record], schema: Schema) -> pl.DataFrame:
    """Build a frame from records of a pack number followed by one list a column, in the schema's order."""
    packs = [record[1:] for record in records]
    return pl.DataFrame(
        {name: list(chain.from_iterable(pack[i] for pack in packs)) for i, name in enumerate(schema)},
        schema=schema,
    )


def stream_packs(store: Store, name: str, packs: Sequence[NDArray[np.int64]]) -> Iterator[Record]:
    """Stream the records of a reading statement over `packs`, one a pack and in any order.

    Several sessions read, and wait for the consumer. Closing the stream ends them.

    Args:
        store: the database.
        name: of the statement; its parameter `$packs` has number and nodes of each pack.
        packs: node ids, int64.

    Returns:
        Records; the first value of each is the place of its pack in `packs`.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    found: queue.Queue[Record | BaseException | None] = queue.Queue(AHEAD * SESSIONS)
    stop = threading.Event()

    def put_record(what: Record | BaseException | None) -> None:
        """Put a record into the queue, unless the consumer has stopped."""
        while not stop.is_set():
            try:
                return found.put(what, timeout=0.2)
            except queue.Full:
                continue

    def read_stripe(numbers: range) -> None:
        """Read the packs of one session."""
        try:
            for at in range(0, len(numbers), PACKS_A_STATEMENT):
                asked = [
                    {"number": number, "nodes": packs[number].tolist()}
                    for number in numbers[at : at + PACKS_A_STATEMENT]
                ]
                with closing(store.stream(name, packs=asked)) as records:
                    for record in records:
                        put_record(record)
                        if stop.is_set():
                            return
            put_record(None)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that takes
            put_record(error)

    # Each session takes every second pack, so that both end at about the same time.
    stripes = [range(first, len(packs), SESSIONS) for first in range(min(SESSIONS, len(packs)))]
    threads = [threading.Thread(target=read_stripe, args=(stripe,), daemon=True) for stripe in stripes]
    try:
        for thread in threads:
            thread.start()
        reading = len(threads)
        while reading:
            match found.get():
                case None:
                    reading -= 1
                case BaseException() as error:
                    raise error
                case record:
                    yield record
    finally:
        stop.set()
        for thread in threads:
            thread.join()
