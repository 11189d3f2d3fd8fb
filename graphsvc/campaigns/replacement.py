"""Measure whether clusters make new accounts after bans."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.traits import STOPPED
from graphsvc.model.columns import Schema

HOUR = 3_600_000
WITHIN_HOURS = 72
"""Hours after a ban within which a new account counts as a replacement."""
BURST = 10 * 60_000
"""Milliseconds. Closer sign-ups of a cluster are one event: a burst is one decision, however many accounts it
makes."""
WITNESSES = 3.0
"""Largest number of sign-ups that count for one wave of bans. Around one ban a growing team shows little,
however fast it grows."""
HONEST_GROUPS = 20.0
"""Concentration of the beta distribution of an honest group's share of sign-ups after bans, around one half."""
DOING = 0.4
"""Presumed share of campaigns that replace their banned accounts. A cluster seen not to do so loses 0.7 bits
at most."""
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
    """Measure whether clusters make new accounts after bans.

    The function compares two counts of sign-ups. The first are those within 72 hours after a ban of a member,
    but not before one. The second are those within 72 hours before a ban, but not after one. A burst counts
    once. Both windows cover the same time, because each gap between two bans gives a part to each. A cluster
    that grows evenly, or a busy week, has as many of both. The bits compare any share above one half after
    bans (beta-binomial) with an honest group's.

    Args:
        members: cluster, account (int32), in any order.
        accounts: created_at, status, status_changed_at (ms, -1 = not known); a row an account.

    Returns:
        Schema `REPLACES`, sorted by cluster; clusters without a ban have no row. `after`, `before`: sign-ups
        in those windows. `rate`: sign-ups after bans beyond those before, for each ban, 0–1. It is a lower
        bound, since a burst counts once. `median_delay_hours`: from the latest ban to each sign-up after it,
        NaN if there is none.
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
    """Measure one cluster, from its bans and its sign-ups (both ms, sorted)."""
    reach = WITHIN_HOURS * HOUR
    # Only the first sign-up of a burst is an event.
    event = np.diff(born, prepend=born[:1] - BURST - 1) > BURST
    earlier = np.searchsorted(bans, born, "left")
    follows = earlier > np.searchsorted(bans, born - reach, "left")
    precedes = np.searchsorted(bans, born + reach, "right") > np.searchsorted(bans, born, "right")
    after, before = follows & ~precedes & event, precedes & ~follows & event
    # More sign-ups than `WITNESSES` a wave are scaled down to that, with their share unchanged.
    k, n = float(after.sum()), float(after.sum() + before.sum())
    waves = 1 + int((np.diff(bans) > reach).sum())
    worth = min(1.0, WITNESSES * waves / max(n, 1.0))
    delays = (born - bans[np.maximum(earlier - 1, 0)])[follows & event] / HOUR
    return {
        "after": int(after.sum()),
        "before": int(before.sum()),
        "rate": float(np.clip((after.sum() - before.sum()) / len(bans), 0.0, 1.0)),
        "median_delay_hours": float(np.median(delays)) if len(delays) else float("nan"),
        # A mixture: a campaign that does not replace its banned looks like an honest group.
        "bits": min(
            float(np.logaddexp2(np.log2(1.0 - DOING), np.log2(DOING) + _score_share(worth * k, worth * n))),
            MOST_BITS,
        ),
    }


def _score_share(k: float, n: float) -> float:
    """Return the bits of k of n under any share above one half, against an honest group's share around one half."""
    # Integrals over the share as sums over a grid, in logarithms.
    grid = (np.arange(200) + 0.5) / 200.0
    likelihood = k * np.log(grid) + (n - k) * np.log1p(-grid)
    honest = (HONEST_GROUPS / 2.0 - 1.0) * (np.log(grid) + np.log1p(-grid))
    honest -= np.logaddexp.reduce(honest)
    above = likelihood[grid > 0.5]
    one = np.logaddexp.reduce(above) - np.log(len(above))
    return float((one - np.logaddexp.reduce(likelihood + honest)) / np.log(2.0))
