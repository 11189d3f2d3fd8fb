"""The console in a browser over the demo's world: `flow` (what an investigator does, axe), `first-view`, `pictures`.

`sign-in` goes to an identity provider on loopback and back, over an empty installation.
`neo4j-browser` goes through the guide in Neo4j Browser, and imports the scripts and the style of `cypher/browser/`.

The installation of GRAPHSVC_DATA_DIR is used if that is set (the demo's world is loaded if it is not there), else a new
one that is removed afterwards. Needs Node (`npm ci` is run in `console/`) and Chromium (CHROMIUM, /usr/bin/chromium).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from bench.identity_provider import Provider
from graphsvc import server
from graphsvc.api.auth import keys
from graphsvc.cli.progress import Stages
from graphsvc.database import open_store
from graphsvc.settings import load_settings
from graphsvc_lab.cli import tour
from graphsvc_lab.cli.tour import Service

CONSOLE = Path(__file__).parents[1] / "console"
FIGURES = Path(__file__).parents[1] / "docs" / "benchmarks" / "console.md"
AIM_MS, LONGEST_TASK_MS = 2_000, 200


@contextmanager
def demo(accounts: int, stages: Stages) -> Iterator[Service]:
    """The service over the demo's world; what was started is stopped."""
    here = load_settings()
    world = here.data_dir / f"demo-world-{accounts}-1"
    ready = world.exists()
    try:
        tour.start_database(here, world, stages)
        if not ready:
            tour.prepare_world(world, accounts, 1, stages)
            tour.load_world(here, world, stages)
            tour.run_detection(here, 1, stages)
        with tour.run_service(here, stages) as service:
            yield service
    finally:
        tour.stop_database(here, stages)


@contextmanager
def provided(stages: Stages) -> Iterator[Service]:
    """The service over what is there, which may be nothing, with an identity provider on another site beside it."""
    provider = Provider("localhost")
    provider.clients = {"console": "a secret of loopback"}
    os.environ |= {
        "GRAPHSVC_PROVIDER": provider.issuer,
        "GRAPHSVC_OIDC_ISSUER": provider.issuer,
        "GRAPHSVC_OIDC_AUDIENCE": "graphsvc",
        "GRAPHSVC_OIDC_ROLES": "triage=analyst",
        "GRAPHSVC_OIDC_CLIENT_ID": "console",
        "GRAPHSVC_OIDC_CLIENT_SECRET": "a secret of loopback",
        "GRAPHSVC_OIDC_NAME": "Example ID",
    }
    here = load_settings()
    try:
        with open_store(here, stages.print_line):
            pass
        with tour.run_service(here, stages) as service:
            yield service
    finally:
        tour.stop_database(here, stages)
        provider.close()


def node(service: Service, script: str, *arguments: str) -> str:
    """Runs a script of `console/tests` against the service; its last line. Ends the program if it fails."""
    viewer = keys.create_key(load_settings().keys_dir, keys.Role.VIEWER, "bench.console")
    environment = {
        **os.environ,
        "GRAPHSVC_URL": service.url,
        "GRAPHSVC_KEY": service.key,
        "GRAPHSVC_VIEWER_KEY": viewer,
    }
    endpoint = server.find_running(load_settings())
    if endpoint is not None:
        environment["NEO4J_BROWSER"] = endpoint.connected_browser
        environment["NEO4J_PASSWORD"] = endpoint.password.get_secret_value()
    done = subprocess.Popen(
        [shutil.which("node") or sys.exit("Node 20 or newer is needed."), f"tests/{script}.mjs", *arguments],
        cwd=CONSOLE,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    last = ""
    for line in done.stdout or ():
        last = line
        if not line.startswith("{"):
            print(line, end="", flush=True)
    failed = done.wait() != 0
    keys.revoke_key(load_settings().keys_dir, viewer.partition(".")[0])
    if failed:
        sys.exit(f"{script} failed")
    return last


def report(found: dict[str, list[float]], load: float) -> str:
    """The figures of `first-view` as a page."""
    times, tasks = np.array(found["times"]), np.array(found["tasks"])
    p50, p95 = np.percentile(times, [50, 95])
    return f"""# The console's first view of the largest cluster

`make bench-console`: Chromium without a graphics card (WebGL by software); the service, Neo4j and the browser on the
same two cores; {len(times)} times signed in anew. Load of the machine before it: {load:.1f}.

| Figure | Value | Aim |
|---|---|---|
| Accounts of the cluster | {found["size"]:,} | |
| From the click to the drawing, median | {p50:,.0f} ms | |
| 95th percentile | {p95:,.0f} ms | {AIM_MS:,} ms |
| Longest | {times.max():,.0f} ms | |
| Longest task of the page after that, of all turns | {tasks.max():,.0f} ms | {LONGEST_TASK_MS} ms |
"""


def main() -> None:
    """Runs one of the scripts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("flow", "first-view", "neo4j-browser", "pictures", "sign-in"))
    parser.add_argument("--accounts", type=int, default=120_000, help="accounts of the demo's world")
    parser.add_argument("--turns", type=int, default=20, help="first-view: how often")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    own = None if "GRAPHSVC_DATA_DIR" in os.environ else tempfile.mkdtemp(prefix="graphsvc-console-")
    if own is not None:
        os.environ["GRAPHSVC_DATA_DIR"] = own
    if not (CONSOLE / "node_modules").exists():
        npm = shutil.which("npm") or sys.exit("npm is needed.")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=CONSOLE, check=True)
    try:
        with Stages() as stages, ExitStack() as held:
            world = provided(stages) if given.what == "sign-in" else demo(given.accounts, stages)
            service = held.enter_context(world)
            turns = [str(given.turns)] if given.what == "first-view" else []
            last = node(service, given.what.replace("-", "_"), *turns)
            if given.what == "pictures":
                node(service, "neo4j_browser", str(FIGURES.parents[1] / "images"))
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
    if given.what == "first-view":
        text = report(json.loads(last), load)
        print(text)
        FIGURES.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
