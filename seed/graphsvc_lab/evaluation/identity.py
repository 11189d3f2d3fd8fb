"""Identities from day to day: whether campaigns keep one id, and whether mergers and splits are recorded in time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from graphsvc.model.columns import Schema
from graphsvc_lab.evaluation.rates import Rate

MOSTLY = 0.5
"""Share of a cluster that a campaign's accounts are for the cluster to be the campaign's: who opens it sees them."""
SOME = 8
"""Accounts of the campaign in it, at the least: as many as the smallest cluster that is published has."""
OVERLAPS: Schema = {
    "day": pl.Int64, "cluster_id": pl.String, "campaign_id": pl.String, "own": pl.Int64, "size": pl.Int64,
}  # fmt: skip
RECORDED: Schema = {
    "day": pl.Int64, "kind": pl.String, "id": pl.String, "before": pl.String, "into": pl.String,
}  # fmt: skip
"""Lineage events, as `model.lineage.EVENTS` has them, with their day."""
PLANNED: Schema = {"day": pl.Int64, "kind": pl.String, "campaign_id": pl.String, "other_id": pl.String}
KEPT: Schema = {
    "campaign_id": pl.String, "first_day": pl.Int64, "days": pl.Int64, "ids": pl.Int64, "changes": pl.Int64,
    "kept": pl.Boolean, "planned": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """The stability of ids. Campaigns found on one day only do not count.

    - `kept`: campaigns without a planned event whose main cluster has its first id on the last day, too.
    - `kept_all`: the same of all campaigns.
    - `steady`: those without a planned event whose main cluster had that id on every day.
    - `led`: those of them that kept it, or whose first id is recorded as part of the last. A reader of the
      first id is led
      to the whole campaign.
    - `swaps`: (id, campaign before, campaign after) of ids that moved to another campaign, except planned
      partners.
    - `campaigns`: schema `KEPT`, with the number of `ids` of its main cluster, and of `changes` from day to
      day.
    """

    kept: Rate
    kept_all: Rate
    steady: Rate
    led: Rate
    swaps: tuple[tuple[str, str, str], ...]
    campaigns: pl.DataFrame


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """A planned merger or split.

    `visible`: the clusters showed it, that is, they were apart before and joint after, or the reverse.
    `recorded`: the day of the record, or None.
    """

    kind: str
    day: int
    campaign_id: str
    other_id: str
    visible: bool
    recorded: int | None


@dataclass(frozen=True, slots=True)
class EventOutcomes:
    """Planned events with their records, and records without a planned event.

    `parts`: (day, kind, campaign) of unplanned records between clusters of one campaign. `strangers`: (day,
    kind, campaign or "", other campaign or "") of those between different ones, or with a side of no
    campaign.
    """

    planned: tuple[PlannedEvent, ...]
    parts: tuple[tuple[int, str, str], ...]
    strangers: tuple[tuple[int, str, str, str], ...]

    def count_recorded(self, kind: str | None = None, *, visible: bool = False) -> Rate:
        """Count planned events that were recorded.

        Args:
            kind: only this kind; None: all.
            visible: only events that could be seen.
        """
        asked = [h for h in self.planned if kind in (None, h.kind) and (h.visible or not visible)]
        return Rate(sum(h.recorded is not None for h in asked), len(asked))


def count_overlaps(day: int, members: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Count the accounts of campaigns in a day's clusters; one row a pair that meets, sorted.

    Args:
        day: number.
        members: account_id, cluster_id.
        truth: account_id, campaign_id (null: legitimate).

    Returns:
        Schema `OVERLAPS`.
    """
    sized = members.with_columns(size=pl.len().over("cluster_id"))
    return (
        sized.join(truth.drop_nulls("campaign_id"), on="account_id")
        .group_by("cluster_id", "campaign_id")
        .agg(own=pl.len(), size=pl.col("size").first())
        .with_columns(day=pl.lit(day))
        .select(pl.col(name).cast(dtype) for name, dtype in OVERLAPS.items())
        .sort("cluster_id", "campaign_id")
    )


def find_main_clusters(met: pl.DataFrame) -> pl.DataFrame:
    """Find each campaign's main cluster on each day.

    Of the clusters that are mostly the campaign's own, it is the one with most of its accounts.

    Args:
        met: `OVERLAPS` of all days.
    """
    # A cluster that is mostly others' does not lead an analyst to this campaign, even if all its accounts are
    # in it.
    own = met.filter((pl.col("own") >= MOSTLY * pl.col("size")) & (pl.col("own") >= SOME))
    # The id decides between equals, so that the result is the same on each machine.
    first = own.sort("day", "campaign_id", "own", "cluster_id", descending=[False, False, True, False])
    return first.unique(["day", "campaign_id"], keep="first", maintain_order=True)


