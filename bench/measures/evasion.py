"""The price of evasion: what is still found as operators reuse less, and what that costs them."""

from typing import Any

import numpy as np
import polars as pl

from bench.trials import Name, Trials
from bench.worlds import World

WORLDS = ("hard:31:30000",)
DIALS = ("cards", "addresses", "devices", "prompts", "all")
REUSE = (1.0, 0.6, 0.35, 0.2, 0.1, 0.05)
LOST = 0.5
"""Recall below which campaigns have disappeared."""


def evasion(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a world, dial (a pool, or `all`) and reuse, with the operators' cost."""
    rows = []
    for name in worlds:
        for dial in DIALS:
            for share in REUSE:
                world = trials.dialled(name, {dial: share})
                trial = trials.ours(world, method=f"{dial} reused {share:.0%}")
                rows.append({**trial.row(), "dial": dial, "reuse": share, "cost": cost(world)})
    return rows


def cost(world: World) -> dict[str, float]:
    """Distinct cards, addresses and devices of campaigns for each of their accounts.

    Counted within each campaign, so that an address two campaigns borrow is paid for twice.
    """
    graph = world.graph
    truth = graph.accounts.select(account_id="id").join(
        world.truth.select("account_id", "campaign_id"), on="account_id", how="left", maintain_order="left"
    )
    campaign = truth["campaign_id"]
    kind = graph.signals["kind"]
    bad = campaign.is_not_null().to_numpy()[graph.account]
    used = pl.DataFrame(
        {
            "campaign": campaign.gather(graph.account[bad]),
            "signal": graph.signal[bad],
            "kind": kind.gather(graph.signal[bad]),
        }
    ).unique()
    counted = dict(used.group_by("kind").len().iter_rows())
    accounts = int(np.sum(campaign.is_not_null().to_numpy()))
    names = {"cards": "instrument", "addresses": "ip", "devices": "device"}
    return {name: counted.get(of, 0) / accounts if accounts else 0.0 for name, of in names.items()}
