"""Statements of the search, and what each of them finds."""

from dataclasses import dataclass
from typing import Annotated

from graphsvc.model.rows import Column
from graphsvc.store.queries.nodes import Account, AddressRange, AutonomousSystem, Cluster, Run, Signal
from graphsvc.store.queries.query import Query, read_signal


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account; `exact`: its id is all of the text."""

    account: Account
    exact: bool


@dataclass(frozen=True, slots=True)
class FoundCluster:
    """A cluster; `exact`: its id is all of the text; `merged`: it took in the one of this id."""

    cluster: Cluster
    exact: bool
    merged: bool


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run; `exact`: its id is all of the text."""

    run: Run
    exact: bool


@dataclass(frozen=True, slots=True)
class FoundSignal:
    """A signal; `place`: of its key in the list of those looked for; None: found by its value."""

    place: int | None
    signal: Annotated[Signal, Column(read_signal)]


ACCOUNTS = Query("query/search_accounts", FoundAccount)
CLUSTERS = Query("query/search_clusters", FoundCluster)
RUNS = Query("query/search_runs", FoundRun)
SIGNALS = Query("query/search_signals", FoundSignal)
ADDRESSES = Query("query/search_addresses", Signal, read_signal)
RANGES = Query("query/search_ranges", AddressRange)
SYSTEMS = Query("query/search_systems", AutonomousSystem, "system")
