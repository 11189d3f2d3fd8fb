"""Match the clusters of a run with the identities of earlier runs, through growth, bans, replacement and dormancy.

Changing communities are usually matched by the Jaccard index of their members (Greene, Doyle & Cunningham
2010). That fails when a ring replaces its accounts. Here the match uses two shares. The first is the share of
the smaller side's accounts that are in both. Growing and shrinking cost nothing by it. The second is the
share of rare signals: a ring that replaces every account keeps its cards, proxies and templates. An optimal
one-to-one assignment (Kuhn 1955) decides which cluster carries an id on, so that no id is given twice.
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.lineage.events import MOST, build_events
from graphsvc.lineage.overlap import Pairs, Rows, Side, compare_sides
from graphsvc.model.arrays import label_components
from graphsvc.model.clusters import Found, cluster_id
from graphsvc.model.graph import SignalGraph
from graphsvc.model.lineage import ACTIVE, DORMANT, IDENTITIES, MEMBERS, MERGED, SIGNALS, Followed, Known

LEAST_OVERLAP = 0.5
"""Overlap that a cluster needs to carry an id on: most of the smaller side is in both, as accounts or as
signals."""
RESTING = 0.5
"""Weight of a dormant or merged identity against an active one. People work with the active id. A returning
id replaces it only if that is larger by half."""
KEPT = 0.7
"""Factor of an account's tenure in each run that finds its identity. A current member then gains the rest to
1. A long-standing member identifies a cluster better than one that came with the last run, perhaps by a
merger that the next run reverses. A ring whose accounts drop out and come back keeps its id."""
FORGOTTEN = 0.05
"""Tenure below which a former member is forgotten: after nine runs, at most."""
SHARE = 0.25
"""Share of a cluster that another identity must hold where most of the cluster comes from one active
identity. Otherwise a few accounts that once formed a cluster would rename every part they happen to be in."""


def follow(found: Found, graph: SignalGraph, known: Known) -> Followed:
    """Give each cluster its lasting id, and describe what happened to every identity since the previous run.

    Pure: the same input, in any order of rows, gives the same ids. In memory, day by day:

        known = Known.create_empty()
        for graph in days:
            found, _ = find(graph, …)
            followed = follow(found, graph, known)
            known = followed.known  # input of the next day

    Args:
        found: result of a run; `clusters.id` are ids of content, as `detection.find` gives them.
        graph: its input, for the ids of accounts.
        known: every identity published before.

    Returns:
        `found` under lasting ids, what is known for the next run, and the events.
    """
    now = build_known(found, graph)
    before, after = Side.from_known(known), Side.from_known(now)
    pairs = compare_sides(before, after)
    identity = assign_identities(find_eligible_pairs(pairs, before, after), before.active, len(after.ids))
    ids = _choose_ids(before, after, identity)
    events = build_events(pairs, before, after, identity, ids)
    lasting = dict(zip(after.ids, ids, strict=True))
    renamed = found.clusters.with_columns(id=pl.col("id").replace_strict(lasting, return_dtype=pl.String))
    return Followed(replace(found, clusters=renamed), _update_known(known, now, lasting, events), events)


def build_known(found: Found, graph: SignalGraph) -> Known:
    """Build what the next run will know of `found`, under the ids it has now. All of it is active."""
    ids = found.clusters["id"]
    return Known(
        found.clusters.select(
            "id", "size", state=pl.lit(ACTIVE), merged_into=pl.lit(None, dtype=pl.String)
        ).select(list(IDENTITIES)),
        pl.DataFrame(
            {
                "id": ids.gather(found.members["cluster"]),
                "account": graph.accounts["id"].gather(found.members["account"]),
            }
        ).select("id", "account", tenure=pl.lit(1.0), member=pl.lit(value=True)),
        pl.DataFrame(
            {
                "id": ids.gather(found.shared["cluster"]),
                "signal": found.keys.gather(found.shared["signal"]),
                "bits": found.shared["bits"],
            },
            schema=SIGNALS,
        ),
    )


def find_eligible_pairs(pairs: Pairs, before: Side, after: Side) -> pl.DataFrame:
    """Select the rows of `pairs` whose cluster may carry the identity on, sorted by before, now."""
    rows = pairs.rows.with_columns(
        size=pl.Series(after.sizes[pairs.rows["now"].to_numpy()]),
        active=pl.Series(before.active[pairs.rows["before"].to_numpy()]),
    )
    # Active identities have no account in common, so at most one has most of a cluster.
    main = rows.filter(pl.col("active") & (pl.col("accounts") > MOST * pl.col("size")))
    return (
        rows.join(main.select("now", main="before"), on="now", how="left")
        .filter(
            (pl.col("overlap") >= LEAST_OVERLAP)
            & (
                pl.col("main").is_null()
                | (pl.col("main") == pl.col("before"))
                | (pl.col("accounts") >= SHARE * pl.col("size"))
            )
        )
        .sort("before", "now")
    )


def assign_identities(pairs: pl.DataFrame, active: NDArray[np.bool_], clusters: int) -> Rows:
    """Assign identities to clusters so that the total weight carried on is largest.

    The weight is the square of `carried`, so that an id stays with one large part rather than two ids with
    small ones. Each connected component of the pairs is solved alone. The result is the same, and thousands
    of clusters stay cheap.

    Args:
        pairs: before, now, carried; sorted by before, now.
        active: whether each identity is active; bool.
        clusters: number of clusters.

    Returns:
        Row of the identity that each cluster carries on, −1 for none; int64, shape (clusters,).
    """
    # Imported here: SciPy's optimizers take long to import, and few processes come to this.
    from scipy.optimize import linear_sum_assignment

    identity = np.full(clusters, -1, dtype=np.int64)
    one, other = pairs["before"].to_numpy(), pairs["now"].to_numpy()
    worth = pairs["carried"].to_numpy() ** 2 * np.where(active[one], 1.0, RESTING)
    nodes = len(active) + clusters
    component = label_components(nodes, one, other + len(active))
    order = np.argsort(component[one], kind="stable")
    borders = np.flatnonzero(np.diff(component[one][order])) + 1
    for rows in np.split(order, borders) if len(order) else []:
        before, left = np.unique(one[rows], return_inverse=True)
        now, right = np.unique(other[rows], return_inverse=True)
        table = np.zeros((len(before), len(now)))
        table[left, right] = worth[rows]
        chosen = linear_sum_assignment(table, maximize=True)
        # The solver fills every row; a pair of weight 0 has nothing in common.
        taken = table[chosen] > 0.0
        identity[now[chosen[1][taken]]] = before[chosen[0][taken]]
    return identity


def _choose_ids(before: Side, after: Side, identity: Rows) -> list[str]:
    """Return the lasting id of each cluster: the one carried on, or a new one derived from its content."""
    taken = set(before.ids)
    whose = dict(
        after.members.group_by("row", maintain_order=True).agg("account").select("row", "account").iter_rows()
    )
    ids = []
    for number, row in enumerate(identity.tolist()):
        name = before.ids[row] if row >= 0 else after.ids[number]
        # A cluster of the same content may have had this id before. Derive the next one until it is free.
        again = 0
        while row < 0 and name in taken:
            again += 1
            name = cluster_id([*whose[number], f"again {again}"])
        taken.add(name)
        ids.append(name)
    return ids


def _update_known(known: Known, now: Known, lasting: dict[str, str], events: pl.DataFrame) -> Known:
    """Build what is known after a run: its clusters under lasting ids, and the last state of all others."""

    def rename(frame: pl.DataFrame) -> pl.DataFrame:
        """Replace ids of content by lasting ids."""
        return frame.with_columns(pl.col("id").replace_strict(lasting, return_dtype=pl.String))

    def select_others(frame: pl.DataFrame) -> pl.DataFrame:
        """Select what no cluster of this run carries on."""
        return frame.filter(~pl.col("id").is_in(list(lasting.values())))

    # An event `merged` is filed under the id of the host, `dormant` under the identity's own.
    ended = events.filter(pl.col("kind").is_in([DORMANT, MERGED])).select(
        pl.col("before").alias("id"),
        ended="kind",
        into=pl.when(pl.col("kind") == MERGED).then("id").otherwise("into"),
    )
    rest = (
        select_others(known.identities)
        .join(ended, on="id", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("ended", "state").alias("state"),
            pl.coalesce("into", "merged_into").alias("merged_into"),
        )
        .select(list(IDENTITIES))
    )
    return Known(
        pl.concat([rename(now.identities), rest]).sort("id"),
        pl.concat([_update_members(known.members, rename(now.members)), select_others(known.members)]).sort(
            "id", "account"
        ),
        pl.concat([rename(now.signals), select_others(known.signals)]).sort("id", "signal"),
    )


def _update_members(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Return members of the identities in `now` and their recent members, with tenure (schema `MEMBERS`)."""
    carried = before.join(now.select("id").unique(), on="id", how="semi")
    both = now.join(
        carried.select("id", "account", was="tenure"), on=["id", "account"], how="full", coalesce=True
    )
    fresh = both.join(carried.select("id").unique(), on="id", how="anti")
    rest = both.join(carried.select("id").unique(), on="id", how="semi").with_columns(
        pl.col("member").fill_null(value=False), pl.col("was").fill_null(0.0)
    )
    # An exponential moving average of presence: 1 for members of all runs, towards 0 for those that left.
    gained = pl.when("member").then(1.0 - KEPT).otherwise(0.0)
    kept = rest.with_columns(tenure=KEPT * pl.col("was") + gained).filter(
        pl.col("member") | (pl.col("tenure") >= FORGOTTEN)
    )
    return pl.concat([frame.select(list(MEMBERS)) for frame in (fresh, kept)])
