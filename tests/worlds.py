"""Small seeded worlds for tests, made once each."""

from functools import cache

import polars as pl

from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.world import create_world


@cache
def world(name: str = "demo", accounts: int = 3_000, seed: int = 7) -> dict[str, pl.DataFrame]:
    """The tables of a world by name."""
    return dict(create_world(scenario.load_scenario(name), accounts, seed).iter_tables())


def labelled(name: str = "demo", accounts: int = 3_000, seed: int = 7) -> pl.DataFrame:
    """Accounts with their truth."""
    tables = world(name, accounts, seed)
    return tables["accounts"].join(tables["truth"], on="account_id", how="left")
