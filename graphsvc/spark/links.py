"""Find the pairs of accounts that share enough, on a cluster: the very pairs of `linkage.pairs.enumerate_links`.

Candidates come from a join of uses with themselves on their value, after the prefix filter. No value that more accounts
have than its kind's `hub_degree` makes pairs, so that no group of the join is larger than some twenty thousand rows.
What a pair shares is measured in the workers by `linkage.shared.Worth`, from integers: counts, numbers and times. So no
sum depends on how rows are divided. How close two sign-ups are is measured in this process, which has them all.
"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from graphsvc.linkage.bits import measure_strengths
from graphsvc.linkage.pairs import MEMORY, Pairs, decide_pairs, find_makers, least_bits, measure_links
from graphsvc.linkage.prefixes import PREFIX, RENTED
from graphsvc.linkage.rule import Reference
from graphsvc.linkage.shared import (
    CLOSE_BITS,
    Closeness,
    Worth,
    flag_families,
    measure_activity,
    measure_rarity,
    number_prompts,
)
from graphsvc.linkage.signals import Incidence, SignalTable
from graphsvc.linkage.transience import BRIEF_MS, is_usual
from graphsvc.model.arrays import flag_starts
from graphsvc.model.links import Links
from graphsvc.signals.kinds import family_of, level_of
from graphsvc.spark.intake import Batches, to_batches
from graphsvc.spark.population import Population, report_failures
from graphsvc.types import Floats, Ints, Progress, ignore_progress

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

STEPS = 4
"""Steps of `find_links`, for progress."""
QUANTILES = 1 << 10
"""Stretches of as many sign-ups each that tell which pairs may be close. Two that are close (`CLOSE_BITS`) have a 256th
of all sign-ups between them, at most: four stretches, and one more at either end."""
APART = (QUANTILES >> int(CLOSE_BITS)) + 2
VALUES_SCHEMA = (
    "value int, key string, kind string, parent string, users bigint, family int, rarity double, sole boolean"
)
USES_SCHEMA = (
    "account int, value int, family int, rarity double, sole boolean, prefix int, prompt bigint, make boolean"
)
PAIRS_SCHEMA = "source int, target int, values bigint, rarity double, sure boolean"
_OF_USE = ("family", "value", "rarity", "sole", "prefix", "prompt")


def find_links(
    population: Population,
    incidence: Incidence,
    *,
    min_values: int,
    memory: int = MEMORY,
    progress: Progress = ignore_progress,
) -> Links:
    """Find the links that `enumerate_links` finds, with the same bits.

    Args:
        population: the graph on the cluster.
        incidence: the same graph in this process.
        min_values: independent values that a pair must share.
        memory: bytes that sums of bits may take here on the way.
        progress: called with "links", steps done and all steps.

    Raises:
        SparkError: Spark failed.
    """
    created = incidence.graph.accounts["created_at"].to_numpy()
    with report_failures("finding links"):
        pairs = _find_pairs(population, created, incidence.signals.families, min_values, progress)
    return measure_links(incidence, pairs, memory)


def _find_pairs(
    population: Population, created: Ints, families: list[str], min_values: int, progress: Progress
) -> Pairs:
    """Find source, target and independent values of the pairs that share enough; sorted."""
    from pyspark.sql import functions as F  # noqa: N812

    work, accounts = population.work, len(created)
    kinds = population.signals.select(
        F.col("signal").alias("value"), "key", "kind", "parent", "class", F.lit(False).alias("shared")
    )
    edges = population.edges.select("account", F.col("signal").alias("value"), "first_seen", "last_seen")
    prefixes, in_prefixes = _derive_prefixes(population, edges)
    kinds, edges = kinds.unionByName(prefixes), edges.unionByName(in_prefixes)
    named = edges.join(kinds.select("value", "kind"), "value")
    brief = (
        (F.col("last_seen") - F.col("first_seen") < BRIEF_MS)
        & (F.col("first_seen") >= 0)
        & (F.col("last_seen") >= 0)
    )
    usual = _find_usual_kinds(named, brief)
    users = edges.groupBy("value").agg(F.count("*").alias("users"))
    several = kinds.where("not shared").join(users.where("users > 1"), "value")
    linking = several.mapInArrow(partial(describe_values, accounts, families), VALUES_SCHEMA)
    linking = work.save("linking", linking)
    progress("links", 1, STEPS)
    ends = linking.where(F.col("kind") == PREFIX).select(
        F.expr(f"substring(key, {len(PREFIX) + 2})").alias("parent"), F.col("value").alias("prefix")
    )
    # Only addresses are part of a prefix; a card's `parent` is its BIN, a name's its words.
    parent = F.when(F.col("kind") == "ip", F.col("parent"))
    linking = linking.withColumn("parent", parent).join(ends, "parent", "left")
    lasting = named.where(~(brief & ~F.col("kind").isin(usual))).drop("kind")
    uses = lasting.join(linking.drop("key", "parent"), "value")
    uses = uses.repartition("account").sortWithinPartitions("account", "family", "value")
    uses = work.save("shared-uses", uses.mapInArrow(partial(number_uses, min_values), USES_SCHEMA))
    progress("links", 2, STEPS)
    candidates = work.save("candidates", _pair_up(uses))
    progress("links", 3, STEPS)
    records, totals, having = _describe_accounts(named, uses, population, created, families)
    pairs = candidates
    for end in ("source", "target"):
        of_end = records.select(*(F.col(name).alias(f"{end}_{name}") for name in records.columns))
        pairs = pairs.join(of_end, F.col(end) == F.col(f"{end}_account"))
    columns = ["source", "target"] + [
        f"{end}_{name}" for end in ("source", "target") for name in ("uses", "counts", "stretch")
    ]
    measure = partial(measure_pairs, families, totals, having, min_values, least_bits(accounts, min_values))
    found = pairs.select(*columns).mapInArrow(measure, PAIRS_SCHEMA)
    frame = pl.DataFrame(pl.from_arrow(found.toArrow())).sort("source", "target")
    progress("links", STEPS, STEPS)
    source, target = (frame[name].cast(pl.Int32).to_numpy() for name in ("source", "target"))
    measured = (frame["values"].to_numpy(), frame["rarity"].to_numpy(), frame["sure"].to_numpy())
    enough, values = decide_pairs(Closeness(created), source, target, measured, min_values)
    return source[enough], target[enough], values


def _derive_prefixes(population: Population, edges: "DataFrame") -> tuple["DataFrame", "DataFrame"]:
    """Derive the prefixes of addresses and their uses, as `bits.with_levels` does.

    They have the numbers after all signals, in the order of their text, as there. `shared`: whether a prefix has an
    address where no servers are rented (`prefixes.find_rented`), so that it makes no link.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812

    addresses = population.signals.where((F.col("kind") == "ip") & (F.col("parent") != ""))
    shared = ~F.col("class").isin(*RENTED)
    prefixes = addresses.groupBy("parent").agg(F.max(shared).alias("shared"))
    # Prefixes are numbered in one partition: there are at most as many as networks that were seen.
    number = F.row_number().over(Window.orderBy("parent")) - 1 + population.counts["signals"]
    prefixes = prefixes.withColumn("prefix", number.cast("int"))
    prefixes = population.work.save("prefixes", prefixes)
    known = F.when(F.col("first_seen") >= 0, F.col("first_seen"))
    uses = (
        edges.join(addresses.select(F.col("signal").alias("value"), "parent"), "value")
        .join(prefixes, "parent")
        .groupBy("account", F.col("prefix").alias("value"))
        .agg(
            # A time that is not known comes last of all.
            F.coalesce(F.min(known), F.lit(-1)).alias("first_seen"),
            F.max("last_seen").alias("last_seen"),
        )
    )
    nothing = F.lit("")
    described = prefixes.select(
        F.col("prefix").alias("value"),
        F.concat(F.lit(f"{PREFIX}:"), "parent").alias("key"),
        F.lit(PREFIX).alias("kind"),
        nothing.alias("parent"),
        nothing.alias("class"),
        "shared",
    )
    return described, uses


