"""All commands of `graphsvc`, in the order that a new user needs them."""

from typing import Annotated

import typer

from graphsvc.cli import (
    audit,
    backup,
    blast,
    decide,
    detect,
    export,
    forget,
    keys,
    lineage,
    load,
    neo4j,
    outcomes,
    retention,
    runs,
    schedule,
    schema,
    score,
    serve,
    succession,
    tokens,
    verify,
    webhooks,
    whatif,
)
from graphsvc.cli.lab import add_lab_command

app = typer.Typer(
    name="graphsvc",
    no_args_is_help=True,
    # Rich tracebacks can show local variables, which may hold passwords and personal data.
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Account linkage for trust-and-safety teams: finds accounts that one operator runs together,
explains why, and serves the clusters over GraphQL.

A first round: `graphsvc demo`. By hand: `graphsvc seed --accounts 20000 --seed 1 --out world`,
`graphsvc load world`, `graphsvc detect`, `graphsvc evaluate --truth world/truth.parquet`, `graphsvc serve`.

Settings are variables GRAPHSVC_…; an empty one is unset. A secret can be in a file, as GRAPHSVC_NEO4J_PASSWORD_FILE
names it. Without GRAPHSVC_NEO4J_URI a managed local Neo4j is used and started when needed.

Exit status: 0 all of it worked, 1 a failure named on standard error, 2 a wrong call or setting, 130 it was stopped.""",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"graphsvc {version('graphsvc')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    pass


add_lab_command(app, "demo")
add_lab_command(app, "seed")
app.command("load")(load.load_files)
app.command("detect")(detect.detect_clusters)
add_lab_command(app, "evaluate")
app.command("score")(score.score_file)
app.command("runs")(runs.list_runs)
app.command("cancel")(runs.cancel_detection)
app.command("diff")(runs.compare_two_runs)
app.command("verify")(verify.verify_stored_run)
add_lab_command(app, "simulate")
app.command("whatif")(whatif.print_structure)
app.command("blast")(blast.print_impact)
app.command("succession")(succession.print_successions)
app.command("lineage")(lineage.print_history)
app.command("decide")(decide.set_disposition)
app.command("assign")(decide.assign_cluster)
app.command("note")(decide.add_note)
app.command("pin")(decide.add_pin)
app.command("decisions")(decide.list_decisions)
app.command("undo")(decide.undo_decision)
app.command("serve")(serve.start_service)
app.command("schema")(schema.print_schema)
app.command("forget")(forget.forget_accounts)
app.command("retention")(retention.remove_expired)
app.command("backup")(backup.write_backup)
app.command("restore")(backup.restore_backup)
app.add_typer(audit.app, name="audit")
app.add_typer(export.app, name="export")
app.add_typer(keys.app, name="keys")
app.add_typer(outcomes.app, name="outcomes")
app.add_typer(schedule.app, name="schedule")
app.add_typer(tokens.app, name="tokens")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(neo4j.app, name="neo4j")
