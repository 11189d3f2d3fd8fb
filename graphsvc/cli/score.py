"""`graphsvc score`: score sign-ups against the published clusters."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.reading import Dates, Delimiter, Encoding, Map, Mapping, NullWords
from graphsvc.cli.settings import load_settings

if TYPE_CHECKING:
    import polars as pl


class Shape(StrEnum):
    """Form of the answer."""

    TABLE = "table"
    NDJSON = "ndjson"
    CSV = "csv"


def score_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="Table of sign-ups: .csv, .ndjson or .parquet, text also .gz. A row a sign-up.",
            exists=True,
            dir_okay=False,
        ),
    ],
    shape: Annotated[
        Shape,
        typer.Option("--format", help="Form of the answer: a table to read, or rows for other programs."),
    ] = Shape.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the answer to this file instead of standard output.")
    ] = None,
    challenge: Annotated[
        float | None,
        typer.Option(
            "--challenge-from",
            min=0.0,
            max=1.0,
            help="Membership of a campaign from which a sign-up is challenged; default "
            "GRAPHSVC_SCORE_CHALLENGE, 0.5.",
        ),
    ] = None,
    review: Annotated[
        float | None,
        typer.Option(
            "--review-from",
            min=0.0,
            max=1.0,
            help="Membership from which it is reviewed; default GRAPHSVC_SCORE_REVIEW, else the least that the "
            "run published within its false-positive budget.",
        ),
    ] = None,
    column_map: Map = None,
    mapping: Mapping = None,
    null_word: NullWords = None,
    dates: Dates = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
) -> None:
    """Score sign-ups against the clusters of the last run, and recommend allow, challenge or review.

    For example: `graphsvc score signups.csv`, with the columns

        account_id,created_at,email,signup_ip,signup_device,instrument

    Columns have the names of the bundle: account_id (any name of yours), created_at, email, phone, display_name,
    organization, signup_ip, signup_device, user_agent, instrument, bin, ip, asn, device, text, fingerprint, and
    `identifier.KIND` for any other identifier. Others are mapped: `--map email=mail`. All may be missing: the answer
    says what would tell more.

    Values are tokenised in memory and never stored. No database is needed, only what the last `graphsvc detect`
    of this installation left in GRAPHSVC_DATA_DIR.
    """
    import polars as pl

    from graphsvc.exchange.tables import write_bytes
    from graphsvc.intake.options import make_options
    from graphsvc.scoring.answers import Thresholds, score_signups
    from graphsvc.scoring.files import IndexFiles
    from graphsvc.scoring.signups import IDENTIFIER, list_signup_columns, read_signups
    from graphsvc.scoring.tables import ROWS, TABLE, describe_score, flatten_scores, list_labels, read_table
    from graphsvc.signals.tokens import load_or_create_key
    from graphsvc.sources.mapping import build_map

    here = load_settings()
    names = build_map(column_map or [], mapping, {TABLE: [*list_signup_columns(), IDENTIFIER]})
    words = [*here.null_words.split(","), *(null_word or [])]
    options = make_options(words, delimiter, encoding, dates, names)
    index = IndexFiles(here.score_dir).load()
    tokens = load_or_create_key(here)
    thresholds = Thresholds(
        here.score_challenge if challenge is None else challenge,
        here.score_review if review is None else review,
    )
    flat, lines, unknown, malformed = [pl.DataFrame(schema=ROWS)], [], set[str](), 0
    for frame, ignored, broken in read_table(file, options):
        unknown |= set(ignored)
        malformed += broken
        if not frame.height:
            continue
        scores = score_signups(index, read_signups(frame, tokens, options, kinds=index.families), thresholds)
        labels = list_labels(frame)
        if shape is Shape.NDJSON:
            lines += [
                json.dumps(describe_score(label, index.run, score))
                for label, score in zip(labels, scores, strict=True)
            ]
        flat.append(flatten_scores(labels, scores))
    rows = pl.concat(flat)
    content = _format_answer(rows, lines, shape)
    if out is not None:
        write_bytes(content, out)
    else:
        typer.echo(content.decode(), nl=False)
    for said in _summarise(rows, index.run, sorted(unknown), malformed):
        typer.echo(said, err=True)


def _format_answer(rows: "pl.DataFrame", lines: list[str], shape: Shape) -> bytes:
    """Return the answer in its form."""
    from graphsvc.exchange.tables import encode_csv

    if shape is Shape.NDJSON:
        return "".join(f"{line}\n" for line in lines).encode()
    if shape is Shape.CSV:
        return encode_csv(rows)
    text = [f"{'recommendation':<15}{'membership':>11}  {'cluster':<18}{'account':<26}reason\n"]
    for row in rows.iter_rows(named=True):
        membership = "" if row["membership"] is None else f"{row['membership']:.3f}"
        # A name of a sign-up is the caller's text: no control character of it reaches a terminal.
        label = "".join(each if each.isprintable() else "?" for each in row["account_id"] or "")[:24]
        text.append(
            f"{row['recommendation']:<15}{membership:>11}  {row['cluster'] or '':<18}{label:<26}{row['reason']}\n"
        )
    return "".join(text).encode()


def _summarise(rows: "pl.DataFrame", run: str, unknown: list[str], malformed: int) -> list[str]:
    """Return the sentences for standard error."""
    counts = dict(rows.group_by("recommendation").len().sort("recommendation").rows())
    named = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    said = [f"{rows.height:,} sign-ups scored against the run {run}: {named or 'none'}."]
    if unknown:
        said.append(f"Ignored unknown columns: {', '.join(unknown)}.")
    if malformed:
        said.append(f"{malformed:,} records could not be split into columns and were left out.")
    return said
