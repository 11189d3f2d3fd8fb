"""All commands of `graphsvc`, registered in the order in which a newcomer needs them."""

from importlib.metadata import version
from typing import Annotated

import typer

from graphsvc.cli import (
    audit,
    backup,
    blast,
    decide,
    demo,
    detect,
    evaluate,
    export,
    forget,
    keys,
    lineage,
    load,
    neo4j,
    retention,
    runs,
    schema,
    seed,
    serve,
    simulate,
    succession,
    tokens,
    verify,
    whatif,
)

app = typer.Typer(
    name="graphsvc",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Account linkage for trust-and-safety teams: finds accounts that one operator runs together,
explains why, and serves the clusters over GraphQL.

A first round: `graphsvc demo`. By hand: `graphsvc seed --accounts 20000 --seed 1 --out world`,
`graphsvc load world`, `graphsvc detect`, `graphsvc evaluate --truth world/truth.parquet`, `graphsvc serve`.

Settings are variables GRAPHSVC_…; an empty one is unset. A secret can be in a file, as GRAPHSVC_NEO4J_PASSWORD_FILE
names it. Without GRAPHSVC_NEO4J_URI a managed local Neo4j is used and started when needed. Exit status: 0 all of it
worked, 2 a wrong call, anything else a failure named on standard error.""",
)


def _show_version(wanted: bool) -> None:
    if wanted:
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


app.command("demo")(demo.demo)
app.command("seed")(seed.seed)
app.command("load")(load.load)
app.command("detect")(detect.detect)
app.command("evaluate")(evaluate.evaluate)
app.command("runs")(runs.runs)
app.command("cancel")(runs.cancel)
app.command("diff")(runs.diff)
app.command("verify")(verify.verify)
app.command("simulate")(simulate.simulate)
app.command("whatif")(whatif.whatif)
app.command("blast")(blast.blast)
app.command("succession")(succession.succession)
app.command("lineage")(lineage.lineage)
app.command("decide")(decide.decide)
app.command("assign")(decide.assign)
app.command("note")(decide.note)
app.command("pin")(decide.pin)
app.command("decisions")(decide.decisions)
app.command("undo")(decide.undo)
app.command("serve")(serve.serve)
app.command("schema")(schema.schema)
app.command("forget")(forget.forget)
app.command("retention")(retention.retention)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(audit.app, name="audit")
app.add_typer(export.app, name="export")
app.add_typer(keys.app, name="keys")
app.add_typer(tokens.app, name="tokens")
app.add_typer(neo4j.app, name="neo4j")
