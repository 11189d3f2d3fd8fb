"""Measure how a campaign lives on: how long accounts last, how many banned ones return, how soon, and with what."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.replacement import HOUR, WITHIN_HOURS
from graphsvc.campaigns.sentences import FAMILIES
from graphsvc.campaigns.traits import STOPPED
from graphsvc.model.columns import Schema
from graphsvc.model.graph import SignalGraph

DAY = 24 * HOUR
TAKEN_BITS = 1.0
"""Bits from which a family counts as taken over in a pair."""
SHOWN = 3
"""Families that a sentence names at most."""

CAMPAIGNS: Schema = {
    "cluster": pl.Int32,
    "size": pl.Int64,
    "stopped": pl.Int64,
    "pairs": pl.Int64,
    "by_chance": pl.Float64,
    "rate": pl.Float64,
    "outside": pl.Int64,
    "delay_hours": pl.Float64,
    "delay_low": pl.Float64,
    "delay_high": pl.Float64,
    "half_life_days": pl.Float64,
    "half_life_at_pace": pl.Float64,
    "families": pl.List(pl.String),
    "family_shares": pl.List(pl.Float64),
    "wave_at": pl.List(pl.Int64),
    "wave_stopped": pl.List(pl.Int64),
    "wave_followed": pl.List(pl.Int64),
    "says": pl.String,
}
"""Replacement of a cluster's banned accounts.

`stopped`: members banned or suspended. `pairs`: of these, how many probably have a successor. `by_chance`:
expected number of wrong pairs. `rate`: the other pairs for each stopped account, 0–1; NaN if none was
stopped. It is a lower bound, because a successor that takes over nothing is not seen. `outside`: successors
outside the cluster.

Delays run from ban to sign-up, in hours: median and quartiles, NaN without pairs. `half_life_days`: from
sign-up to ban, NaN if more than half of the accounts last. `half_life_at_pace`: days until half are banned if
bans continue at this pace (log 2 by bans a day and account), NaN if none was banned.

