"""A population on a cluster as the source of a detection: its graph and links, and what of it goes to Neo4j."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from graphsvc.errors import SettingsError
from graphsvc.intake.identity import hash_parts
from graphsvc.linkage.signals import Incidence
from graphsvc.loading.online import make_forgotten_filter, write_columns
from graphsvc.measure import estimate_need
from graphsvc.model.clusters import Found
from graphsvc.model.columns import (
    ACCOUNTS,
    ACTIVITY,
    DEAD_LETTERS,
    EDGES,
    TIME,
    BundleColumns,
    Schema,
    get_values_schema,
)
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.settings import Settings
from graphsvc.signals.kinds import BY_NAME, kind_of, split_key
from graphsvc.signals.tokens import Tokeniser, load_or_create_key
from graphsvc.signing import load_or_create_signer
from graphsvc.spark.links import find_links
from graphsvc.spark.population import Population, build_population, collect, collect_graph, report_failures
from graphsvc.spark.session import Work, open_session
from graphsvc.store import Store
from graphsvc.store.forgetting import list_forgotten
from graphsvc.store.loads import begin_load, finish_load
from graphsvc.succession.successions import Succession
from graphsvc.types import Ints32, Progress, Report, ignore_report

MOST_SHARERS = max(kind.hub_degree for kind in BY_NAME.values())
"""Accounts up to which all that share a signal with a cluster are brought: a value of more makes no links either."""
Forgotten = Callable[[pl.Series], pl.Series]


class SparkSource:
    """The population of a bundle that a cluster reads; `close` it after the run.

    Args:
        path: of the bundle, as the cluster reads it.
        tokens: of the installation's key.
        forgotten: selects the forgotten ones of account ids; their rows are left out.
        work: session, and directory for what is kept between steps.
        memory: bytes that this process may take; None: what is free.
        say: called with lines on what was rejected.
        temporary: whether the directory is on this machine, and is removed in the end.
    """

    def __init__(
        self,
        path: str,
        tokens: Tokeniser,
        forgotten: Forgotten | None,
        work: Work,
        *,
        memory: int | None = None,
        say: Report = ignore_report,
        temporary: bool = False,
    ) -> None:
        self._path, self._tokens, self._forgotten, self._work = path, tokens, forgotten, work
        self._memory, self._say, self._temporary = memory, say, temporary
        self._population: Population | None = None

    @property
    def population(self) -> Population:
        """Return the tables of the population, once it was read."""
        if self._population is None:
            raise RuntimeError("the population is read first")
        return self._population

    def read(self, progress: Progress) -> SignalGraph:
        """Make the graph on the cluster, and collect it.

        Raises:
            BundleError, DetectionError, SparkError
            ResourceError: it does not fit into this process; nothing was collected.
        """
        population = build_population(self._work, self._path, self._tokens, self._forgotten, progress)
        self._population = population
        for reason, count in population.rejected.items():
            self._say(f"{count:,} rows were rejected: {reason}")
        needed = estimate_need(**population.counts, ceiling=self._memory)
        self._say(f"Spark read {population.counts['accounts']:,} accounts; detection takes {needed} here")
        needed.check()
        return collect_graph(population, progress)

    def link(self, incidence: Incidence, *, min_values: int, memory: int, progress: Progress) -> Links:
        """Find the links on the cluster.

        Raises:
            SparkError: Spark failed.
        """
        return find_links(self.population, incidence, min_values=min_values, memory=memory, progress=progress)

    def bring(
        self, store: Store, graph: SignalGraph, found: Found, succession: Succession, progress: Progress
    ) -> None:
        """Write the members of clusters, and those who share what holds these together, into the database.

        Raises:
            SparkError, DatabaseUnavailable, DatabaseRefused
        """
        accounts = list_surroundings(graph, found, succession)
        if not len(accounts):
            return
        with report_failures("collecting what is published"):
            columns = collect_columns(self.population, accounts).split()
        # Named by content, so that a run that publishes the same again finds its load finished.
        columns = replace(columns, id=hash_parts(columns))
        load = begin_load(store, columns.id[:24], columns.id, again=False)
        if not load.finished:
            write_columns(store, load, columns, progress)
            finish_load(store, load.id, columns)

    def close(self) -> None:
        """Stop the session, and remove what was kept on this machine."""
        self._work.session.stop()
        if self._temporary:
            shutil.rmtree(self._work.directory, ignore_errors=True)


def open_source(
    path: str | None,
    settings: Settings,
    store: Store,
    *,
    master: str | None = None,
    remote: str | None = None,
    work: str | None = None,
    config: Mapping[str, str] | None = None,
    memory: int | None = None,
    say: Report = ignore_report,
) -> SparkSource:
    """Open a session of Spark, and a population as a source of detection.

    Args:
        path: of the bundle; required.
        settings: of the installation, whose token key goes to the cluster.
        store: the database, which knows the forgotten accounts.
        master: URL of the cluster; None: this machine.
        remote: URL of a Spark Connect server.
        work: directory that all machines of the cluster can read and write; needed unless Spark runs on this machine.
        config: further settings of Spark.
        memory: bytes that this process may take.
        say: called with lines of progress.

    Raises:
        SettingsError: the path is missing, or the directory of a cluster.
        SparkError: no session can be opened.
    """
    if path is None:
        raise SettingsError(
            "The engine spark needs --source, the bundle that it reads.",
            "Give a path that the cluster reaches.",
        )
    alone = remote is None and (master is None or master.startswith("local"))
    if work is None and not alone:
        raise SettingsError(
            "A cluster needs --work, a directory that all its machines can read and write.",
            "Give for example --work s3a://bucket/graphsvc.",
        )
    # A path of this machine; what is relative would be relative to the file system of the cluster.
    path = str(Path(path).resolve()) if Path(path).exists() else path
    names = list_forgotten(store)
    forgotten = make_forgotten_filter(store, load_or_create_signer(settings)) if names else None
    session = open_session(master, config, remote)
    own = settings.data_dir.resolve() / "spark"
    if work is None:
        # It holds addresses: for the owner alone.
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = work.rstrip("/") if work is not None else str(own)
    return SparkSource(
        path, load_or_create_key(settings), forgotten, Work(session, directory), memory=memory, say=say,
        temporary=work is None,
    )  # fmt: skip


def list_surroundings(graph: SignalGraph, found: Found, succession: Succession) -> Ints32:
    """List the accounts that are published, and those around them that investigators ask for; int32, ascending.

    These are all who have one of the signals that hold a cluster together, unless more than `MOST_SHARERS` have it, and
    both ends of probable successions.
    """
    users = np.bincount(graph.signal, minlength=len(found.keys))
    shared = found.shared["signal"].unique().to_numpy()
    wanted = np.zeros(len(users), dtype=np.bool_)
    wanted[shared[users[shared] <= MOST_SHARERS]] = True
    probable = succession.pairs.filter("probable")
    parts = [graph.account[wanted[graph.signal]], found.members["account"].to_numpy()]
    parts += [probable[end].to_numpy() for end in ("successor", "predecessor")]
    return np.unique(np.concatenate(parts)).astype(np.int32)


def collect_columns(population: Population, accounts: Ints32) -> BundleColumns:
    """Collect all that is known of some accounts, as a bundle to be loaded.

    Args:
        population: their tables.
        accounts: int32, their numbers.
    """
    from pyspark.sql import functions as F  # noqa: N812

    listed = population.work.session.createDataFrame(pl.DataFrame({"account": accounts}).to_arrow())
    # Few accounts: each machine gets the list, and the large tables are not shuffled.
    some = F.broadcast(listed)
    people = population.accounts.join(some, "account")
    ids = people.select("account", "account_id")
    edges = population.edges.join(ids, "account").join(population.signals.select("signal", "key"), "signal")
    # Saved, since two tables are made of it: else Spark computes it twice.
    edges = population.work.save("brought", edges.drop("account", "signal"))
    values = population.values.join(edges.select("key").distinct(), "key")
    traffic = population.activity.join(ids, "account")
    uses = _select(collect(edges), EDGES).sort("account_id", "key")
    kind, value = split_key()
    own = uses.select(kind).to_series()
    declared = {name: kind_of(name).name for name in own.unique()}
    names = sorted(set(declared.values()))
    own = own.replace(declared)
    known = collect(values).with_columns(kind=kind, value=value)
    return BundleColumns(
        id="spark",
        accounts=_select(collect(people), ACCOUNTS).sort("account_id"),
        values={
            name: known.filter(pl.col("kind").replace(declared) == name)
            .select(*get_values_schema(name))
            .sort("key")
            for name in names
        },
        edges={name: uses.filter(own == name) for name in names},
        networks=population.networks,
        activity=_select(collect(traffic), ACTIVITY).sort("account_id", "hour", "model"),
        dead_letters=pl.DataFrame(schema=DEAD_LETTERS),
    )


def _select(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the columns of a schema; numbers of milliseconds, -1 = not known, become times."""
    times = [name for name, dtype in schema.items() if dtype == TIME and frame.schema[name].is_integer()]
    known = [pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in times]
    frame = frame.with_columns(known).with_columns(
        pl.from_epoch(name, "ms").dt.replace_time_zone("UTC") for name in times
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
