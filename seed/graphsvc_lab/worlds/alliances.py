"""Alliances: campaigns that use each other's cards, devices and addresses, from some day on or until some day.

Of the first a detector sees two clusters become one, of the second one fall apart. Frames have account rows
of `Everyone` in the column `account`, as tables do until they are finished. Rows are added, and none is
changed.
"""

import numpy as np
import polars as pl

from graphsvc_lab.worlds.clock import DAY, HOUR
from graphsvc_lab.worlds.members import Members
from graphsvc_lab.worlds.scenario import Alliances
from graphsvc_lab.worlds.streams import Ints
from graphsvc_lab.worlds.tables import Everyone, to_times

SETTLING = 2 * DAY
"""Within this time of the beginning those who use the ally's have begun, and of its end they have stopped."""
_SHARED = 2
"""Accounts of a campaign that use a value of its own pool, at the least."""
_PAIRS = {
    "kind": pl.String,
    "a": pl.Int64,
    "b": pl.Int64,
    "since": pl.Int64,
    "until": pl.Int64,
    "at": pl.Int64,
}


def create_empty() -> pl.DataFrame:
    """Return a table without pairs."""
    return pl.DataFrame(schema=_PAIRS)


def plan_alliances(
    rng: np.random.Generator, people: Everyone, alliances: Alliances, end: int
) -> pl.DataFrame:
    """Draw pairs of campaigns, and the days on which they begin or stop to use each other's values.

    Every campaign is in one pair at most. With too few campaigns of the right size there are fewer pairs,
    merges and splits in turn.

    Returns:
        A row a pair: `kind` (merge, split), `a` and `b` (parts of `people`), when they are allied (`since`,
            `until`), and `at`, the time of the event (seconds since 1970, at the beginning of a day of the
            replay).
    """
    kinds = ["merge", "split"] * max(alliances.merges, alliances.splits)
    wanted = {"merge": alliances.merges, "split": alliances.splits}
    low, high = alliances.size
    oldest = end - max(alliances.merged_days_ago[1], alliances.split_days_ago[1]) * DAY
    fit = [
        i
        for i, m in enumerate(people.parts)
        # Of the right size already at the earliest possible event, so that each pair fits each date.
        if m.campaign and low <= _count_alive(m, oldest) and len(m) <= high
    ]
    order = rng.permutation(np.array(fit, dtype=np.int64))
    rows = []
    for kind in kinds:
        if wanted[kind] == 0 or len(order) < 2:
            continue
        wanted[kind] -= 1
        # Each campaign in one pair only: otherwise events would overlap and could not be told apart.
        (a, b), order = order[:2], order[2:]
        ago = alliances.merged_days_ago if kind == "merge" else alliances.split_days_ago
        at = end - int(rng.integers(ago[0], ago[1] + 1)) * DAY
        both = max(int(people.parts[i].created.min()) for i in (a, b))
        rows.append(
            (kind, int(a), int(b), at if kind == "merge" else both, end if kind == "merge" else at, at)
        )
    return pl.DataFrame(rows, schema=_PAIRS, orient="row")


def build_events(pairs: pl.DataFrame, people: Everyone) -> pl.DataFrame:
    """Build the table `events`: kind (merge, split), campaign_id, other_id, at (UTC); sorted by time."""
    names = pl.Series([m.name for m in people.parts], dtype=pl.String)
    return pairs.select(
        "kind",
        campaign_id=names.gather(pairs["a"]),
        other_id=names.gather(pairs["b"]),
        at=to_times(pairs["at"].to_numpy()),
    ).sort("at", "kind", "campaign_id")


def add_sessions(
    rng: np.random.Generator, pairs: pl.DataFrame, people: Everyone, alliances: Alliances, rows: pl.DataFrame
) -> pl.DataFrame:
    """Add sessions of accounts that used an ally's device at its address.

    These are addresses that some accounts of the ally use, with the device they use there.
    """
    what = ["ip", "asn", "device", "user_agent"]
    added = _build_uses(rng, pairs, people, alliances, rows, what, "ip", alliances.uses)
    if added.is_empty():
        return rows
    added = added.with_columns(requests=pl.Series(rng.integers(5, 40, added.height)))
    return pl.concat([rows, added.select(rows.columns)]).sort(
        "account", "first_seen", "ip", maintain_order=True
    )


def add_payments(
    rng: np.random.Generator, pairs: pl.DataFrame, people: Everyone, alliances: Alliances, rows: pl.DataFrame
) -> pl.DataFrame:
    """Add payments of accounts that paid with an ally's card."""
    what = ["instrument", "kind", "bin", "issuer_country"]
    added = _build_uses(rng, pairs, people, alliances, rows, what, "instrument", (1, 1))
    if added.is_empty():
        return rows
    added = added.with_columns(payments=pl.Series(rng.integers(1, 6, added.height)))
    return pl.concat([rows, added.select(rows.columns)])


def _build_uses(
    rng: np.random.Generator,
    pairs: pl.DataFrame,
    people: Everyone,
    alliances: Alliances,
    rows: pl.DataFrame,
    what: list[str],
    value: str,
    uses: tuple[int, int],
) -> pl.DataFrame:
    """Build uses of allies' values: account, `what`, first_seen, last_seen.

    No account has the same `what` twice.
    """
    parts = []
    for _, a, b, since, until, _ in pairs.iter_rows():
        for guest, host in ((a, b), (b, a)):
            pool = _find_pool(rows, people.place[host], what, value)
            who, begin, stop = _choose_allied(rng, people.parts[guest], since, until, alliances.members)
            who = np.repeat(who, rng.integers(uses[0], uses[1] + 1, len(who)))
            if len(who) and pool.height:
                # Whole rows of the host: address, device and program go together, as on one machine.
                chosen = pool[rng.integers(0, pool.height, len(who))]
                parts.append(
                    chosen.with_columns(
                        pl.Series("account", people.place[guest][who]),
                        to_times(begin[who]).alias("first_seen"),
                        to_times(stop[who]).alias("last_seen"),
                    )
                )
    if not parts:
        return rows.clear()
    return pl.concat(parts).unique(["account", *what], keep="first", maintain_order=True)


def _find_pool(rows: pl.DataFrame, place: Ints, what: list[str], value: str) -> pl.DataFrame:
    """Return the distinct `what` of a campaign, of values that at least two of its accounts use."""
    own = rows.filter(pl.col("account").is_in(pl.Series(place).implode()) & pl.col(value).is_not_null())
    return (
        # A value of one account only would link the guest to that account, not to the campaign.
        own.filter(pl.col("account").n_unique().over(value) >= _SHARED)
        .select(what)
        .unique(maintain_order=True)
    )


def _choose_allied(
    rng: np.random.Generator, members: Members, since: int, until: int, share: float
) -> tuple[Ints, Ints, Ints]:
    """Choose the members that use the ally's values, and the period when each member would."""
    settling = (SETTLING * rng.random((2, len(members)))).astype(np.int64)
    begin = np.maximum(members.created + HOUR, since + settling[0])
    # An hour before their end, so that a ban ends a use and not the other way round.
    stop = np.minimum(
        members.ended - HOUR, until - HOUR - (settling[1] if until < members.ended.max() else 0)
    )
    able = (stop - begin >= DAY) & (rng.random(len(members)) < share)
    return np.flatnonzero(able), begin, stop


def _count_alive(members: Members, at: int) -> int:
    return int(((members.created < at) & (members.ended > at)).sum())