def _find_usual_kinds(uses: "DataFrame", brief: "Column") -> list[str]:
    """Find the kinds whose uses are usually brief."""
    from pyspark.sql import functions as F  # noqa: N812

    rows = (
        uses.groupBy("kind")
        .agg(F.count("*").alias("all"), F.count(F.when(brief, 1)).alias("brief"))
        .collect()
    )
    usual = is_usual(
        np.array([row["brief"] for row in rows], np.int64), np.array([row["all"] for row in rows], np.int64)
    )
    return [row["kind"] for row, flag in zip(rows, usual, strict=True) if flag]


def _pair_up(uses: "DataFrame") -> "DataFrame":
    """Pair the accounts that share a value which makes pairs; each pair once, the smaller account first."""
    from pyspark.sql import functions as F  # noqa: N812

    makers = uses.where("make")
    one = makers.select("value", F.col("account").alias("source"))
    other = makers.select("value", F.col("account").alias("target"))
    return one.join(other, "value").where("source < target").select("source", "target").distinct()


def _describe_accounts(
    named: "DataFrame", uses: "DataFrame", population: Population, created: Ints, families: list[str]
) -> tuple["DataFrame", Floats, Ints]:
    """Describe each account by its linking uses, its values by family, and its stretch of sign-ups.

    Returns:
        account, uses (list), counts (list, one a family), stretch; and of all accounts the sums of `counts` (float64)
        and how many have any (int64), one a family.
    """
    from pyspark.sql import functions as F  # noqa: N812

    kinds = [row["kind"] for row in named.select("kind").distinct().collect()]
    fine = {kind: families.index(family_of(kind)) for kind in kinds if level_of(kind) == 0}

    def count(family: int) -> "Column":
        own = [kind for kind, of in fine.items() if of == family]
        return F.count(F.when(F.col("kind").isin(own), 1)).cast("int") if own else F.lit(0)

    counted = named.groupBy("account").agg(
        F.array(*(count(each) for each in range(len(families)))).alias("counts")
    )
    counted = population.work.save("value-counts", counted)
    sums = counted.select(
        *(F.sum(F.col("counts")[each]).alias(f"sum{each}") for each in range(len(families))),
        *(
            F.count(F.when(F.col("counts")[each] > 0, 1)).alias(f"having{each}")
            for each in range(len(families))
        ),
    ).collect()[0]
    totals = np.array([sums[f"sum{each}"] or 0 for each in range(len(families))], np.float64)
    having = np.array([sums[f"having{each}"] for each in range(len(families))], np.int64)
    # Times that are equal are in one stretch, however many there are.
    bounds = np.unique(np.sort(created)[:: max(len(created) // QUANTILES, 1)]).tolist()
    stretch = partial(find_stretches, np.array(bounds, np.int64))
    created_at = population.accounts.select("account", F.unix_millis("created_at").alias("at"))
    stretches = created_at.mapInArrow(stretch, "account int, stretch int")
    listed = uses.groupBy("account").agg(F.collect_list(F.struct(*_OF_USE)).alias("uses"))
    return listed.join(counted, "account").join(stretches, "account"), totals, having


def describe_values(accounts: int, families: list[str], batches: Batches) -> Batches:
    """Map signals with their users to those that can link: `VALUES_SCHEMA`.

    Args:
        accounts: number of all.
        families: names of all families, sorted.
        batches: value, key, kind, parent, class, users; of prefixes only those that no crowd shares.
    """
    for batch in batches:
        signals = pl.DataFrame(pl.from_arrow(batch))
        if signals.is_empty():
            continue
        users = signals["users"].to_numpy()
        table = SignalTable.of(signals, Reference.of_others(users, accounts))
        places = np.array([families.index(name) for name in table.families], np.int32)
        found = signals.select("value", "key", "kind", "parent", "users").with_columns(
            family=pl.Series(places[table.family]),
            rarity=pl.Series(measure_rarity(measure_strengths(table.kinds), users, accounts)),
            sole=pl.Series(table.sufficient),
        )
        yield from to_batches(found.filter(pl.Series(table.linking)))


def number_uses(min_values: int, batches: Batches) -> Batches:
    """Give prompts of accounts numbers, and select the uses that make pairs: `USES_SCHEMA`.

    Args:
        min_values: independent values that a pair must share.
        batches: account, value, first_seen, last_seen, kind, users, family, rarity, sole, prefix; sorted by account,
            family and value, all uses of an account in this partition.
    """
    frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in batches]
    if not frames:
        return
    uses = pl.concat(frames)
    if uses.is_empty():
        return
    account = uses["account"].to_numpy()
    bands = (uses["kind"] == "prompt").to_numpy()
    prompt = number_prompts(bands, account, uses["first_seen"].to_numpy(), uses["last_seen"].to_numpy())
    # Values in the order of families, as `find_makers` breaks ties.
    distinct, value = _rank_values(uses["family"].to_numpy(), uses["value"].to_numpy())
    users = np.zeros(len(distinct), np.int64)
    users[value] = uses["users"].to_numpy()
    place = (np.cumsum(flag_starts(account)) - 1).astype(np.int32)
    make = find_makers(users, place, value, prompt, min_values)
    found = uses.select("account", "value", "family", "rarity", "sole", pl.col("prefix").fill_null(-1))
    yield from to_batches(found.with_columns(prompt=pl.Series(prompt), make=pl.Series(make)))


def find_stretches(bounds: Ints, batches: Batches) -> Batches:
    """Map accounts to the stretch of sign-ups that each is in."""
    for batch in batches:
        at = batch.column("at").fill_null(-1).to_numpy(zero_copy_only=False)
        stretch = np.searchsorted(bounds, at, side="right").astype(np.int32)
        yield pa.RecordBatch.from_arrays(
            [batch.column("account"), pa.array(stretch)], names=["account", "stretch"]
        )


def measure_pairs(
    families: list[str], totals: Floats, having: Ints, min_values: int, least: float, batches: Batches
) -> Batches:
    """Measure what pairs share, and return those that are linked, or may be by the moment of their sign-ups.

    Args:
        families: names of all families, sorted.
        totals: (families,) float64, as `measure_activity` takes it.
        having: (families,) int64, likewise.
        min_values: independent values that a pair must share.
        least: bits that it must share.
        batches: source, target, and of either end `uses`, `counts` and `stretch`.
    """
    for batch in batches:
        if not batch.num_rows:
            continue
        values, rarity, sure = _measure_batch(families, totals, having, batch)
        apart = np.abs(_numbers(batch, "source_stretch") - _numbers(batch, "target_stretch"))
        may = (
            sure
            | ((values >= min_values) & (rarity >= least))
            | ((apart <= APART) & (values + 1 >= min_values))
        )
        found = pl.DataFrame(
            {
                "source": _numbers(batch, "source"),
                "target": _numbers(batch, "target"),
                "values": values,
                "rarity": rarity,
                "sure": sure,
            }
        )
        yield from to_batches(found.filter(pl.Series(may)))


def _measure_batch(
    families: list[str], totals: Floats, having: Ints, batch: pa.RecordBatch
) -> tuple[Ints, Floats, NDArray[np.bool_]]:
    """Measure the pairs of a batch by `Worth`, with accounts and values numbered among themselves."""
    pairs = batch.num_rows
    ends = [batch.column(f"{end}_uses") for end in ("source", "target")]
    account: Ints = np.concatenate(
        [
            np.repeat(np.arange(pairs, dtype=np.int64) + at * pairs, end.value_lengths())
            for at, end in enumerate(ends)
        ]
    )
    # `flatten` leaves out what a slice of a batch has before and after it.
    flat = [pl.DataFrame(pl.from_arrow(pa.Table.from_struct_array(end.flatten()))) for end in ends]
    uses = pl.concat(flat)
    first, value = _rank_values(uses["family"].to_numpy(), uses["value"].to_numpy())
    count = len(first)
    known = uses[first]
    by_value = pl.DataFrame({"prefix": known["value"], "place": np.arange(count)})
    prefix = known.select("prefix").join(by_value, on="prefix", how="left", maintain_order="left")["place"]
    order = np.lexsort((value, account))
    prompt = uses["prompt"].to_numpy()[order]
    whole: Ints = account * count + value
    bands = prompt >= 0
    counts = np.concatenate([_lists(batch, f"{end}_counts", len(families)) for end in ("source", "target")])
    worth = Worth(
        family=known["family"].to_numpy(),
        **flag_families(families),
        sole=known["sole"].to_numpy(),
        rarity=known["rarity"].to_numpy(),
        prefix=prefix.fill_null(-1).to_numpy(),
        key=whole[order][bands],
        number=prompt[bands],
        activity=measure_activity(counts.astype(np.float32), totals, having),
    )
    of_source, of_target = whole[account < pairs], whole[account >= pairs] - pairs * count
    pair, shared = np.divmod(np.intersect1d(of_source, of_target, assume_unique=True), count)
    source = np.arange(pairs, dtype=np.int32)
    return worth.measure(source, source + np.int32(pairs), pair, shared.astype(np.int32))


def _rank_values(family: NDArray[np.int32], value: NDArray[np.int32]) -> tuple[Ints, NDArray[np.int32]]:
    """Rank uses by family, then value: the first use of each distinct value, and the rank of each use."""
    code = (family.astype(np.int64) << 32) | value
    _, first, rank = np.unique(code, return_index=True, return_inverse=True)
    return first, rank.astype(np.int32)


def _numbers(batch: pa.RecordBatch, name: str) -> NDArray[np.int32]:
    found: NDArray[np.int32] = batch.column(name).to_numpy(zero_copy_only=False)
    return found


def _lists(batch: pa.RecordBatch, name: str, width: int) -> NDArray[np.int32]:
    found: NDArray[np.int32] = batch.column(name).flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return found
