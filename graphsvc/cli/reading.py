"""Options of commands that read tables: how their values are written."""

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
