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
    "country": pl.String,
}
SIGNAL_COLUMNS: Schema = {
    "key": pl.String,
    "kind": pl.String,
    "parent": pl.String,
    "class": pl.String,
}


@dataclass(frozen=True, slots=True)
class SignalGraph:
    """Who used what.

    `accounts` is sorted by `id`, `signals` by `key`; a row's number is the index by which edges name it, so the
    same graph has the same columns whatever order the database holds it in. `account`, `signal` (int32) and
    `first_seen` (int64, ms since 1970, -1 = not known) are parallel, sorted by account, then signal.
    """

    accounts: pl.DataFrame
    signals: pl.DataFrame
    account: NDArray[np.int32]
    signal: NDArray[np.int32]
    first_seen: NDArray[np.int64]

    def fingerprint(self) -> str:
        """SHA-256 over everything detection can see, independent of the database's own ids."""
        digest = hashlib.sha256()
        for frame in (self.accounts, self.signals):
            for column in frame.iter_columns():
                joined = "\n".join(column.cast(pl.String).fill_null("").to_list())
                digest.update(f"{column.name}\n{joined}\n\n".encode())
        for array in (self.account, self.signal, self.first_seen):
            digest.update(np.ascontiguousarray(array).astype("<i8").tobytes())
        return digest.hexdigest()
