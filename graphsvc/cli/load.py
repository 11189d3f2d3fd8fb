"""`graphsvc load`: load a bundle into the graph."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import Stages
from graphsvc.cli.reading import Dates, Delimiter, Encoding, Map, Mapping, NullWords
from graphsvc.cli.settings import load_settings

if TYPE_CHECKING:
    from graphsvc.intake.options import ReadOptions
    from graphsvc.loading import LoadReport


def load_files(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder with the tables of a signals bundle, here or in an object store (s3://, gs://, az://)."
        ),
    ],
    again: Annotated[
        bool,
        typer.Option("--again", help="Write all rows again, even if this very bundle was loaded before."),
    ] = False,
    bulk: Annotated[
        bool,
        typer.Option(
            "--bulk",
            help="Import into the managed Neo4j while it is still empty: many times faster for a first, large bundle. "
            "The server is stopped for it and started again.",
        ),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Load nothing: show what would be read as what, what is ignored and missing, and five masked rows.",
        ),
    ] = False,
    write_mapping: Annotated[
        Path | None,
        typer.Option(
            "--write-mapping",
            metavar="FILE",
            help="Load nothing: as --explain, and write a mapping to start from, with guesses and how sure they are.",
        ),
    ] = None,
    max_rejected: Annotated[
        str,
        typer.Option(
            "--max-rejected",
            metavar="SHARE",
            help="Share of a table's rows that may be rejected, for example 20%. With more, nothing is loaded.",
        ),
    ] = "50%",
    column_map: Map = None,
    mapping: Mapping = None,
    null_word: NullWords = None,
    dates: Dates = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
) -> None:
    """Load a signals bundle into Neo4j.

    For example: `graphsvc load exports/`, or `graphsvc load --explain exports/` to see first what would be read.

    Rows with a faulty key or time go to a dead-letter file with their reason; the rest is loaded. An optional
    cell that cannot be read becomes null and is counted. E-mail addresses, phone numbers, instruments,
    devices, names and prompts are tokenised before they leave this process. An interrupted load continues
    where it stopped. Loading the same bundle twice changes nothing.

    Columns of another name are mapped: `graphsvc load exports/ --map created_at=signup_time`, or --mapping FILE.
    `graphsvc load exports/ --write-mapping mapping.toml` writes a mapping to start from.
    """
    from graphsvc.intake.acceptance import parse_share
    from graphsvc.intake.options import make_options
    from graphsvc.sources.mapping import build_map
    from graphsvc.sources.places import open_folder

    options = make_options(
        [*load_settings().null_words.split(","), *(null_word or [])], delimiter, encoding, dates,
        build_map(column_map or [], mapping),
    )  # fmt: skip
    share = parse_share(max_rejected)
    folder = open_folder(source)
    if not folder.is_dir():
        raise typer.BadParameter(f"There is no folder {source}.", param_hint="SOURCE")
    if explain or write_mapping:
        _explain(folder, options, write_mapping)
    elif bulk:
        # A bulk load writes into an empty database, where nothing can be written again.
        if again:
            raise typer.BadParameter(
                "--again writes into what is there, --bulk needs an empty database: use one of them."
            )
        _load_bulk(folder, options, share)
    else:
        _load_online(folder, options, share, again=again)


def _explain(folder: Path, options: "ReadOptions", target: Path | None) -> None:
    """Print what a folder would be read as; write a mapping to `target`."""
    from graphsvc.cli.explain import print_readings
    from graphsvc.files import write_atomically
    from graphsvc.intake.files import find_files
    from graphsvc.intake.schemas import SCHEMAS
    from graphsvc.sources.explain import explain_files, write_map

    files = find_files(folder, list(SCHEMAS), options.names, partial=True)
    readings = explain_files(files, options)
    print_readings(readings, files)
    if target is not None:
        write_atomically(target, write_map(readings, folder.name), mode=0o644)
        typer.echo(f"Mapping written to {target}: read it through, then load with --mapping {target}.")


def _load_bulk(folder: Path, options: "ReadOptions", share: float) -> None:
    from graphsvc.loading import estimate_memory
    from graphsvc.loading.bulk import load_bulk
    from graphsvc.signals.tokens import load_or_create_key

    tokens = load_or_create_key(load_settings())
    with Stages() as stages:
        stages.print_line(f"loading takes {estimate_memory(folder, options)}")
        # Without an open store: the import needs the server stopped, and stops it itself.
        report = load_bulk(
            load_settings(),
            folder,
            tokens,
            say=stages.print_line,
            progress=stages.update_stage,
            options=options,
            max_rejected=share,
        )
    print_report(report)


def _load_online(folder: Path, options: "ReadOptions", share: float, *, again: bool) -> None:
    from graphsvc.database import open_store
    from graphsvc.loading import estimate_memory, load_bundle
    from graphsvc.signals.tokens import load_or_create_key
    from graphsvc.signing import load_or_create_signer

    with Stages() as stages, open_store(load_settings(), stages.print_line) as store:
        stages.print_line(f"loading takes {estimate_memory(folder, options)}")
        report = load_bundle(
            store,
            folder,
            load_or_create_key(load_settings()),
            load_settings().dead_letters_dir,
            again=again,
            progress=stages.update_stage,
            signer=load_or_create_signer(load_settings()),
            options=options,
            max_rejected=share,
        )
    print_report(report)


def print_report(report: "LoadReport") -> None:
    """Print the summary of a load on standard output."""
    from graphsvc.intake.acceptance import advise

    for table in report.tables:
        typer.echo(f"{table.table:<12} {table.read:>12,} rows read {table.rejected:>9,} rejected")
        if table.unknown_columns:
            typer.echo(f"{'':<12} ignored unknown columns: {', '.join(table.unknown_columns)}")
    for (table_name, reason), count in report.rejected.items():
        typer.echo(f"  rejected {count:>7,} of {table_name}: {reason}")
    for cell in report.cells:
        like = f", looks like {cell.shape!r}" if cell.shape else ""
        typer.echo(
            f"  null     {cell.count:>7,} of {cell.table}.{cell.column}: {cell.reason} "
            f"(first: row {cell.row:,} of {cell.file}{like}) {advise(cell.reason, cell.column)}".rstrip()
        )
    for note in report.notes:
        typer.echo(note)
    for hub in report.hubs:
        typer.echo(
            f"Suspicious {hub.kind} {hub.key}: {hub.holders:,} of {hub.accounts:,} accounts with one share it, and "
            f"{hub.coherent:.0%} of them share anything else that is rare. If it is a placeholder, pass --null-word."
        )
    if report.already_loaded:
        typer.echo("This very bundle was loaded before; nothing was written (--again writes it again).")
    else:
        typer.echo(
            f"Written: {', '.join(f'{count:,} {step}' for step, count in report.written.items() if count)}."
        )
    if report.edges:
        seconds = report.edge_seconds
        typer.echo(f"{report.edges:,} edges in {seconds:,.1f} s, {report.edges / seconds:,.0f} a second.")
    if report.dead_letters is not None:
        typer.echo(f"{sum(report.rejected.values()):,} dead letters: {report.dead_letters}")