def evaluate_identity(met: pl.DataFrame, recorded: pl.DataFrame, planned: pl.DataFrame) -> Identity:
    """Evaluate the stability of ids.

    Args:
        met: `OVERLAPS` of all days, clusters under their lasting ids.
        recorded: schema `RECORDED`.
        planned: schema `PLANNED`.
    """
    main = find_main_clusters(met)
    changed = pl.col("cluster_id") != pl.col("cluster_id").shift().over("campaign_id", order_by="day")
    partners = _map_partners(planned)
    campaigns = (
        main.with_columns(changed=changed.fill_null(value=False))
        .group_by("campaign_id")
        .agg(
            first_day=pl.col("day").min(),
            days=pl.len().cast(pl.Int64),
            ids=pl.col("cluster_id").n_unique().cast(pl.Int64),
            changes=pl.col("changed").sum().cast(pl.Int64),
            first=pl.col("cluster_id").sort_by("day").first(),
            last=pl.col("cluster_id").sort_by("day").last(),
        )
        # A campaign found on one day only cannot change its id.
        .filter(pl.col("days") > 1)
        .with_columns(
            kept=pl.col("first") == pl.col("last"), planned=pl.col("campaign_id").is_in(list(partners))
        )
        .sort("campaign_id")
    )
    # Planned mergers and splits must change ids; only the others are a fault.
    quiet = campaigns.filter(~pl.col("planned"))
    leads = _build_id_resolver(recorded)
    led = sum(
        one == last or leads(one) == leads(last) for one, last in quiet.select("first", "last").iter_rows()
    )
    return Identity(
        Rate(quiet.filter("kept").height, quiet.height),
        Rate(campaigns.filter("kept").height, campaigns.height),
        Rate(quiet.filter(pl.col("changes") == 0).height, quiet.height),
        Rate(led, quiet.height),
        tuple(_find_swaps(met, partners)),
        campaigns.select(*KEPT),
    )


