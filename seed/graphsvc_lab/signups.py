"""Make up sign-ups at the door of a world: a campaign's replacement, a student of a campus, a new customer."""

from pathlib import Path
from typing import Any

import polars as pl

from graphsvc_lab.evaluation.truth import read_truth

STOPPED = ("banned", "suspended")
EMAILS = "freemail.example"


def make_signups(world: Path) -> list[dict[str, Any]]:
    """Make three sign-ups out of the tables of a world, in the fields of `POST /v1/score`.

    The first replaces a stopped account of the largest campaign: it pays with the card of that account, comes from an
    address that only members use, and sends a prompt of theirs. The second comes from the address that most accounts of
    a campus share, with a device of its own. The third has nothing in common with anyone. All names are new.

    Args:
        world: directory of a seeded world with Parquet tables and its truth.

    Returns:
        `account_id` and what each sign-up shows.
    """
    truth = read_truth(world / "truth.parquet")
    accounts, payments, sessions, prompts = (
        pl.read_parquet(world / f"{table}.parquet")
        for table in ("accounts", "payments", "sessions", "prompts")
    )
    sizes = truth.drop_nulls("campaign_id")["campaign_id"].value_counts(sort=True)
    campaign = (
        truth.filter(pl.col("campaign_id") == sizes["campaign_id"][0]).select("account_id").sort("account_id")
    )
    campus = truth.filter(pl.col("decoy") == "campus").select("account_id")
    stopped = accounts.filter(pl.col("status").is_in(STOPPED)).select("account_id")
    card = _most_used(payments.join(campaign, on="account_id").join(stopped, on="account_id"), "instrument")
    return [
        {
            "account_id": "replacement",
            "email": f"r7x2k9@{EMAILS}",
            "instrument": card,
            "signup_ip": _most_used(_used_by_none_but(sessions, campaign, "ip"), "ip"),
            "text": _most_used(_used_by_none_but(prompts, campaign, "text"), "text"),
        },
        {
            "account_id": "student",
            "email": f"first.semester@{EMAILS}",
            "signup_ip": _most_used(sessions.join(campus, on="account_id"), "ip"),
            "signup_device": "device-of-a-student",
        },
        {
            "account_id": "customer",
            "email": f"new.customer@{EMAILS}",
            "instrument": "pi_ofnooneelse1",
            # Reserved for documentation (RFC 5737), so no account of any world has it.
            "signup_ip": "198.51.100.23",
            "signup_device": "device-of-a-customer",
        },
    ]


def _used_by_none_but(rows: pl.DataFrame, accounts: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the rows whose value only these accounts have."""
    others = rows.join(accounts, on="account_id", how="anti").select(column)
    return rows.join(accounts, on="account_id", how="semi").join(others, on=column, how="anti")


def _most_used(rows: pl.DataFrame, column: str) -> str | None:
    """Return the value that most accounts have; of several the first in order; None where there is none."""
    counted = rows.drop_nulls(column).group_by(column).agg(accounts=pl.col("account_id").n_unique())
    best = counted.sort(["accounts", column], descending=[True, False])
    return None if best.is_empty() else str(best[column][0])
