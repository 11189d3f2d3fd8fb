"""The account–signal graph as columns."""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.columns import Schema

ACCOUNT_COLUMNS: Schema = {
    "id": pl.String,
    "created_at": pl.Int64,
    "status": pl.String,
    "status_changed_at": pl.Int64,
    "plan": pl.String,
    "country": pl.String,
}
SIGNAL_COLUMNS: Schema = {
    "key": pl.String,
    "kind": pl.String,
    "parent": pl.String,
    "grandparent": pl.String,
    "class": pl.String,
}
ACTIVITY_COLUMNS: Schema = {
    "account": pl.Int32,
    "hour": pl.Int64,
    "model": pl.String,
    "requests": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Watermark:
    """The load up to which a graph was read: it and all before it were whole when the reading began.

    `load` is the load's id and when it ended, by which another database, or the same load done again, is told apart.
    """

    number: int
    load: str


@dataclass(frozen=True, slots=True)
class SignalGraph:
    """Who used what.

    `accounts` is sorted by `id`, `signals` by `key`; a row's number is the index by which edges name it, so the
    same graph has the same columns whatever order the database holds it in. Times are ms since 1970, -1 = not known.
    A signal's `parent` is what it is part of (an address's prefix, a card's BIN), its `grandparent` what that is part
    of (the autonomous system); '' = none. Of a name or an e-mail pattern `parent` has the tokens of its words,
    separated by spaces (`signals.normalise.words_of_name`).

    `account`, `signal` (int32), `first_seen` and `last_seen` (int64) are parallel, sorted by account, then signal.
    `activity` has a row an account, hour (hours since 1970) and model, sorted by these.
    """

    accounts: pl.DataFrame
    signals: pl.DataFrame
    account: NDArray[np.int32]
    signal: NDArray[np.int32]
    first_seen: NDArray[np.int64]
    last_seen: NDArray[np.int64]
    activity: pl.DataFrame

    def fingerprint(self) -> str:
        """SHA-256 over everything detection can see, independent of the database's own ids and of how columns are cut
        into chunks.

        Of each column its name, type and length, and its bytes; of text the length of each value (-1: null) and then
        all of it in one piece, so that no two columns have the same bytes.
        """
        digest = hashlib.sha256()
        for frame in (self.accounts, self.signals, self.activity):
            for column in frame.iter_columns():
                digest.update(f"{column.name} {column.dtype} {column.len()}\n".encode())
                if column.dtype == pl.String:
                    lengths = column.str.len_bytes().cast(pl.Int32).fill_null(-1)
                    digest.update(_bytes(lengths.to_numpy()))
                    digest.update((column.str.join("").item() or "").encode())
                else:
                    digest.update(_bytes(column.to_numpy()))
        for name in ("account", "signal", "first_seen", "last_seen"):
            array = getattr(self, name)
            digest.update(f"{name} {array.dtype.name} {len(array)}\n".encode())
            digest.update(_bytes(array))
        return digest.hexdigest()


def _bytes(array: NDArray[np.generic]) -> memoryview:
    """The array's values, the lowest byte first on every machine."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).view(np.uint8).data
