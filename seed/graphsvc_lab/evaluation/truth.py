"""Read a truth table. Only evaluation may do so."""

from pathlib import Path

import polars as pl

from graphsvc.errors import BundleError

COLUMNS = ("account_id", "campaign_id", "role", "decoy")


def read_truth(path: Path) -> pl.DataFrame:
    """Read a truth table; one row an account.

    Returns:
        account_id, campaign_id, role, decoy (text, null where not given).

    Raises:
        BundleError: the file cannot be read, or lacks `account_id` or `campaign_id`.
    """
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            table = pl.read_parquet(path)
        elif name.endswith(".csv"):
            table = pl.read_csv(path, infer_schema=False)
        else:
            table = pl.read_ndjson(path, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BundleError(
            f"The truth table {path} cannot be read ({type(error).__name__}).", "Give a bundle's truth table."
        ) from None
    if missing := [column for column in COLUMNS[:2] if column not in table.columns]:
        raise BundleError(f"{path} has no column {missing[0]}.", "Give a bundle's truth table.")
    optional = [pl.lit(None, dtype=pl.String).alias(c) for c in COLUMNS if c not in table.columns]
    table = table.with_columns(optional).select(pl.col(c).cast(pl.String) for c in COLUMNS)
    # An empty cell of a CSV is null; so is an empty text elsewhere.
    return table.with_columns(pl.col(c).replace("", None) for c in COLUMNS[1:]).unique(
        "account_id", keep="first", maintain_order=True
    )
