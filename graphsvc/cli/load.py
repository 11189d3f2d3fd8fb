"""`graphsvc load`: load a bundle into the graph."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphsvc.cli.progress import Stages
from graphsvc.cli.reading import Dates, Delimiter, Encoding, Map, Mapping, NullWords
from graphsvc.cli.settings import load_settings

if TYPE_CHECKING:
    from graphsvc.intake.options import ReadOptions
    from graphsvc.loading import LoadReport
    from graphsvc.sources.kafka import TopicSource
    from graphsvc.sources.places import SourceKind
    from graphsvc.sources.sql import SqlSource
    from graphsvc.store import Store


def load_files(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder with the tables of a signals bundle, here or in an object store (s3://, gs://, az://); a "
            "database (postgresql://, snowflake:// …) with --query-file; or a topic (kafka://broker:9092/topic)."
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
    query_file: Annotated[
        Path | None,
        typer.Option(
            "--query-file",
            metavar="FILE",
            help="Queries of a database, in TOML: which gives which table, and up to which mark it was read.",
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Load what is dropped into the folder until stopped, each file and each folder with _SUCCESS once.",
        ),
    ] = False,
    once: Annotated[
        bool,
        typer.Option("--once", help="With --watch or a topic: load what is there now, and stop."),
    ] = False,
    kafka_config: Annotated[
        Path | None,
        typer.Option(
            "--kafka-config",
            metavar="FILE",
            help="Settings of the Kafka client, a key=value a line, for example how to sign in.",
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

    A database is read by queries: `graphsvc load postgresql://reader@db/app --query-file queries.toml`. The next load
    reads what came since, by the mark that a query names. Passwords are read as the database's own tools read them.

    `graphsvc load --watch inbox/` loads what is dropped into a folder, `graphsvc load kafka://broker:9092/sessions` the
    JSON rows of a topic as they come. Both run until they are stopped, and continue where they were.
    """
    from graphsvc.intake.acceptance import parse_share
    from graphsvc.intake.options import make_options
    from graphsvc.sources.mapping import build_map
    from graphsvc.sources.places import SourceKind, find_kind, map_store_errors

    options = make_options(
        [*load_settings().null_words.split(","), *(null_word or [])],
        delimiter,
        encoding,
        dates,
        build_map(column_map or [], mapping),
    )
    kind = find_kind(source)
    _check_call(
        kind, again=again, bulk=bulk, watch=watch, once=once, query_file=query_file, kafka_config=kafka_config
    )
    call = Call(source, options, parse_share(max_rejected), again, once, query_file, kafka_config)
    with map_store_errors(source) if kind is SourceKind.OBJECTS else nullcontext():
        if explain or write_mapping:
            _explain(call, kind, write_mapping)
        elif bulk:
            _load_bulk(call)
        elif watch:
            _watch_folder(call)
        else:
            roads = {SourceKind.SQL: _load_queries, SourceKind.KAFKA: _load_topic}
            roads.get(kind, _load_folder)(call)


def _check_call(
    kind: "SourceKind", *, again: bool, bulk: bool, watch: bool, once: bool, query_file: Path | None,
    kafka_config: Path | None,
) -> None:  # fmt: skip
    """Check that options fit each other and the kind of the source."""
    from graphsvc.sources.places import SourceKind

    in_folder = kind in (SourceKind.FOLDER, SourceKind.OBJECTS)
    faults = {
        "--bulk needs an empty database and a folder, here or in an object store; no --again, no --watch.": bulk
        and (again or watch or not in_folder),
        "A database needs --query-file, and nothing else takes it.": (kind is SourceKind.SQL)
        is (query_file is None),
        "--watch takes a folder of this machine.": watch and kind is not SourceKind.FOLDER,
        "--once ends --watch or the reading of a topic.": once and not watch and kind is not SourceKind.KAFKA,
        "--again takes a folder or a database: messages and drops are loaded once.": again
        and (watch or kind is SourceKind.KAFKA),
        "--kafka-config takes a topic.": kafka_config is not None and kind is not SourceKind.KAFKA,
    }
    # The first fault alone: the others often follow from it.
    for what, faulty in faults.items():
        if faulty:
            raise typer.BadParameter(what)


@dataclass(frozen=True, slots=True)
class Call:
    """The call of a load, as a person made it."""

    source: str
    options: "ReadOptions"
    max_rejected: float
    again: bool
    once: bool
    query_file: Path | None
    kafka_config: Path | None

    def open_folder(self) -> Path:
        """Return the folder, here or in an object store."""
        from graphsvc.sources.places import has_folder, open_folder

        folder = open_folder(self.source)
        if not has_folder(folder, self.source):
            raise typer.BadParameter(f"There is no folder {self.source}.", param_hint="SOURCE")
        return folder

    def open_queries(self) -> "SqlSource":
        """Return the database with its queries."""
        from graphsvc.sources.queries import read_queries
        from graphsvc.sources.sql import SqlSource

        assert self.query_file is not None, "checked with the call"  # noqa: S101 - for the type checker
        return SqlSource(self.source, read_queries(self.query_file))

    def open_topic(self) -> "TopicSource":
        """Return the topic."""
        from graphsvc.sources.kafka import TopicSource, read_settings

        settings = read_settings(self.kafka_config) if self.kafka_config else {}
        return TopicSource(self.source, self.options.names, settings)


