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
    """Load up to which a graph was read. It and all loads before it were complete when the reading began.

    `load` is the load's id and end time. It distinguishes another database, or the same load repeated.
    """

    number: int
    load: str


@dataclass(frozen=True, slots=True)
class SignalGraph:
    """Accounts, signals, and which account used which signal.

    Edges name accounts and signals by row number. The same graph has the same columns, whatever order the
    database holds it in. Times are ms since 1970, -1 = not known.

    Attributes:
        accounts: schema `ACCOUNT_COLUMNS`, sorted by `id`.
        signals: schema `SIGNAL_COLUMNS`, sorted by `key`. `parent` is the signal that contains it (an
            address's prefix, a card's BIN), `grandparent` the one that contains that (the autonomous system),
            '' = none. `parent` of a name or e-mail pattern has the tokens of its words, separated by spaces
            (`signals.normalise.split_name`).
        account: of each edge, int32, sorted by account, then signal.
        signal: of each edge, int32, parallel.
        first_seen: of each edge, int64, parallel.
        last_seen: of each edge, int64, parallel.
        activity: schema `ACTIVITY_COLUMNS`, a row an account, hour (since 1970) and model, sorted by these.
    """

    accounts: pl.DataFrame
    signals: pl.DataFrame
    account: NDArray[np.int32]
    signal: NDArray[np.int32]
    first_seen: NDArray[np.int64]
    last_seen: NDArray[np.int64]
    activity: pl.DataFrame

    def fingerprint(self) -> str:
        """Return the SHA-256 of all that detection can see, independent of database ids and of chunks of columns.

        It covers the name, type, length and bytes of each column. Of text it covers the length of each value
        (-1: null), then all text in one piece. So no two different columns have the same bytes.
        """
        digest = hashlib.sha256()
        for frame in (self.accounts, self.signals, self.activity):
            for column in frame.iter_columns():
                digest.update(f"{column.name} {column.dtype} {column.len()}\n".encode())
                if column.dtype == pl.String:
                    # Lengths first: otherwise `ab`, `c` and `a`, `bc` would have equal bytes.
                    lengths = column.str.len_bytes().cast(pl.Int32).fill_null(-1)
                    digest.update(_get_bytes(lengths.to_numpy()))
                    digest.update((column.str.join("").item() or "").encode())
                else:
                    digest.update(_get_bytes(column.to_numpy()))
        for name in ("account", "signal", "first_seen", "last_seen"):
            array = getattr(self, name)
            digest.update(f"{name} {array.dtype.name} {len(array)}\n".encode())
            digest.update(_get_bytes(array))
        return digest.hexdigest()


def _get_bytes(array: NDArray[np.generic]) -> memoryview:
    """Return the array's values, the lowest byte first on every machine."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).view(np.uint8).data
