"""Options of commands that read tables: how their values are written."""

from pathlib import Path
from typing import Annotated

import typer

NullWords = Annotated[
    list[str] | None,
    typer.Option(
        "--null-word",
        metavar="WORD",
        help="A word that stands for nothing in this export, besides NULL, NaN, N/A, unknown and the like. "
        "Repeat it for more, or set GRAPHSVC_NULL_WORDS.",
    ),
]
Dates = Annotated[
    str | None,
    typer.Option(
        "--dates", metavar="ORDER", help="Order of dates such as 05/01/2024: day-first or month-first."
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter", metavar="CHARACTER", help="What separates columns in CSV, for example ';' or tab."
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="Encoding of text files, for example cp1252."),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=THEIRS",
        help="Read a column of the bundle from one of another name, for example created_at=signup_time, or "
        "accounts.created_at=signup_time for one table. Repeat it for more.",
    ),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping", metavar="FILE", help="Mapping of columns and tables, in TOML; --map goes before it."
    ),
]
