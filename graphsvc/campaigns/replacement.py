"""Whether a cluster makes new accounts after its bans."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.traits import STOPPED
from graphsvc.model.columns import Schema

HOUR = 3_600_000
WITHIN_HOURS = 72
"""A replacement is made within so many hours of the ban."""
BURST = 10 * 60_000
"""Sign-ups of a cluster closer than this are one event: a burst is one decision, however many accounts it makes."""
WITNESSES = 3.0
"""Sign-ups that count for each wave of bans at most: around one ban a team that grows shows little, however fast."""
HONEST_GROUPS = 20.0
"""How far honest groups' sign-ups are from even before and after bans: concentration of a beta distribution."""
DOING = 0.4
"""Share of campaigns presumed to replace their banned: not to be seen doing so costs 0.7 bits at most."""
MOST_BITS = 5.0

REPLACES: Schema = {
    "cluster": pl.Int32,
    "bans": pl.Int64,
    "after": pl.Int64,
    "before": pl.Int64,
    "rate": pl.Float64,
    "median_delay_hours": pl.Float64,
    "bits": pl.Float64,
    "says": pl.String,
}


def measure_replacement(members: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Whether clusters make new accounts after bans.

    Sign-ups of the cluster (a burst counts once) within 72 hours after a ban of a member, but not before one, against
    those within 72 hours before a ban, but not after one. Both cover the same time (of the gap between two bans one
    part each), so a cluster that grows evenly, or a busy week, has as many of both. Bits: a share of more than half
    after bans (any, beta-binomial) over an honest group's.

    Args:
        members: cluster, account (int32), in any order.
        accounts: created_at, status, status_changed_at (ms, -1 = not known); a row an account.

    Returns: schema `REPLACES`, sorted by cluster; clusters of which nobody was banned have no row. `after`, `before`:
    sign-ups in those times, bursts counted once; `rate`: sign-ups after bans beyond those before, for each ban, 0–1 (a
    lower bound: replacements made in a burst count once); `median_delay_hours`: from the latest ban to each sign-up
    after it, NaN where there is none.
    """
    created = accounts["created_at"].to_numpy()
    changed = accounts["status_changed_at"].to_numpy()
    banned = accounts["status"].is_in(STOPPED).to_numpy() & (changed >= 0)
    rows: list[dict[str, Any]] = []
    for (number,), group in sorted(members.partition_by("cluster", as_dict=True).items()):
        who = group["account"].to_numpy()
        if bans := int(banned[who].sum()):
            rows.append({
                "cluster": number,
                "bans": bans,
                **_measure_cluster(np.sort(changed[who][banned[who]]), np.sort(created[who][created[who] >= 0])),
            })  # fmt: skip
    says = pl.format(
        "{} accounts were banned; {} sign-ups or bursts of them came within 72 hours after a ban, {} before one",
        "bans",
        "after",
        "before",
    )
    schema = {name: kind for name, kind in REPLACES.items() if name != "says"}
    return pl.DataFrame(rows, schema=schema).with_columns(says=says)


def _measure_cluster(bans: NDArray[np.int64], born: NDArray[np.int64]) -> dict[str, float | int]:
    """The figures of one cluster from its bans and sign-ups, sorted."""
    reach = WITHIN_HOURS * HOUR
    event = np.diff(born, prepend=born[:1] - BURST - 1) > BURST
    earlier = np.searchsorted(bans, born, "left")
    follows = earlier > np.searchsorted(bans, born - reach, "left")
    precedes = np.searchsorted(bans, born + reach, "right") > np.searchsorted(bans, born, "right")
    after, before = follows & ~precedes & event, precedes & ~follows & event
    k, n = float(after.sum()), float(after.sum() + before.sum())
    waves = 1 + int((np.diff(bans) > reach).sum())
    worth = min(1.0, WITNESSES * waves / max(n, 1.0))
    delays = (born - bans[np.maximum(earlier - 1, 0)])[follows & event] / HOUR
    return {
        "after": int(after.sum()),
        "before": int(before.sum()),
        "rate": float(np.clip((after.sum() - before.sum()) / len(bans), 0.0, 1.0)),
        "median_delay_hours": float(np.median(delays)) if len(delays) else float("nan"),
        "bits": min(
            float(np.logaddexp2(np.log2(1.0 - DOING), np.log2(DOING) + _score_share(worth * k, worth * n))),
            MOST_BITS,
        ),
    }


def _score_share(k: float, n: float) -> float:
    """Bits of k of n under any share above one half, over an honest group's share around it."""
    grid = (np.arange(200) + 0.5) / 200.0
    likelihood = k * np.log(grid) + (n - k) * np.log1p(-grid)
    honest = (HONEST_GROUPS / 2.0 - 1.0) * (np.log(grid) + np.log1p(-grid))
    honest -= np.logaddexp.reduce(honest)
    above = likelihood[grid > 0.5]
    one = np.logaddexp.reduce(above) - np.log(len(above))
    return float((one - np.logaddexp.reduce(likelihood + honest)) / np.log(2.0))