def match_planned_events(
    met: pl.DataFrame, recorded: pl.DataFrame, planned: pl.DataFrame, *, within: int, window: int
) -> EventOutcomes:
    """Match planned mergers and splits with the recorded ones.

    A merger is recorded if the id of one goes into the other's within `within` days. A split is recorded if
    one of the two leaves their common cluster, or returns from it under an earlier id. It has `window` days
    more, because what both shared counts that long.

    Args:
        met: `OVERLAPS` of all days.
        recorded: schema `RECORDED`; kinds other than merged, split and revived are ignored.
        planned: schema `PLANNED`; events before the replay, on day 0, are ignored.
        within: days within which a record is in time.
        window: days for which a use counts after it was last seen; 0: for ever, so that no split can be seen.
    """
    planned = planned.filter(pl.col("day") > 0)
    # Small remainders of a campaign in another's cluster are noise, and would make each record fit each
    # event.
    met = met.filter((pl.col("own") >= SOME) | (pl.col("own") >= MOSTLY * pl.col("size")))
    records = list(_find_sides(met, recorded))
    used: set[int] = set()
    outcomes = []
    for day, kind, one, other in planned.select(*PLANNED).sort("day", "campaign_id").iter_rows():
        last = day + within + (window if kind == "split" else 0)
        hit = None
        for number, record in enumerate(records):
            # All fitting records are used up, since one event can take several steps; the first gives the
            # day.
            if record.kind == kind and day <= record.day <= last and record.is_between({one, other}):
                used.add(number)
                hit = record.day if hit is None else hit
        # A split is a merger seen backwards: what must be apart and what joint change places.
        before, after = met.filter(pl.col("day") < day), met.filter(pl.col("day").is_between(day, last))
        apart, joint = (before, after) if kind == "merge" else (after, before)
        visible = _is_apart(apart, one, other) and _has_common_cluster(joint, one, other)
        outcomes.append(PlannedEvent(kind, day, one, other, visible, hit))
    left = [record for number, record in enumerate(records) if number not in used and not record.back]
    return EventOutcomes(
        tuple(outcomes),
        tuple((r.day, r.kind, r.owner) for r in left if r.owner and r.owner == r.other),
        tuple((r.day, r.kind, r.owner, r.other) for r in left if not r.owner or r.owner != r.other),
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """A recorded merger or split with the campaigns on its two sides: all that are there, and whose it mostly is."""

    day: int
    kind: str
    sides: tuple[frozenset[str], frozenset[str]]
    owner: str
    other: str
    back: bool

    def is_between(self, pair: set[str]) -> bool:
        """Return whether the two of `pair` are on its sides: one on each, or both on one."""
        one, other = (side & pair for side in self.sides)
        return bool(one and other and one | other == pair)


def _find_sides(met: pl.DataFrame, recorded: pl.DataFrame) -> Iterable[_Record]:
    """Yield mergers and splits with the campaigns on their sides."""
    merged_into: dict[str, str] = {}
    told = recorded.select("day", "kind", "id", "before").sort("day", maintain_order=True)
    for day, kind, now, before in told.iter_rows():
        if kind == "merged":
            merged_into[before] = now
            # Both sides as of the day before: today the cluster that was merged is not there.
            yield _build_record(met, day, "merge", (before, day - 1), (now, day - 1), back=False)
        elif kind == "split":
            yield _build_record(met, day, "split", (now, day), (before, day - 1), back=False)
        # An id that comes back from a merger is a split from its host.
        elif kind == "revived" and now in merged_into:
            yield _build_record(met, day, "split", (now, day), (merged_into.pop(now), day - 1), back=True)


def _build_record(
    met: pl.DataFrame, day: int, kind: str, left: tuple[str, int], right: tuple[str, int], *, back: bool
) -> _Record:
    found = [_list_campaigns(met, cluster, until) for cluster, until in (left, right)]
    owners = [next(iter(side), "") for side in found]
    return _Record(day, kind, (frozenset(found[0]), frozenset(found[1])), owners[0], owners[1], back)


def _list_campaigns(met: pl.DataFrame, cluster: str, until: int) -> list[str]:
    """List campaigns in a cluster on its last day up to `until`, most accounts first."""
    rows = met.filter((pl.col("cluster_id") == cluster) & (pl.col("day") <= until))
    last = rows.filter(pl.col("day") == pl.col("day").max())
    return last.sort("own", "campaign_id", descending=[True, False])["campaign_id"].to_list()


def _has_common_cluster(met: pl.DataFrame, one: str, other: str) -> bool:
    """Return whether one cluster held some of both on the last days."""
    mine, theirs = _select_recent(met, one), _select_recent(met, other)
    return mine.join(theirs, on=["day", "cluster_id"], how="semi").height > 0


def _is_apart(met: pl.DataFrame, one: str, other: str) -> bool:
    """Return whether both were found on the last days, in no common cluster."""
    mine, theirs = _select_recent(met, one), _select_recent(met, other)
    return mine.height > 0 and theirs.height > 0 and not _has_common_cluster(met, one, other)


def _select_recent(met: pl.DataFrame, campaign: str) -> pl.DataFrame:
    # Three days, since a cluster near a threshold may be missing on a single one.
    return met.filter((pl.col("campaign_id") == campaign) & (pl.col("day") > pl.col("day").max() - 3))


def _build_id_resolver(recorded: pl.DataFrame) -> Callable[[str], str]:
    """Build a function that follows an id through mergers to the identity that it is part of at the end."""
    part_of: dict[str, str] = {}
    told = recorded.sort("day", maintain_order=True).select("kind", "id", "before", "into")
    for kind, now, before, into in told.iter_rows():
        if kind == "merged":
            part_of[before] = now
        elif kind == "dormant" and into is not None:
            part_of[now] = into
        # It is an identity of its own again, so its id leads to itself.
        elif kind == "revived":
            part_of.pop(now, None)

    def resolve_id(cluster: str) -> str:
        passed = {cluster}
        # Records can form a cycle: an id merges into another, which later merges into it.
        while (cluster := part_of.get(cluster, cluster)) not in passed:
            passed.add(cluster)
        return cluster

    return resolve_id


def _map_partners(planned: pl.DataFrame) -> dict[str, str]:
    pairs = planned.select("campaign_id", "other_id").rows()
    return {**dict(pairs), **{other: one for one, other in pairs}}


def _find_swaps(met: pl.DataFrame, partners: dict[str, str]) -> Iterable[tuple[str, str, str]]:
    """Yield ids that were mostly one campaign's on one day and another's on a later one."""
    # More than half, so that at most one campaign can have the id on a day.
    mostly = met.filter(pl.col("own") * 2 > pl.col("size")).sort("cluster_id", "day")
    before = mostly.with_columns(was=pl.col("campaign_id").shift().over("cluster_id"))
    for cluster, was, now in (
        before.filter(pl.col("was") != pl.col("campaign_id"))
        .select("cluster_id", "was", "campaign_id")
        .iter_rows()
    ):
        if partners.get(was) != now:
            yield cluster, was, now
