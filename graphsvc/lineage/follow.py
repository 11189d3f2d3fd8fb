"""Which cluster is the one of yesterday: identities that outlive growth, bans, replacement and dormancy.

Communities that change are usually followed by the Jaccard index of their members (Greene, Doyle & Cunningham 2010),
which breaks when a ring turns over. Here a cluster is like an identity by the share of the smaller one's accounts that
is in both (containment, so that growing and shrinking cost nothing) and, for the accounts that are not, by the rare
signals in both: who replaces every account keeps the cards, proxies and templates. Who carries an id on is an optimal
one-to-one assignment (Kuhn 1955), so that no id is given twice.
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphsvc.lineage.events import MOST, build_events
from graphsvc.lineage.overlap import Pairs, Rows, Side, compare_sides
from graphsvc.model.clusters import Found, cluster_id
from graphsvc.model.graph import SignalGraph
from graphsvc.model.lineage import ACTIVE, DORMANT, IDENTITIES, MEMBERS, MERGED, SIGNALS, Followed, Known

LEAST_OVERLAP = 0.5
"""Overlap an id needs to be carried on: most of the smaller of the two is in both, as accounts or as signals."""
RESTING = 0.5
"""How much what a dormant or merged identity would carry on counts against what an active one would: the id that people
look at gives way to one that comes back only where that one is larger by half."""
KEPT = 0.7
"""What an account's tenure is multiplied by in each run that finds its identity; who is a member then gains the rest to
1. Who has long been one says more about which cluster it is than who came with the last run, perhaps by a merger that
the next run undoes; and a ring that most of its accounts drop out of and come back to is itself."""
FORGOTTEN = 0.05
"""Tenure with which one who has left is no longer remembered: after nine runs, at most."""
SHARE = 0.25
"""Where most of a cluster comes from one active identity, another is carried on by it only if so much of the cluster
is its own: otherwise a few accounts that once were a cluster would name every part they happen to be in."""


def follow(found: Found, graph: SignalGraph, known: Known) -> Followed:
    """Gives each cluster its lasting id, and says what happened to every identity since the run before.

    Pure: the same input, in whatever order of rows, gives the same ids. In memory, day by day:

        known = Known.nothing()
        for graph in days:
            found, _ = find(graph, …)
            followed = follow(found, graph, known)
            known = followed.known      # for tomorrow; followed.found has the ids, followed.events what happened

    Args:
        found: what a run found; `clusters.id` are ids of content, as `detection.find` gives them.
        graph: what it was found in, for the ids of accounts.
        known: every identity published before.
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
    """What was found as it will be known tomorrow, under the ids it has now: all of it active."""
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
    """Rows of `pairs` in which the cluster may carry the identity on."""
    rows = pairs.rows.with_columns(
        size=pl.Series(after.sizes[pairs.rows["now"].to_numpy()]),
        active=pl.Series(before.active[pairs.rows["before"].to_numpy()]),
    )
    # Active identities have no account in common, so one at most has most of a cluster.
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
    """The identity (row) that each cluster carries on, −1 for none: as much as possible is carried on in all.

    What is carried counts by its square, so that an id rather stays with one large part than that two go to small ones.
    A component of the pairs is assigned by itself, which is the same and keeps thousands of clusters cheap.

    Args:
        pairs: before, now, carried; sorted by before, now.
        active: whether an identity is active, one each.
        clusters: how many there are.
    """
    identity = np.full(clusters, -1, dtype=np.int64)
    one, other = pairs["before"].to_numpy(), pairs["now"].to_numpy()
    worth = pairs["carried"].to_numpy() ** 2 * np.where(active[one], 1.0, RESTING)
    nodes = len(active) + clusters
    links = coo_array((np.ones(len(one)), (one, other + len(active))), shape=(nodes, nodes))
    _, component = connected_components(links, directed=False)
    order = np.argsort(component[one], kind="stable")
    borders = np.flatnonzero(np.diff(component[one][order])) + 1
    for rows in np.split(order, borders) if len(order) else []:
        before, left = np.unique(one[rows], return_inverse=True)
        now, right = np.unique(other[rows], return_inverse=True)
        table = np.zeros((len(before), len(now)))
        table[left, right] = worth[rows]
        chosen = linear_sum_assignment(table, maximize=True)
        taken = table[chosen] > 0.0
        identity[now[chosen[1][taken]]] = before[chosen[0][taken]]
    return identity


def _choose_ids(before: Side, after: Side, identity: Rows) -> list[str]:
    """The lasting id of each cluster: the one carried on, or one of its content that nobody has had."""
    taken = set(before.ids)
    whose = dict(
        after.members.group_by("row", maintain_order=True).agg("account").select("row", "account").iter_rows()
    )
    ids = []
    for number, row in enumerate(identity.tolist()):
        name = before.ids[row] if row >= 0 else after.ids[number]
        again = 0
        while row < 0 and name in taken:
            again += 1
            name = cluster_id([*whose[number], f"again {again}"])
        taken.add(name)
        ids.append(name)
    return ids


def _update_known(known: Known, now: Known, lasting: dict[str, str], events: pl.DataFrame) -> Known:
    """What is known after a run: what it found under lasting ids, and of all others what was known last."""

    def renamed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("id").replace_strict(lasting, return_dtype=pl.String))

    def others(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(~pl.col("id").is_in(list(lasting.values())))

    ended = events.filter(pl.col("kind").is_in([DORMANT, MERGED])).select(
        pl.col("before").alias("id"),
        ended="kind",
        into=pl.when(pl.col("kind") == MERGED).then("id").otherwise("into"),
    )
    rest = (
        others(known.identities)
        .join(ended, on="id", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("ended", "state").alias("state"),
            pl.coalesce("into", "merged_into").alias("merged_into"),
        )
        .select(list(IDENTITIES))
    )
    return Known(
        pl.concat([renamed(now.identities), rest]).sort("id"),
        pl.concat([_update_members(known.members, renamed(now.members)), others(known.members)]).sort(
            "id", "account"
        ),
        pl.concat([renamed(now.signals), others(known.signals)]).sort("id", "signal"),
    )


def _update_members(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Members of the identities in `now`, and who was one of them lately, with their tenure (schema `MEMBERS`)."""
    carried = before.join(now.select("id").unique(), on="id", how="semi")
    both = now.join(
        carried.select("id", "account", was="tenure"), on=["id", "account"], how="full", coalesce=True
    )
    fresh = both.join(carried.select("id").unique(), on="id", how="anti")
    rest = both.join(carried.select("id").unique(), on="id", how="semi").with_columns(
        pl.col("member").fill_null(value=False), pl.col("was").fill_null(0.0)
    )
    gained = pl.when("member").then(1.0 - KEPT).otherwise(0.0)
    kept = rest.with_columns(tenure=KEPT * pl.col("was") + gained).filter(
        pl.col("member") | (pl.col("tenure") >= FORGOTTEN)
    )
    return pl.concat([frame.select(list(MEMBERS)) for frame in (fresh, kept)])
