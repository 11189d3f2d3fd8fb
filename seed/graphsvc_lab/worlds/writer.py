"""Write tables to files. The same rows give the same bytes, for any number of threads."""

from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl

Format: TypeAlias = Literal["parquet", "csv", "ndjson"]
_ROW_GROUP = 131_072


def write_table(frame: pl.DataFrame, path: Path, form: Format) -> None:
    """Write one table. Times in text formats are ISO 8601 in UTC with a final Z.

    Raises:
        OSError: the file cannot be written.
    """
    if form == "parquet":
        frame.rechunk().write_parquet(
            path, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP
        )
        return
    times = pl.selectors.datetime()
    plain = frame.with_columns(times.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if form == "csv":
        plain.write_csv(path)
    else:
        plain.write_ndjson(path)
