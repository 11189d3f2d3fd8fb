"""`graphsvc demo`: all steps once, on a synthetic dataset."""

import os
import sys
import time
from typing import Annotated

import typer

from graphsvc.cli.progress import Stages
from graphsvc.cli.settings import load_settings


def run_demo(
    accounts: Annotated[int, typer.Option(help="Accounts of the world.", min=2_000)] = 120_000,
    seed: Annotated[int, typer.Option(help="Seed of the world and of the detection.")] = 1,
) -> None:
    """Generate a synthetic dataset, load it, detect, evaluate, serve, query, score sign-ups, receive a webhook.

    Works in the installation of GRAPHSVC_DATA_DIR, and refuses one that holds other data. On a terminal it
    stays up until Ctrl-C. Elsewhere, or with DEMO_EXIT=1, it stops all that it started, and ends.
    """
    from graphsvc_lab.cli import tour

    stay = sys.stdout.isatty() and os.environ.get("DEMO_EXIT", "") in ("", "0")
    here = load_settings()
    world = here.data_dir / f"demo-world-{accounts}-{seed}"
    began = time.monotonic()
    with Stages() as stages:
        try:
            bulk = tour.check_database(here, world, stages)
            tour.prepare_world(world, accounts, seed, stages)
            tour.load_world(here, world, stages, bulk=bulk)
            # The service starts while the detection runs. It shows what is published as soon as it is.
            with tour.receive_webhook(here, stages) as receiver, tour.run_service(here) as service:
                tour.run_detection(here, seed, stages)
                tour.print_evaluation(here, world, stages)
                tour.wait_for_service(service, stages)
                tour.send_query(service, stages)
                tour.print_scores(service, world, stages)
                tour.print_webhook(receiver, stages)
                stages.print_line(
                    f"demo: done in {time.monotonic() - began:.0f} s{'; Ctrl-C stops all' * stay}"
                )
                if stay:
                    tour.print_addresses(here, service, stages)
                    service.process.wait()
        except KeyboardInterrupt:
            stages.print_line("demo: stopping")
        finally:
            tour.stop_database(here, stages)
