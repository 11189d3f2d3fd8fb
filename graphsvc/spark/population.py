"""The account–signal graph of a bundle, made on a cluster: the same columns that a load and a reading would give."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from graphsvc.errors import DetectionError, NothingLoaded, SparkError
from graphsvc.intake.acceptance import MAX_REJECTED, is_broken
from graphsvc.intake.merging import merge_networks
from graphsvc.model.columns import NETWORKS
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph
from graphsvc.signals.tokens import Tokeniser
from graphsvc.spark import intake
from graphsvc.spark.session import Work, describe_error, list_failures
from graphsvc.spark.source import open_tables
from graphsvc.types import Progress, ignore_progress

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

STEPS = 6
"""Steps of `build_population`, for progress."""
_LOCAL_BITS = 33
"""`monotonically_increasing_id` has the number of the partition above so many bits, and that of the row below."""


@dataclass(frozen=True, slots=True)
class Population:
    """Tables of a graph on a cluster, and the counts that say how much they hold.

    Attributes:
        work: where they are.
        accounts: `account` (int, in the order of the ids), `account_id`, and the columns of `ACCOUNTS`.
        signals: `signal` (int, in the order of the keys), and the columns of `SIGNAL_COLUMNS`.
        values: key, asn and what else is stated of signals, to be loaded with them.
        edges: account, signal, first_seen, last_seen (ms since 1970, -1 = not known), count.
        activity: account, hour (time), requests, model.
        networks: schema `NETWORKS`; networks are few.
        rejected: rejected rows by `table/reason`.
        counts: accounts, signals, edges, months (as `measure.estimate_need` takes them).
    """

    work: Work
    accounts: "DataFrame"
    signals: "DataFrame"
    values: "DataFrame"
    edges: "DataFrame"
    activity: "DataFrame"
    networks: pl.DataFrame
    rejected: dict[str, int]
    counts: dict[str, int]


@contextmanager
def report_failures(doing: str) -> Iterator[None]:
    """Turn failures of Spark into our error.

    Raises:
        SparkError: Spark failed.
    """
    try:
        yield
    except list_failures() as error:
        raise SparkError(
            f"Spark failed while {doing}: {describe_error(error)}",
            "The log of the cluster says why. What was published before is untouched.",
        ) from None


def build_population(
    work: Work,
    source: str,
    tokens: Tokeniser,
    forgotten: Callable[[pl.Series], pl.Series] | None = None,
    progress: Progress = ignore_progress,
) -> Population:
    """Read a bundle on the cluster, tokenise it there, and make the tables of its graph.

    Args:
        work: the session and its directory.
        source: path of the bundle.
        tokens: of the installation's key, which goes to the machines of the cluster.
        forgotten: selects the forgotten ones of account ids (String, distinct); their rows are left out.
        progress: called with "read", steps done and all steps.

    Raises:
        BundleError: the bundle lacks what it must have.
        DetectionError: no account is left.
        SparkError: Spark failed.
    """
    from pyspark.sql import functions as F  # noqa: N812

    # Only the current key makes keys of signals here.
    tokens = tokens.without_older()
    with report_failures("reading the bundle"):
        tables = open_tables(work.session, source)
        people = tables["accounts"].mapInArrow(intake.read_accounts, intake.ACCOUNTS_SCHEMA)
        people = work.save("accounts-read", people)
        lost = _count_rows(_counts_of(people, "account_id is null", "plan", "country"))
        _check_rejected(lost)
        progress("read", 1, STEPS)
        known, lost_accounts = _leave_forgotten(people.where("account_id is not null"), forgotten)
        merged = known.repartition("account_id").mapInArrow(intake.merge_account_rows, intake.ACCOUNTS_SCHEMA)
        accounts, count = _number(work, "accounts", merged, "account_id", "account")
        if not count:
            raise DetectionError(
                "There are no accounts in the bundle.",
                "Check the table accounts, and which of them were forgotten.",
            )
        progress("read", 2, STEPS)
        ids = accounts.select("account_id", "account")
        read = [
            table.mapInArrow(partial(intake.read_uses, name, tokens), intake.USES_SCHEMA)
            for name, table in tables.items()
            if name not in ("activity", "networks")
        ]
        uses = read[0]
        for each in read[1:]:
            uses = uses.unionByName(each)
        uses = work.save("uses", uses)
        progress("read", 3, STEPS)
        # Rows of accounts that the bundle does not have count for nothing, as in a load.
        named = uses.join(ids, "account_id").where(F.col("kind") != intake.REJECTED)
        networks, counted = _read_networks(tables.get("networks"))
        values = work.save("values", _describe_values(named, networks))
        signals, signal_count = _number(work, "signals", _place_values(values, networks), "key", "signal")
        progress("read", 4, STEPS)
        edges = work.save("edges", _merge_edges(named, signals.select("key", "signal")))
        progress("read", 5, STEPS)
        traffic = _read_activity(work, tables.get("activity"))
        kept = traffic.where("account_id is not null").join(ids, "account_id")
        activity = work.save("activity", kept.select("account", "hour", "requests", "model"))
        months = activity.select("account", F.date_trunc("month", "hour")).distinct().count()
        lost |= counted | _count_rows(
            _counts_of(uses, f"kind = '{intake.REJECTED}'", "key", "count"),
            _counts_of(traffic, "account_id is null", "model", "requests"),
        )
        counts = {"accounts": count, "signals": signal_count, "edges": edges.count(), "months": months}
        foreign = uses.where(F.col("kind") != intake.REJECTED).join(ids, "account_id", "left_anti")
        strangers = foreign.select("row").distinct().count()
        progress("read", STEPS, STEPS)
    _check_rejected(lost)
    lost = {key: count for key, count in lost.items() if not key.endswith("/")}
    if lost_accounts:
        lost["accounts/forgotten_account"] = lost_accounts
    if strangers:
        lost["account that is not in accounts, or was forgotten"] = strangers
    return Population(work, accounts, signals, values, edges, activity, networks, lost, counts)


def collect_graph(population: Population, progress: Progress = ignore_progress) -> SignalGraph:
    """Collect the graph into this process: the columns that `store.graph.read_graph` gives after a load.

    Raises:
        SparkError: Spark failed.
    """
    milliseconds = [pl.col(name).dt.epoch("ms").fill_null(-1) for name in ("created_at", "status_changed_at")]
    with report_failures("collecting the graph"):
        accounts = collect(population.accounts).sort("account")
        progress("collect", 1, 4)
        signals = collect(population.signals).sort("signal")
        progress("collect", 2, 4)
        edges = collect(population.edges.drop("count")).sort("account", "signal")
        progress("collect", 3, 4)
        activity = collect(population.activity)
        progress("collect", 4, 4)
    hours = activity.select(
        "account",
        "requests",
        hour=pl.col("hour").dt.epoch("s") // 3600,
        model=pl.col("model").fill_null(""),
    )
    # Times that lie in one hour are one hour, as in `pack_activity`.
    hours = hours.group_by("account", "hour", "model").agg(pl.col("requests").sum())
    return SignalGraph(
        accounts.rename({"account_id": "id"})
        .with_columns(*milliseconds, pl.col("plan", "country").fill_null(""))
        .select(pl.col(name).cast(dtype) for name, dtype in ACCOUNT_COLUMNS.items()),
        signals.select(pl.col(name).cast(dtype) for name, dtype in SIGNAL_COLUMNS.items()),
        edges["account"].cast(pl.Int32).to_numpy(),
        edges["signal"].cast(pl.Int32).to_numpy(),
        edges["first_seen"].to_numpy().astype(np.int64),
        edges["last_seen"].to_numpy().astype(np.int64),
        hours.select(pl.col(name).cast(dtype) for name, dtype in ACTIVITY_COLUMNS.items()).sort(
            "account", "hour", "model"
        ),
    )


def _leave_forgotten(
    people: "DataFrame", forgotten: Callable[[pl.Series], pl.Series] | None
) -> tuple["DataFrame", int]:
    """Leave out forgotten accounts, which only this process can tell, and return how many there are."""
    if forgotten is None:
        return people, 0
    names = forgotten(collect(people.select("account_id").distinct())["account_id"]).to_list()
    return (people.where(~people["account_id"].isin(names)) if names else people), len(names)


def _number(work: Work, name: str, frame: "DataFrame", key: str, number: str) -> tuple["DataFrame", int]:
    """Give rows numbers from 0 in the order of `key`, and return them with how many there are.

    Rows are sorted in partitions; the number of a row is its place in its partition and the rows of those before.
    """
    from pyspark.sql import functions as F  # noqa: N812

    ordered = frame.orderBy(key).withColumn("id", F.monotonically_increasing_id())
    # Written before it is counted: were it computed again, partitions could be divided elsewhere.
    ordered = work.save(f"{name}-ordered", ordered)
    part, local = F.shiftright("id", _LOCAL_BITS), F.col("id").bitwiseAND(F.lit((1 << _LOCAL_BITS) - 1))
    sizes = sorted(ordered.groupBy(part.alias("part")).count().collect())
    before, offsets = 0, []
    for each in sizes:
        offsets.append((each["part"], before))
        before += each["count"]
    schema = "part bigint, before bigint"
    numbered = (
        ordered.withColumn("part", part)
        .join(F.broadcast(work.session.createDataFrame(offsets, schema)), "part")
        .withColumn(number, (local + F.col("before")).cast("int"))
    )
    return work.save(name, numbered.drop("part", "before", "id")), before


def _describe_values(uses: "DataFrame", networks: pl.DataFrame) -> "DataFrame":
    """Return the distinct signals with what rows state of them; of differing statements the latest counts."""
    from pyspark.sql import functions as F  # noqa: N812

    def latest(name: str) -> "Column":
        # The larger of two that are equally late: nulls, which state nothing, are left out.
        return F.max(F.when(F.col(name).isNotNull(), F.struct("at", name)))[name].alias(name)

    found = uses.groupBy("key").agg(
        F.min("kind").alias("kind"),
        # Of equal times the lower number counts.
        (-F.max(F.when(F.col("asn").isNotNull(), F.struct("at", (-F.col("asn")).alias("asn"))))["asn"]).alias(
            "asn"
        ),
        latest("bin"),
        latest("instrument_kind"),
        latest("issuer_country"),
        # The most words tell most of what the person wrote.
        F.min(F.when(F.col("words").isNotNull(), F.struct((-F.col("many")).alias("less"), "words")))[
            "words"
        ].alias("words"),
    )
    return found.mapInArrow(partial(intake.describe_signals, networks), intake.SIGNALS_SCHEMA)


def _place_values(values: "DataFrame", networks: pl.DataFrame) -> "DataFrame":
    """Return the signals with what contains them, and the class of their network."""
    from pyspark.sql import functions as F  # noqa: N812

    lowest = values.where("prefix is not null").groupBy("prefix").agg(F.min("asn").alias("lowest"))
    known = values.join(lowest, "prefix", "left").select("key", "kind", "prefix", "bin", "words", "lowest")
    schema = "key string, kind string, parent string, grandparent string, class string"
    return known.mapInArrow(partial(intake.place_signals, networks), schema)


def _merge_edges(uses: "DataFrame", signals: "DataFrame") -> "DataFrame":
    """Merge uses of one signal by one account into one edge; equal rows of the bundle are one."""
    from pyspark.sql import functions as F  # noqa: N812

    merged = (
        uses.dropDuplicates(["account", "key", "row", "place"])
        .groupBy("account", "key")
        .agg(
            F.min("first_seen").alias("first"),
            F.max("last_seen").alias("last"),
            F.sum("count").alias("count"),
        )
    )
    return merged.join(signals, "key").select(
        "account",
        "signal",
        F.coalesce("first", F.lit(-1)).alias("first_seen"),
        F.coalesce("last", F.lit(-1)).alias("last_seen"),
        "count",
    )


def _read_networks(table: "DataFrame | None") -> tuple[pl.DataFrame, dict[str, int]]:
    """Read the networks into this process: there are thousands, however many accounts. Return counts of rows, too."""
    if table is None:
        return pl.DataFrame(schema=NETWORKS), {}
    parts = [*intake.read_rows("networks", iter(table.toArrow().to_batches()))]
    if not parts:
        return pl.DataFrame(schema=NETWORKS), {}
    counts = pl.concat([lost for _, lost in parts]).group_by("key").agg(pl.col("count").sum())
    return merge_networks(pl.concat([good for good, _ in parts])), dict(counts.rows())


def _read_activity(work: Work, table: "DataFrame | None") -> "DataFrame":
    if table is None:
        return work.session.createDataFrame([], intake.ACTIVITY_SCHEMA)
    rows = work.save("activity-read", table.mapInArrow(intake.read_activity, intake.ACTIVITY_SCHEMA))
    summed = rows.where("account_id is not null").repartition("account_id")
    summed = summed.mapInArrow(intake.merge_activity, intake.ACTIVITY_SCHEMA)
    return summed.unionByName(rows.where("account_id is null"))


def _counts_of(frame: "DataFrame", which: str, key: str, count: str) -> "DataFrame":
    """Return the rows of a table that are counts, by the columns that hold them."""
    return frame.where(which).selectExpr(f"{key} as key", f"cast({count} as bigint) as count")


def _count_rows(*parts: "DataFrame") -> dict[str, int]:
    """Count rows read and rejected, by the keys of `intake.read_rows`."""
    from pyspark.sql import functions as F  # noqa: N812

    rows = [row for part in parts for row in part.groupBy("key").agg(F.sum("count").alias("sum")).collect()]
    return {row["key"]: row["sum"] for row in sorted(rows)}


def _check_rejected(counts: dict[str, int]) -> None:
    """Check that enough rows of each table meet the contract, as a load does by default.

    Raises:
        NothingLoaded: too few do.
    """
    for key, read in counts.items():
        if not key.endswith("/"):
            continue
        reasons = {name: count for name, count in counts.items() if name.startswith(key) and name != key}
        rejected = sum(reasons.values())
        if is_broken(rejected, read, MAX_REJECTED):
            reason = max(reasons, key=lambda name: (reasons[name], name)).removeprefix(key)
            raise NothingLoaded(
                f"The table {key[:-1]} keeps {read - rejected:,} of {read:,} rows. The commonest reason is {reason}.",
                "Correct the export. `graphsvc load --explain` shows how its rows are read.",
            )


def collect(frame: "DataFrame") -> pl.DataFrame:
    """Collect a table of Spark into this process."""
    return pl.DataFrame(pl.from_arrow(frame.toArrow()))
