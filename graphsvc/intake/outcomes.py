"""Outcomes as tables have them: of a bundle, or a file of their own."""

from pathlib import Path

import polars as pl

from graphsvc.errors import BundleError
from graphsvc.intake.files import FORMS, BundleFile, split_name
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.readers import read_chunks
from graphsvc.intake.schemas import list_columns
from graphsvc.intake.validation import Reading, check_columns, validate_chunk
from graphsvc.intake.values import mask_personal
from graphsvc.model.columns import DEAD_LETTERS, OUTCOMES
from graphsvc.model.outcomes import STATUSES, derive_id

TABLE = "outcomes"


def build_outcomes(rows: pl.DataFrame) -> pl.DataFrame:
    """Build outcomes (schema `OUTCOMES`), sorted by id, from rows of the table.

    Rows without an id get one from what they say. Of rows with one id the first in the order of all columns stays.
    """
    plain = rows.select(list(list_columns(TABLE))).cast({pl.Categorical: pl.String})
    # As the database keeps it, so that the id follows from what is kept.
    plain = plain.with_columns(pl.col("at").dt.truncate("1ms"))
    ids = [
        given or derive_id(account, kind, at, by)
        for given, account, kind, at, by in plain.select(
            "outcome_id", "account_id", "kind", "at", "by"
        ).iter_rows()
    ]
    statuses = {kind.value: status for kind, status in STATUSES.items()}
    return (
        plain.with_columns(
            id=pl.Series(ids, dtype=pl.String),
            status=pl.col("kind").replace_strict(statuses, return_dtype=pl.String),
            # People write them, and they are stored readable.
            reason=mask_personal(plain["reason"]),
        )
        .select(*OUTCOMES)
        .sort(*OUTCOMES)
        .unique("id", keep="first", maintain_order=True)
    )


def read_outcomes(path: Path, options: ReadOptions) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read a file of outcomes by the contract of the bundle's table.

    Args:
        path: a file whose ending is one of `intake.files.FORMS`; text may end in `.gz`, too.
        options: how it is written.

    Returns:
        Its outcomes (schema `OUTCOMES`), and its rejected rows (schema `DEAD_LETTERS`).

    Raises:
        BundleError: it is of another form, damaged, or lacks a column.
    """
    form = split_name(path)[1]
    if not form:
        raise BundleError(f"{path.name} is of no form that can be read.", f"Use one of {', '.join(FORMS)}.")
    file = BundleFile(TABLE, path, path.name, form, path.stat().st_size)
    reading, good, rejected = Reading(options), [], [pl.DataFrame(schema=DEAD_LETTERS)]
    count = 0
    for chunk in read_chunks(file, list(list_columns(TABLE)), options):
        if not file.is_json and not count:
            check_columns(file, chunk, some_rows=True)
        count += chunk.frame.height
        rows, letters = validate_chunk(file, chunk, reading)
        good.append(rows)
        rejected.append(letters)
    if file.is_json:
        check_columns(file, chunk, some_rows=count > 0)
    return build_outcomes(pl.concat(good)), pl.concat(rejected)
