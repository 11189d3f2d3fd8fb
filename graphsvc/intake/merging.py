"""Merge the rows that say the same of an account, a network or an hour; texts are replaced by their bands."""

import polars as pl

from graphsvc.intake.signals import BANDED
from graphsvc.model.columns import ACCOUNTS, ACTIVITY, NETWORKS
from graphsvc.signals.prompts import compute_bands

_STATUSES = ("active", "closed", "suspended", "banned")  # where two rows differ, the later here counts


def replace_text(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Replace prompt text by its bands, and by a hash that tells rows apart in this process."""
    if table != "prompts":
        return rows
    texts = rows["text"].drop_nulls().unique()
    # Here, chunk by chunk: the texts themselves are the largest part of a bundle, and are dropped at once.
    found = compute_bands(texts).group_by("row").agg(pl.col("band").sort().str.join(" "))
    by_text = pl.DataFrame(
        {"text": texts.gather(found["row"]), BANDED: found["band"]},
        schema={"text": pl.String, BANDED: pl.String},
    )
    joined = rows.join(by_text, on="text", how="left", maintain_order="left")
    # Rows of different texts with equal bands are different uses, and must not be taken for repeated rows.
    return joined.with_columns(pl.col("text").hash())


def merge_accounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Merge rows of one account: the earliest creation, the latest status, the latest plan and country."""
    # A row that says when the status changed, but no status, states that the account is active again.
    stated = pl.when(pl.col("status_changed_at").is_not_null()).then(pl.lit("active"))
    rows = rows.select(*ACCOUNTS).cast({pl.Categorical: pl.String})
    rows = rows.with_columns(status=pl.coalesce("status", stated))
    # Only those: grouping all accounts would sort millions for a few.
    several = pl.col("account_id").is_duplicated()
    order = pl.col("status").cast(pl.Enum(_STATUSES))
    merged = (
        rows.filter(several)
        .sort("account_id", "status_changed_at", order, "created_at", "plan", "country")
        .group_by("account_id")
        .agg(
            pl.col("created_at").min(),
            pl.col("status").drop_nulls().last(),
            pl.col("status_changed_at").max(),
            pl.col("plan", "country").drop_nulls().last(),
        )
    )
    everyone = pl.concat([rows.filter(~several), merged.select(*ACCOUNTS)])
    return everyone.with_columns(pl.col("status").fill_null("active")).sort("account_id")


def merge_networks(rows: pl.DataFrame | None) -> pl.DataFrame:
    """Merge rows of one network (by CIDR) or autonomous system; of differing rows keep the one that says most."""
    if rows is None:
        return pl.DataFrame(schema=NETWORKS)
    rows = (
        rows.select(*NETWORKS)
        .cast({pl.Categorical: pl.String})
        .with_columns(which=pl.coalesce("cidr", pl.col("asn").cast(pl.String)))
    )
    # `unknown` last: a row that names a class says more.
    vague = pl.col("network_class") == "unknown"
    ordered = rows.sort("which", vague, "network_class", "asn", "name", "country", nulls_last=True)
    return ordered.unique("which", keep="first", maintain_order=True).select(*NETWORKS)


def sum_activity(rows: pl.DataFrame) -> pl.DataFrame:
    """Sum activity to one row an account, hour and model."""
    key = ["account_id", "hour", "model"]
    merged = rows.group_by(key).agg(pl.col("requests").sum())
    return merged.cast({pl.Categorical: pl.String}).sort(key).select(*ACTIVITY)
