"""`graphsvc demo`: the whole road once, on a seeded world."""

import os
import sys
import time
from typing import Annotated

import typer

from graphsvc.cli import tour
from graphsvc.cli.progress import Stages
from graphsvc.settings import settings


def demo(
    accounts: Annotated[int, typer.Option(help="Accounts of the world.", min=2_000)] = 120_000,
    seed: Annotated[int, typer.Option(help="Seed of the world and of the detection.")] = 1,
) -> None:
    """Seed a world with a hydra in it, load it, detect, evaluate, serve, and ask one question over GraphQL.

    Works in the installation of GRAPHSVC_DATA_DIR, and refuses one that holds other data. On a terminal it stays up
    until Ctrl-C; elsewhere, or with DEMO_EXIT=1, it stops everything it started and ends.
    """
    stay = sys.stdout.isatty() and os.environ.get("DEMO_EXIT", "") in ("", "0")
    here = settings()
    world = here.data_dir / f"demo-world-{accounts}-{seed}"
    began = time.monotonic()
    with Stages() as stages:
        try:
            tour.database(here, world, stages)
            tour.world(world, accounts, seed, stages)
            tour.load(here, world, stages)
            tour.detect(here, seed, stages)
            tour.evaluate(here, world, stages)
            with tour.serving(here, stages) as service:
                tour.question(service, stages)
                stages.say(f"demo: done in {time.monotonic() - began:.0f} s")
                if stay:
                    tour.invitation(here, service, stages)
                    service.process.wait()
        except KeyboardInterrupt:
            stages.say("demo: stopping")
        finally:
            tour.stop(here, stages)
