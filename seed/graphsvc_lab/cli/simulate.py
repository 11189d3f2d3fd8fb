"""`graphsvc simulate`: replay a world day by day, and measure how early and under which ids campaigns are found."""

from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli.progress import Stages
from graphsvc.cli.settings import load_settings


def simulate_world(
    scenario: Annotated[
        str, typer.Option(help="Which world; see `graphsvc seed --list-scenarios`.")
    ] = "days",
    accounts: Annotated[
        int, typer.Option(help="Accounts of the world on its last day.", min=2_000)
    ] = 120_000,
    days: Annotated[int, typer.Option(help="Days to be replayed.", min=1)] = 30,
    seed: Annotated[int, typer.Option(help="Seed of the world and of the detection.", min=0)] = 1,
    window: Annotated[
        int, typer.Option(help="Days for which a use counts after it was last seen; 0: for ever.", min=0)
    ] = 14,
    out: Annotated[
        Path, typer.Option(help="Directory of report.md and report.json.", file_okay=False)
    ] = Path("simulation"),
) -> None:
    """Replay a synthetic dataset: load and detect each day, and evaluate at the end.

    The report has the size and age of each campaign when it was first found and the evidence, whether it kept
    its id, and whether planned mergers and splits were recorded. One line a day shows the progress.

    Works in the installation of GRAPHSVC_DATA_DIR and refuses one that holds other data. After an
    interruption, run it again with the same options: it continues with the same day.
    """
    from graphsvc.campaigns.parameters import Parameters
    from graphsvc.community.inprocess import InProcessDetector
    from graphsvc.database import open_store
    from graphsvc.signals.tokens import load_or_create_key
    from graphsvc_lab.cli.seed import write_world
    from graphsvc_lab.simulation import Simulation, check_database
    from graphsvc_lab.simulation import simulate as run

    here = load_settings()
    name = f"{scenario}-{accounts}-{seed}-{days}-{window}"
    about = {"scenario": scenario, "accounts": accounts, "seed": seed}
    simulation = Simulation(
        here.data_dir / "simulations" / name, out, Parameters(seed=seed, window=window), about
    )
    with Stages() as stages, open_store(here, stages.print_line) as store:
        check_database(simulation, store)
        if not (simulation.world / "truth.parquet").exists():
            write_world(accounts, seed, simulation.world, stages, scenario=scenario, days=days, force=True)
        detector = InProcessDetector()
        run(simulation, store, detector, load_or_create_key(here), here.dead_letters_dir, stages.print_line)
    typer.echo((out / "report.md").read_text(encoding="utf-8"))