def _explain(call: Call, kind: "SourceKind", target: Path | None) -> None:
    """Print what a source would be read as; write a mapping to `target`."""
    from graphsvc.cli.explain import print_readings
    from graphsvc.files import write_atomically
    from graphsvc.intake.files import find_files
    from graphsvc.intake.schemas import SCHEMAS
    from graphsvc.sources.explain import SAMPLE, explain_files, write_map
    from graphsvc.sources.places import SourceKind, strip_secrets

    if kind is SourceKind.SQL:
        with call.open_queries() as source:
            files = source.list_tables({})
            readings = explain_files(files, call.options)
    elif kind is SourceKind.KAFKA:
        from graphsvc.sources.kafka import PATIENCE

        with call.open_topic() as topic:
            files = topic.list_tables(topic.read_batch(Event(), SAMPLE, PATIENCE, once=True), together=True)
        readings = explain_files(files, call.options)
    else:
        # A part of a bundle is explained too: it is what people have when they begin a mapping.
        files = find_files(call.open_folder(), list(SCHEMAS), call.options.names, partial=True)
        readings = explain_files(files, call.options)
    print_readings(readings, files)
    if target is not None:
        write_atomically(target, write_map(readings, strip_secrets(call.source)), mode=0o644)
        typer.echo(f"Mapping written to {target}: read it through, then load with --mapping {target}.")


def _load_bulk(call: Call) -> None:
    from graphsvc.loading import estimate_memory
    from graphsvc.loading.bulk import load_bulk
    from graphsvc.signals.tokens import load_or_create_key

    folder, tokens = call.open_folder(), load_or_create_key(load_settings())
    with Stages() as stages:
        stages.print_line(f"loading takes {estimate_memory(folder, call.options)}")
        # Without an open store: the import needs the server stopped, and stops it itself.
        report = load_bulk(
            load_settings(),
            folder,
            tokens,
            say=stages.print_line,
            progress=stages.update_stage,
            options=call.options,
            max_rejected=call.max_rejected,
        )
    print_report(report)


def _load_folder(call: Call) -> None:
    from graphsvc.loading import estimate_memory, load_bundle

    folder = call.open_folder()
    with Stages() as stages, _open(stages) as store:
        stages.print_line(f"loading takes {estimate_memory(folder, call.options)}")
        report = load_bundle(store, folder, **_list_arguments(call, stages), again=call.again)
    print_report(report)


def _load_queries(call: Call) -> None:
    from graphsvc.loading import load_queries

    source = call.open_queries()
    with Stages() as stages, _open(stages) as store:
        report = load_queries(store, source, **_list_arguments(call, stages), again=call.again)
    print_report(report)
    for table, mark in source.highest.items():
        typer.echo(f"{table} is read up to {mark.column} {mark.value}.")


def _watch_folder(call: Call) -> None:
    from graphsvc.errors import LoadError
    from graphsvc.loading.watching import watch_folder
    from graphsvc.sources.stopping import stop_on_signals

    folder = call.open_folder()
    with Stages() as stages, _open(stages) as store, stop_on_signals() as stopped:
        stages.print_line(f"watching {folder}; Ctrl-C or SIGTERM stops it after the load under way")
        arguments = _list_arguments(call, stages)
        watched = watch_folder(
            store,
            folder,
            stopped=stopped,
            once=call.once,
            say=stages.print_line,
            show=print_report,
            **arguments,
        )
    typer.echo(
        f"{len(watched.loaded):,} drops loaded, {len(watched.known):,} known from before, "
        f"{len(watched.failed):,} failed."
    )
    if watched.failed:
        raise LoadError(
            f"Not loaded: {', '.join(watched.failed[:5])}{' …' if len(watched.failed) > 5 else ''}.",
            "What was wrong is said above. Correct them, and they are loaded.",
        )


def _load_topic(call: Call) -> None:
    from graphsvc.loading.topics import load_topic
    from graphsvc.sources.stopping import stop_on_signals

    source = call.open_topic()
    with Stages() as stages, _open(stages) as store, stop_on_signals() as stopped:
        stages.print_line(f"reading {source.name}; Ctrl-C or SIGTERM stops it after the batch under way")
        arguments = _list_arguments(call, stages)
        # A topic has no end, and so no share of it that was read.
        del arguments["progress"]
        followed = load_topic(
            store, source, stopped=stopped, once=call.once, say=stages.print_line, **arguments
        )
    typer.echo(
        f"{followed.messages:,} messages in {followed.batches:,} batches, {followed.rejected:,} rejected."
    )
    if followed.rejected:
        typer.echo(f"Rejected rows: {load_settings().dead_letters_dir}")


def _open(stages: Stages) -> "Store":
    from graphsvc.database import open_store

    return open_store(load_settings(), stages.print_line)


def _list_arguments(call: Call, stages: Stages) -> dict[str, Any]:
    """List what all roads of a load take."""
    from graphsvc.signals.tokens import load_or_create_key
    from graphsvc.signing import load_or_create_signer

    here = load_settings()
    return {
        "tokens": load_or_create_key(here),
        "dead_letters_dir": here.dead_letters_dir,
        "progress": stages.update_stage,
        "signer": load_or_create_signer(here),
        "options": call.options,
        "max_rejected": call.max_rejected,
    }


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
    if report.already_loaded and not any(table.read for table in report.tables):
        typer.echo("Nothing new; nothing was written.")
    elif report.already_loaded:
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
