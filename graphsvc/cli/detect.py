"""`graphsvc detect`: find the clusters and publish them."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import Stages
from graphsvc.cli.settings import load_settings
from graphsvc.community.engines import SPARK, Engine
from graphsvc.errors import Conflict, SettingsError
from graphsvc.files import lock_or_fail
from graphsvc.model.runs import Algorithm

if TYPE_CHECKING:
    from graphsvc.campaigns.parameters import Parameters
    from graphsvc.detection import Outcome, Source
    from graphsvc.settings import Settings
    from graphsvc.store import Store


class Place(StrEnum):
    """Engines of the command line: those of `Engine`, and the one that reads a bundle on a cluster."""

    INPROCESS = Engine.INPROCESS.value
    GDS = Engine.GDS.value
    SPARK = SPARK


SPARK_PANEL = "Options of --engine spark"


class TimeEvidence(StrEnum):
    """Evidence from time and prompts; the names of `campaigns.score.TIME`."""

    SIGNUP = "signup"
    ARRIVALS = "arrivals"
    LOCKSTEP = "lockstep"
    BALANCE = "balance"
    SLEEPLESS = "sleepless"
    BURSTS = "bursts"
    MOVES = "moves"
    SUCCESSION = "succession"
    ASKED = "asked"


def parse_memory(text: str) -> int:
    """Parse the value of `--memory`; bytes."""
    from graphsvc.measure import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def detect_clusters(
    engine: Annotated[
        Place,
        typer.Option(
            help="Where communities are computed: in this process, or in Neo4j by Graph Data Science. Both are given "
            "the same links and find nearly the same; this process is faster, and where a day's data "
            "changes nothing it finds the same. With spark, a cluster reads the bundle of --source and finds its "
            "links; the rest is done in this process, which holds the graph. The clusters are those of inprocess."
        ),
    ] = Place.INPROCESS,
    algorithm: Annotated[
        Algorithm, typer.Option(help="How communities of linked accounts are found.")
    ] = Algorithm.LEIDEN,
    seed: Annotated[
        int, typer.Option(help="Seed of the algorithm; the same seed gives the same clusters.")
    ] = 42,
    gamma: Annotated[
        float,
        typer.Option(
            help="Leiden's resolution, relative to what the number of links asks for; higher makes smaller cores.",
            min=0.0,
        ),
    ] = 1.0,
    min_size: Annotated[int, typer.Option(help="Accounts of the smallest cluster published.", min=2)] = 6,
    min_score: Annotated[
        float,
        typer.Option(help="Score (0-1) a cluster needs to be published as a campaign.", min=0.0, max=1.0),
    ] = 0.5,
    min_coordination: Annotated[
        float,
        typer.Option(
            help="Coordination (0-1) another cluster needs to be published as a likely business; 2: none is.",
            min=0.0,
            max=2.0,
        ),
    ] = 0.9,
    budget: Annotated[
        float,
        typer.Option(
            help="Expected false positives among published members, as a share of legitimate accounts; "
            "the least membership follows from it.",
            min=0.0,
            max=1.0,
        ),
    ] = 0.001,
    window: Annotated[
        int,
        typer.Option(
            help="Days for which a shared address, card or prompt counts after it was last seen; 0: for ever.",
            min=0,
        ),
    ] = 0,
    memory: Annotated[
        int | None,
        typer.Option(
            help="Memory that the run may take here, for example 4GiB: it works in smaller pieces, and refuses what "
            "cannot fit. The clusters do not depend on it.",
            parser=parse_memory,
            metavar="SIZE",
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Read the entire graph again, not only what loads wrote since the last run. Needed only after "
            "changing accounts or signals in the database by hand.",
        ),
    ] = False,
    run: Annotated[
        str | None, typer.Option("--run", help="Id that the run was requested under.", hidden=True)
    ] = None,
    without: Annotated[
        list[TimeEvidence] | None,
        typer.Option(help="Evidence from time to leave out; may be given several times."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Bundle that the cluster reads: its tables as Parquet or CSV, on a path that all machines reach.",
            metavar="PATH",
            rich_help_panel=SPARK_PANEL,
        ),
    ] = None,
    master: Annotated[
        str | None,
        typer.Option(
            help="Cluster: local[*] (this machine, the default), spark://host:7077, yarn, k8s://… Instead, "
            "SPARK_REMOTE=sc://host:15002 names a Spark Connect server.",
            metavar="URL",
            rich_help_panel=SPARK_PANEL,
        ),
    ] = None,
    work: Annotated[
        str | None,
        typer.Option(
            help="Directory that all machines of the cluster can read and write; holds tokenised tables.",
            metavar="PATH",
            rich_help_panel=SPARK_PANEL,
        ),
    ] = None,
    conf: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting of Spark; may be given several times, for example --conf spark.executor.memory=8g.",
            metavar="KEY=VALUE",
            rich_help_panel=SPARK_PANEL,
        ),
    ] = None,
) -> None:
    """Detect coordinated clusters in all loaded data, and publish them.

    The previous result stays visible until the new one is complete, and stays if the run fails. The run, its
    parameters, seed, versions and the hash of its input are recorded with the result.
    """
    # Imported here, as in all commands: `--help` and completion must not load polars and the driver.
    from graphsvc.campaigns.parameters import Parameters
    from graphsvc.database import open_store

    parameters = Parameters(
        algorithm=algorithm,
        seed=seed,
        window=window,
        gamma=gamma,
        min_size=min_size,
        min_score=min_score,
        min_coordination=min_coordination,
        budget=budget,
        # What to use, in the order of the enum: the same choice gives the same fingerprint, however it was
        # typed.
        time=tuple(part.value for part in TimeEvidence if part not in (without or [])),
    )
    config = dict(parse_setting(text) for text in conf or [])
    if engine is not Place.SPARK and (source or master or work or config):
        raise typer.BadParameter("--source, --master, --work and --conf are options of --engine spark")
    here = load_settings()
    with Stages() as stages, open_store(here, stages.print_line) as store, ExitStack() as opened:
        population = None
        if engine is Place.SPARK:
            from graphsvc.loading.spark import open_source

            remote = None if master else os.environ.get("SPARK_REMOTE")
            population = open_source(
                source, here, store, master=master, remote=remote, work=work, config=config, memory=memory,
                say=stages.print_line,
            )  # fmt: skip
            opened.callback(population.close)
        outcome = run_certified(
            here, store, parameters, stages, engine=engine.value, memory=memory, whole=whole, name=run,
            source=population,
        )  # fmt: skip
    print_outcome(outcome)


def parse_setting(text: str) -> tuple[str, str]:
    """Parse a value of `--conf`."""
    name, equals, value = text.partition("=")
    if not equals or not name.startswith("spark."):
        raise typer.BadParameter(
            f"{text!r} is no setting of Spark; give for example spark.executor.memory=8g"
        )
    return name, value


def run_certified(
    settings: "Settings",
    store: "Store",
    parameters: "Parameters",
    stages: Stages,
    *,
    engine: str = Engine.INPROCESS,
    memory: int | None = None,
    whole: bool = False,
    name: str | None = None,
    source: "Source | None" = None,
) -> "Outcome":
    """Run a detection as the installation does: signed, with a snapshot of its graph for `verify` and the next run.

    Raises:
        Conflict: another run of this installation is in progress.
    """
    from graphsvc.detection import detect as run_detection
    from graphsvc.detection import expected
    from graphsvc.scoring.files import IndexFiles
    from graphsvc.signing import load_or_create_signer
    from graphsvc.store.engines import open_detector
    from graphsvc.store.snapshots import Snapshots

    # Before the lock: whoever must wait for another run should know what this one will take.
    if source is None:
        stages.print_line(f"detection takes {expected(store, memory)}{describe_last_run(store)}")
    chosen = open_detector(store, engine)
    with _lock_runs(settings, store, name):
        return run_detection(
            store,
            chosen,
            parameters,
            stages.update_stage,
            signer=load_or_create_signer(settings),
            snapshots=Snapshots(settings.runs_dir, settings.keep_runs),
            indexes=IndexFiles(settings.score_dir),
            memory=memory,
            whole=whole,
            name=name,
            source=source,
        )


@contextmanager
def _lock_runs(settings: "Settings", store: "Store", name: str | None) -> Iterator[None]:
    """Prevent a second run of this installation, which would take what this one has staged.

    Raises:
        Conflict: another run is in progress; names it.
        SettingsError: the lock cannot be made.
    """
    with ExitStack() as held:
        try:
            # A lock of the file system, not of the database: it ends with its process, however that ends.
            held.enter_context(lock_or_fail(settings.data_dir / "detect.lock"))
        except BlockingIOError as error:
            from graphsvc.store.runs import list_runs

            running = (run["id"] for run in list_runs(store) if run["status"] == "running")
            # A run that the API requested is recorded as running before its process begins.
            other = next((run for run in running if run != name), None)
            which = "Another detection" if other is None else f"Run {other}"
            raise Conflict(
                f"{which} is under way (process {error.filename}). Nothing was changed.",
                "Wait for it (`graphsvc runs` shows how far it is), or stop it with `graphsvc cancel`.",
            ) from None
        # After `BlockingIOError`, which is an `OSError`, too.
        except OSError as error:
            raise SettingsError(
                f"{settings.data_dir} cannot be written: {error.strerror or type(error).__name__}.",
                "Set GRAPHSVC_DATA_DIR to a directory that is yours.",
            ) from None
        yield


def describe_last_run(store: "Store") -> str:
    """Describe the duration of the last run, as an estimate for this one; '' before the first."""
    from graphsvc.store.runs import read_published_run

    run = read_published_run(store)
    if run is None or not run.timings:
        return ""
    return f"; the last run took {sum(run.timings.values()):.0f} s for {run.accounts:,} accounts"


def print_outcome(outcome: "Outcome") -> None:
    """Print the summary of a run on standard output."""
    seconds = ", ".join(f"{stage.name} {stage.seconds:.1f}" for stage in outcome.stages)
    most = max(stage.peak_bytes for stage in outcome.stages)
    typer.echo(
        f"Run {outcome.run.id} published {outcome.clusters:,} clusters with {outcome.members:,} of "
        f"{outcome.run.accounts:,} accounts, and {outcome.businesses:,} likely businesses with "
        f"{outcome.business_members:,}, from {outcome.links:,} links. Seconds: {seconds}. "
        f"Most memory: {most >> 20:,} MiB."
    )
    if outcome.whole:
        typer.echo(f"The entire graph was read again: {outcome.whole}.")
    if outcome.clusters:
        likely, low, high, mean = (
            f"{outcome.thresholds[f'{name}_innocents']:,.0f}"
            for name in ("likely", "low", "high", "expected")
        )
        typer.echo(
            f"Members belong with {outcome.thresholds['membership']:.1%} or more. The likeliest number of false "
            f"positives among them is {likely} (nine runs in ten: {low} to {high}; on average {mean})."
        )
        typer.echo(describe_excess(outcome), nl=False)


def describe_excess(outcome: "Outcome") -> str:
    """Describe by how much the likeliest number of false positives exceeds the budget; '' where it does not."""
    from graphsvc.campaigns.budget import allow_innocents

    parameters = outcome.run.parameters
    others = (outcome.run.accounts or 0) - outcome.members
    allowed = float(allow_innocents(parameters["budget"], others))
    if outcome.thresholds["likely_innocents"] <= allowed:
        return ""
    return (
        f"That is more than the budget of {allowed:,.0f}, which limits doubtful members and not clusters that may be "
        f"no campaign. Raise --min-score (now {parameters['min_score']:g}) to publish surer campaigns only.\n"
    )