`family_shares`: share of pairs that took the family over, parallel to `families`, largest first. Waves of
bans are more than 72 hours apart: `wave_at` (first ban, ms), its bans, and those with a successor."""


def measure_turnover(pairs: pl.DataFrame, members: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    """Measure how each cluster replaces its banned accounts.

    Args:
        pairs: schema `successions.PAIRS`; only the probable ones count.
        members: cluster, account (int32).
        graph: accounts with status and times, and when each was last seen.

    Returns:
        Schema `CAMPAIGNS`, a row a cluster, sorted.
    """
    created = graph.accounts["created_at"].to_numpy()
    changed = graph.accounts["status_changed_at"].to_numpy()
    banned = graph.accounts["status"].is_in(STOPPED).to_numpy() & (changed >= 0)
    # The newest moment in the data stands for now. An account without a status change has lasted until then.
    newest = max(int(times.max(initial=-1)) for times in (created, changed, graph.last_seen))
    until = np.where(changed >= 0, changed, newest)
    probable = {
        number: group
        for (number,), group in pairs.filter("probable").partition_by("cluster", as_dict=True).items()
    }
    rows = []
    for (number,), group in sorted(members.partition_by("cluster", as_dict=True).items()):
        who = group["account"].to_numpy()
        known = who[created[who] >= 0]
        # A status change dated before the sign-up counts as no time.
        days = np.maximum(until[known] - created[known], 0) / DAY
        bans = int(banned[known].sum())
        pace = float(np.log(2.0) * days.sum() / bans) if bans else float("nan")
        followed = probable.get(number, pairs.clear())
        row: dict[str, Any] = {"cluster": number, "size": len(who), "half_life_at_pace": pace}
        row["half_life_days"] = estimate_half_life(days, banned[known])
        row |= _measure_replaced(followed, int(banned[who].sum()))
        row |= _count_waves(who[banned[who]], changed, followed)
        rows.append({**row, "says": _write_sentence(row)})
    return pl.DataFrame(rows, schema=CAMPAIGNS)


def estimate_half_life(days: NDArray[np.float64], ended: NDArray[np.bool_]) -> float:
    """Estimate the days until half of the accounts have ended (Kaplan & Meier 1958); NaN if more than half last.

    Args:
        days: from each account's start to its end, or to when it was last known to exist; float64.
        ended: whether it ended then; bool.
    """
    moments, at = np.unique(days, return_inverse=True)
    ends = np.bincount(at, ended, minlength=len(moments))
    leaving = np.bincount(at, minlength=len(moments))
    # Accounts at risk at each moment: those that have not left before it.
    there = leaving[::-1].cumsum()[::-1]
    lasting = np.cumprod(1.0 - ends / np.maximum(there, 1))
    half = np.flatnonzero(lasting <= 0.5 + 1e-12)  # the product of fractions can miss 0.5 by its last digit
    return float(moments[half[0]]) if len(half) else float("nan")


def _measure_replaced(followed: pl.DataFrame, stopped: int) -> dict[str, Any]:
    """Measure the followed accounts of one cluster: counts, rate, delays and families taken over."""
    count = followed.height
    right = float(followed["probability"].to_numpy().sum())
    delays = followed["delay_hours"].to_numpy()
    low, median, high = np.quantile(delays, (0.25, 0.5, 0.75)) if count else (np.nan,) * 3
    taken: dict[str, int] = {}
    for names, bits in followed.select("parts", "part_bits").iter_rows():
        # Families come first in `parts`. The moment and later parts are no values.
        for name, weight in zip(names[: names.index("moment")], bits, strict=False):
            taken[name] = taken.get(name, 0) + (weight >= TAKEN_BITS)
    shares = sorted(((-n / count, name) for name, n in taken.items() if n))
    return {
        "stopped": stopped,
        "pairs": count,
        "by_chance": count - right,
        "rate": right / stopped if stopped else float("nan"),
        "outside": int((~followed["inside"]).sum()),
        "delay_hours": float(median),
        "delay_low": float(low),
        "delay_high": float(high),
        "families": [name for _, name in shares],
        "family_shares": [-share for share, _ in shares],
    }


def _count_waves(
    banned: NDArray[np.int32], changed: NDArray[np.int64], followed: pl.DataFrame
) -> dict[str, list[int]]:
    """Count the bans of each wave, and those with a successor."""
    moments = np.sort(changed[banned])
    # A wave begins with a ban more than 72 hours after the one before.
    first = np.diff(moments, prepend=moments[:1] - (WITHIN_HOURS * HOUR + 1)) > WITHIN_HOURS * HOUR
    begins = moments[first]
    replaced = np.searchsorted(begins, changed[followed["predecessor"].to_numpy()], "right") - 1
    return {
        "wave_at": begins.tolist(),
        "wave_stopped": np.bincount(np.cumsum(first) - 1, minlength=len(begins)).tolist(),
        "wave_followed": np.bincount(replaced, minlength=len(begins)).tolist(),
    }


def _write_sentence(row: dict[str, Any]) -> str:
    """Write the sentence of a cluster."""
    if not row["stopped"]:
        return "none of its accounts was banned"
    waves = len(row["wave_at"])
    said = [
        f"{row['stopped']:,} of {row['size']:,} accounts were banned in {waves} wave{'s' if waves != 1 else ''}"
    ]
    if row["pairs"]:
        said.append(
            f"{row['pairs']:,} of them probably came back "
            f"({row['by_chance']:.0f} of these by chance: {row['rate']:.0%} replaced)"
        )
        said.append(
            f"half of those within {row['delay_hours']:.0f} hours "
            f"(quartiles {row['delay_low']:.0f} to {row['delay_high']:.0f})"
        )
        taken = list(zip(row["families"], row["family_shares"], strict=True))[:SHOWN]
        words = [f"{FAMILIES.get(name, name.replace('_', ' '))} in {share:.0%}" for name, share in taken]
        if words:
            said.append(f"with the same {', '.join(words)}")
    else:
        said.append("none of them is seen to come back")
    if not np.isnan(row["half_life_days"]):
        said.append(f"half of its accounts last {row['half_life_days']:.0f} days")
    elif not np.isnan(row["half_life_at_pace"]):
        said.append(f"at this pace half of its accounts would last {row['half_life_at_pace']:,.0f} days")
    return "; ".join(said)
