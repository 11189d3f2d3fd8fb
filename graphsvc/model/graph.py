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
class SignalGraph:
    """Who used what.

    `accounts` is sorted by `id`, `signals` by `key`; a row's number is the index by which edges name it, so the
    same graph has the same columns whatever order the database holds it in. Times are ms since 1970, -1 = not known.
    A signal's `parent` is what it is part of (an address's prefix, a card's BIN), its `grandparent` what that is part
    of (the autonomous system); '' = none. `account`, `signal` (int32), `first_seen` and `last_seen` (int64) are
    parallel, sorted by account, then signal. `activity` has a row an account, hour (hours since 1970) and model,
    sorted by these.
    """

    accounts: pl.DataFrame
    signals: pl.DataFrame
    account: NDArray[np.int32]
    signal: NDArray[np.int32]
    first_seen: NDArray[np.int64]
    last_seen: NDArray[np.int64]
    activity: pl.DataFrame

    def fingerprint(self) -> str:
        """SHA-256 over everything detection can see, independent of the database's own ids."""
        digest = hashlib.sha256()
        for frame in (self.accounts, self.signals):
            for column in frame.iter_columns():
                joined = "\n".join(column.cast(pl.String).fill_null("").to_list())
                digest.update(f"{column.name}\n{joined}\n\n".encode())
        hours = [self.activity[name].to_numpy() for name in ("account", "hour", "requests")]
        digest.update("\n".join(self.activity["model"].to_list()).encode())
        for array in (self.account, self.signal, self.first_seen, self.last_seen, *hours):
            digest.update(np.ascontiguousarray(array).astype("<i8").tobytes())
        return digest.hexdigest()
