"""Packed records as columns, and statements over packs from several sessions."""

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
"""Sessions that read at a time: with two the server works while we turn lists into columns."""
PACKS_A_STATEMENT = 50
"""Packs asked for at once, so that ids are lists of Python's numbers only for these."""
AHEAD = 2
"""Records a session may be ahead of who takes them."""

Record = tuple[Any, ...]


def build_frame(records: Iterable[Record], schema: Schema) -> pl.DataFrame:
    """A frame from records that have the number of their pack first and then a list a column, in the schema's
    order."""
    packs = [record[1:] for record in records]
    return pl.DataFrame(
        {name: list(chain.from_iterable(pack[i] for pack in packs)) for i, name in enumerate(schema)},
        schema=schema,
    )


def stream_packs(store: Store, name: str, packs: Sequence[NDArray[np.int64]]) -> Iterator[Record]:
    """The records of the reading statement `name` over `packs` (its parameter `$packs`: number and nodes), one a pack
    and in any order; the first value of each is the number of its pack, the place in `packs`.

    Several sessions read and wait for each other's records to be taken. Who stops taking ends them.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    found: queue.Queue[Record | BaseException | None] = queue.Queue(AHEAD * SESSIONS)
    stop = threading.Event()

    def put_record(what: Record | BaseException | None) -> None:
        while not stop.is_set():
            try:
                return found.put(what, timeout=0.2)
            except queue.Full:
                continue

    def read_stripe(numbers: range) -> None:
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
