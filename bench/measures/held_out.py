"""Calibration on campaigns held out, and what framing does to its victims."""

from typing import Any

import polars as pl

from bench.measures.table import TEST
from bench.trials import Name, Trials, say

CALIBRATION = tuple(name for name in TEST if not name.startswith(("quiet", "framing")))
FRAMING = ("framing:26:60000",)
BEFORE = "demo"
"""The scenario that framing extends: the same world without it."""


def calibration(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a world: Brier score and reliability table of memberships; null where nothing was found."""
    rows = []
    for name in worlds:
        trial = trials.published(name)
        rows.append({"world": str(name), "calibration": trial.figures["calibration"], "load": trial.load})
    return rows


def framing(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a world: victims flagged in it, and the same accounts in the same world without framing."""
    rows = []
    for name in worlds:
        framed = trials.world(name)
        victims = framed.truth.filter(pl.col("decoy") == "framed")["account_id"]
        others = framed.truth.filter(pl.col("campaign_id").is_null() & (pl.col("decoy").ne_missing("framed")))
        after = trials.published(name, framed)
        del framed
        plain = trials.world(Name(BEFORE, name.seed, name.accounts))
        before = trials.ours(plain, method="without framing")
        honest = plain.truth.filter(pl.col("campaign_id").is_null())["account_id"]
        if strangers := victims.len() - victims.is_in(honest.implode()).sum():
            raise ValueError(f"{name}: {strangers} victims are not honest accounts of {plain.name}")
        row = {
            "world": str(name),
            "victims": _flagged(after.members, victims),
            "victims_unframed": _flagged(before.members, victims),
            "others": _flagged(after.members, others["account_id"]),
            "others_unframed": _flagged(before.members, others["account_id"]),
            "recall": after.figures["recall"],
            "recall_unframed": before.figures["recall"],
            "load": after.load,
        }
        say(f"{name}: {row['victims']['hits']} of {victims.len()} victims flagged")
        rows.append(row)
    return rows


def _flagged(members: pl.DataFrame, accounts: pl.Series) -> dict[str, Any]:
    hits = int(accounts.is_in(members["account_id"].implode()).sum())
    return {"hits": hits, "of": accounts.len(), "rate": hits / accounts.len() if accounts.len() else None}
