"""Build one event for each identity of a run: what happened to it, the evidence, and a sentence."""

from typing import Any

import numpy as np
import polars as pl

from graphsvc.lineage.overlap import LEAST_BITS, Pairs, Rows, Side, select_distinctive
from graphsvc.model.arrays import sum_runs
from graphsvc.model.lineage import EVENTS
from graphsvc.signals.kinds import family_of

MOST = 0.5
"""Share of a part's accounts that must come from an identity, or go to it, for the part to belong to it."""
FEW, THIRD = 12, 1.0 / 3.0
"""A part of fewer accounts than `FEW` must be a third of the larger one. The smallest clusters, of eight to
ten accounts, come and go at the edge of a ring."""


def is_substantial(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return whether parts are large enough for a split or a merger.

    All parts that leave an identity in a run, or join one, count together. They must be at least as large as
    the square root of the other side, since chance fluctuations grow like that. A dozen of thousands of
    accounts now and then form a cluster of their own without any split.

    Args:
        part: accounts of the parts together.
        whole: accounts of the identity that they leave or join.
    """
    return (part * part >= whole) & ((part >= FEW) | (part >= THIRD * whole))


def measure_kinship(side: Side, pairs: pl.DataFrame) -> pl.Series:
    """Measure the signals, in bits, that both clusters of each pair use on one day.

    Accounts that split off have stopped using what the others use. Accounts that merge in did not use it
    before. Parts of one campaign share cards and templates on both days, even where one run separates them
    and the next joins them.

    Args:
        side: clusters of that day.
        pairs: one, other (row numbers of `side`, or null).

    Returns:
        Bits, float64, one a row of `pairs`; 0 where a side is null.
    """
    told = select_distinctive(side.signals)
    common = (
        pairs.with_row_index("pair")
        .join(told.rename({"row": "one"}), on="one")
        .join(told.rename({"row": "other"}), on=["other", "signal"], suffix="_other")
        .select("pair", "signal", bits=pl.min_horizontal("bits", "bits_other"))
        .sort("pair", "signal")
    )
    # `summed` adds in the order of rows, so that the result does not depend on the number of threads.
    bits = np.zeros(pairs.height)
    bits[common["pair"].unique(maintain_order=True).to_numpy()] = sum_runs(common, ["pair"], "bits")
    return pl.Series("kinship", bits)


def build_events(pairs: Pairs, before: Side, after: Side, identity: Rows, ids: list[str]) -> pl.DataFrame:
    """Build one event for each cluster and for each identity that ended.

    Args:
        pairs: overlaps of identities and clusters.
        before: identities of the previous run.
        after: clusters of this run.
        identity: row of the identity that each cluster carries on, -1 for none; int64, one a cluster.
        ids: lasting id of each cluster.

    Returns:
        Schema `EVENTS`, sorted by id, before, kind.
    """
    clusters = pl.DataFrame({"now": np.arange(len(ids)), "before": identity}, schema=_NUMBERS)
    carried = clusters.filter(pl.col("before") >= 0)
    fresh = clusters.filter(pl.col("before") < 0).select("now")
    # An active identity that no cluster carries on has ended. Dormant ones ended in an earlier run.
    resting = np.ones(len(before.ids), dtype=np.bool_)
    resting[carried["before"].to_numpy()] = False
    gone = pl.DataFrame({"before": np.flatnonzero(resting & before.active)}, schema={"before": pl.Int64})

    # For each new cluster find its main origin, and for each ended identity its main destination.
    sizes = pairs.rows.with_columns(
        size_before=pl.Series(before.sizes[pairs.rows["before"].to_numpy()]),
        size_now=pl.Series(after.sizes[pairs.rows["now"].to_numpy()]),
        active=pl.Series(before.active[pairs.rows["before"].to_numpy()]),
    )
    came = _select_main(
        sizes.filter(pl.col("active") & (pl.col("accounts") >= MOST * pl.col("size_now"))), "now", "before"
    )
    went = _select_main(sizes.filter(pl.col("accounts") >= MOST * pl.col("size_before")), "before", "now")
    # Parts that still share signals are one campaign, seen apart by chance: no split and no merger.
    strangers = pl.col("kinship") < LEAST_BITS
    born = fresh.join(came, on="now", how="left", maintain_order="left")
    rest = born.join(carried.select("before", other="now"), on="before", how="left", maintain_order="left")
    born = born.with_columns(measure_kinship(after, rest.select("other", one="now"))).with_columns(
        kind=pl.when(
            is_substantial(pl.col("accounts").sum().over("before"), pl.col("size_before")) & strangers
        )
        .then(pl.lit("split"))
        .otherwise(pl.lit("born"))
    )
    ended = gone.join(went, on="before", how="left", maintain_order="left")
    host = ended.join(carried.select("now", other="before"), on="now", how="left", maintain_order="left")
    ended = ended.with_columns(measure_kinship(before, host.select("other", one="before"))).with_columns(
        kind=pl.when(is_substantial(pl.col("accounts").sum().over("now"), pl.col("size_now")) & strangers)
        .then(pl.lit("merged"))
        .otherwise(pl.lit("dormant"))
    )
    # Carried identities get their kind in `_build_event`, which knows both sizes.
    told = pl.concat(
        [
            frame.select("now", "before", "kind", "kinship")
            for frame in (carried.with_columns(kind=pl.lit(""), kinship=pl.lit(0.0)), born, ended)
        ]
    )
    rows = (
        told.join(pairs.rows, on=["before", "now"], how="left")
        .join(_count_common_signals(pairs, told), on=["before", "now"], how="left")
        .with_columns(pl.col("accounts", "signals").fill_null(0), pl.col("bits", "overlap").fill_null(0.0))
        .with_columns(pl.col("families").fill_null([]))
    )
    said = [_build_event(row, before, after, ids) for row in rows.iter_rows(named=True)]
    return pl.DataFrame(said, schema=EVENTS).sort("id", "before", "kind")


_NUMBERS = {"now": pl.Int64, "before": pl.Int64}


def _select_main(pairs: pl.DataFrame, key: str, other: str) -> pl.DataFrame:
    """Select, for each `key`, the `other` with most accounts in common; ties go to the first."""
    ordered = pairs.filter(pl.col("accounts") > 0).sort(
        [key, "accounts", other], descending=[False, True, False]
    )
    return ordered.unique(key, keep="first", maintain_order=True)


def _count_common_signals(pairs: Pairs, told: pl.DataFrame) -> pl.DataFrame:
    """Count the signals that each pair has in common, and list their families."""
    common = pairs.signals.join(told, on=["before", "now"], how="semi")
    kinds = common["signal"].str.split(":").list.first()
    names = {kind: family_of(kind) for kind in kinds.unique().to_list()}
    return (
        common.with_columns(family=kinds.replace_strict(names, return_dtype=pl.String))
        .group_by("before", "now")
        .agg(signals=pl.len().cast(pl.Int64), families=pl.col("family").unique().sort())
    )


def _build_event(row: dict[str, Any], before: Side, after: Side, ids: list[str]) -> dict[str, Any]:
    """Build the event of one row."""
    was, now, kind = row["before"], row["now"], row["kind"]
    had = int(before.sizes[was]) if was is not None else 0
    # A dormant identity has no accounts now, even if `now` names the cluster where most of them went.
    has = int(after.sizes[now]) if now is not None and kind != "dormant" else 0
    if not kind:
        kind = "revived" if not before.active[was] else _describe_growth(had, has)
    origin = before.ids[was] if was is not None else None
    here = ids[now] if now is not None else None
    gone = kind == "dormant"
    return {
        "id": origin if gone else here,
        "before": origin,
        "into": here if gone else None,
        "kind": kind,
        "overlap": 0.0 if gone else row["overlap"],
        "accounts_in_common": 0 if gone else row["accounts"],
        "accounts_before": had,
        "accounts_now": has,
        "signals_in_common": 0 if gone else row["signals"],
        "families": [] if gone else row["families"],
        "bits": 0.0 if gone else row["bits"],
        "says": _write_sentence(kind, row, had, has, origin, here),
    }


def _describe_growth(had: int, has: int) -> str:
    """Return the kind of event for an identity that had and now has so many accounts."""
    return "grew" if has > had else "shrank" if has < had else "continued"


def _write_sentence(
    kind: str, row: dict[str, Any], had: int, has: int, origin: str | None, here: str | None
) -> str:
    """Write the sentence of an event."""
    both = row["accounts"]
    kin = row["kinship"] >= LEAST_BITS
    if kind == "born":
        why = (
            "with which it still shares signals: parts of one"
            if kin
            else f"too small a part of its {had:,} for a split"
        )
        come = f"; {both:,} of them come from {origin}, {why}" if origin else ""
        return f"New, with {has:,} accounts{come}."
    if kind == "split":
        return f"{both:,} of its {has:,} accounts come from {origin}, which had {had:,}."
    if kind == "merged":
        return f"{both:,} of the {had:,} accounts of {origin} are part of its {has:,} now."
    if kind == "dormant":
        if here:
            why = (
                "with which it shared signals before: parts of one"
                if kin
                else "too small a part of that for a merger"
            )
            return f"Not found: {both:,} of its {had:,} accounts are in {here}, {why}."
        return f"Not found: most of its {had:,} accounts are in no cluster, or in several."
    moved = (
        f"{has - both:,} came, {had - both:,} went"
        if has != both or had != both
        else "nobody came, nobody went"
    )
    shared = (
        f"; {row['signals']:,} signals in common ({', '.join(row['families'])})" if row["signals"] else ""
    )
    change = f"{has:,} accounts as before" if had == has else f"from {had:,} to {has:,} accounts"
    back = "Found again: " if kind == "revived" else ""
    said = f"{back}{change}: {moved}{shared}."
    return said[:1].upper() + said[1:]
