"""Read accounts to act on, and the other users of what they use."""

from collections.abc import Sequence

import polars as pl

from graphsvc.campaigns.surroundings import ACTED, NEAR, USERS, mark_hubs
from graphsvc.errors import NotFound
from graphsvc.store.connection import Store
from graphsvc.store.packs import build_frame

PACK = 2_000
"""Ids requested in one list."""
SHOWN = 5
"""Unknown ids that an error names at most."""


def read_acted(store: Store, ids: Sequence[str]) -> pl.DataFrame:
    """Read accounts with the published cluster of each (schema `ACTED`), sorted by id; a repeated id counts once.

    Raises:
        NotFound: some accounts do not exist; the error names them.
        DatabaseUnavailable, DatabaseRefused
    """
    asked = sorted(set(ids))
    found = build_frame(store.stream("cluster/acted", packs=_split_packs(asked)), ACTED).sort("id")
    unknown = sorted(set(asked) - set(found["id"]))
    if unknown:
        more = f" and {len(unknown) - SHOWN:,} more" if len(unknown) > SHOWN else ""
        raise NotFound(
            f"There is no account called {', '.join(unknown[:SHOWN])}{more}.",
            "Nothing was computed. Leave them out, or load the bundle that has them.",
        )
    return found


def read_surroundings(store: Store, ids: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the addresses, devices, cards and phone numbers of accounts, and their other users.

    Returns:
        Signals (schema `NEAR`), and users of those that are shared and no hubs (schema `USERS`); both sorted.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    uses = build_frame(store.stream("cluster/near", packs=_split_packs(sorted(ids))), {**NEAR})
    near = (
        uses.group_by("signal", "kind", "class", "degree")
        .agg(pl.col("inside").sum())
        .select(list(NEAR))
        .sort("signal")
    )
    wanted = near.filter(~pl.Series(mark_hubs(near)) & (pl.col("degree") > pl.col("inside")))[
        "signal"
    ].to_list()
    return near, build_frame(store.stream("cluster/users", packs=_split_packs(wanted)), USERS).sort(
        "signal", "account"
    )


def _split_packs(values: Sequence[str]) -> list[Sequence[str]]:
    """Split ids into lists of `PACK`."""
    return [values[start : start + PACK] for start in range(0, len(values), PACK)]
