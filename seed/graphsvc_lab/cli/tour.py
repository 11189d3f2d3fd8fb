"""The stages of the demo. Each reports what it does and how long it took, and does only what a command does."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphsvc.cli.progress import Stages
from graphsvc.errors import DemoError

if TYPE_CHECKING:
    from graphsvc.settings import Settings

NOTEBOOK = Path(__file__).parents[3] / "docs" / "notebooks" / "investigate.ipynb"
"""In a checkout; not in the package."""
WEBHOOK_HOST = "127.0.0.1"
QUESTION = """{
  clusters(first: 3, orderBy: {field: SIZE, direction: DESC}) {
    edges { node { id size score summary sharedSignals(first: 2) { accounts bits signal { kind value } } } }
  }
}"""


@dataclass(frozen=True, slots=True)
class Service:
    """A running `graphsvc serve` and a key to it."""

    process: subprocess.Popen[bytes]
    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver of webhooks: the secret it verifies with, and the headers and body of what arrived."""

    secret: str
    received: "queue.Queue[tuple[dict[str, str], bytes]]"


@contextmanager
def print_timed(stages: Stages, what: str) -> Iterator[None]:
    """Print what begins, and afterwards how long it took."""
    stages.print_line(f"demo: {what}")
    began = time.monotonic()
    yield
    stages.print_line(f"demo: {what}: {time.monotonic() - began:.1f} s")


def check_database(settings: "Settings", world: Path, stages: Stages) -> bool:
    """Return whether the world can be imported: into a managed database that is empty, or that an import filled.

    Raises:
        DemoError: the database holds data that are not this demo's.
    """
    from graphsvc import server
    from graphsvc.database import open_store
    from graphsvc.server import lockfile, maven, process
    from graphsvc.store.graph import count_accounts
    from graphsvc.store.loads import list_bulk_loads

    if settings.managed and not server.has_database(settings):
        # Only what a server is made of. The import makes the database, so one that ran would be stopped again.
        with print_timed(stages, "Neo4j, downloaded once"):
            process.require_extra()
            maven.ensure_jars(settings.cache_dir.resolve(), lockfile.read_lock(), stages.print_line)
        return True
    with print_timed(stages, "database"), open_store(settings, stages.print_line) as store:
        filled = count_accounts(store) > 0
        # The directory of the world is what tells that the data are this demo's.
        if filled and [path.name for path in world.parent.glob("demo-world-*")] != [world.name]:
            raise DemoError(
                "This installation holds other data; the demo would mix a synthetic dataset into it.",
                "Set GRAPHSVC_DATA_DIR to a fresh directory (and unset GRAPHSVC_NEO4J_URI), then try again.",
            )
        return settings.managed and (not filled or bool(list_bulk_loads(store)))


def prepare_world(directory: Path, accounts: int, seed: int, stages: Stages) -> None:
    """Write the world, unless it exists."""
    from graphsvc_lab.cli.seed import write_world

    with print_timed(stages, f"a world of {accounts:,} accounts"):
        if (directory / "truth.parquet").exists():
            stages.print_line(f"  there from before: {directory}")
        else:
            write_world(accounts, seed, directory, stages, force=True)


def load_world(settings: "Settings", directory: Path, stages: Stages, *, bulk: bool) -> None:
    """Load the world without its truth; `bulk` imports it into a fresh server."""
    from graphsvc.cli.load import print_report
    from graphsvc.database import open_store
    from graphsvc.loading import load_bundle
    from graphsvc.loading.bulk import load_bulk
    from graphsvc.signals.tokens import load_or_create_key

    with print_timed(stages, "load"):
        tokens = load_or_create_key(settings)
        if bulk:
            report = load_bulk(
                settings, directory, tokens, say=stages.print_line, progress=stages.update_stage
            )
        else:
            with open_store(settings) as store:
                report = load_bundle(
                    store, directory, tokens, settings.dead_letters_dir, progress=stages.update_stage
                )
        print_report(report)


def run_detection(settings: "Settings", seed: int, stages: Stages) -> None:
    """Detect and publish."""
    from graphsvc.campaigns.parameters import Parameters
    from graphsvc.cli.detect import print_outcome, run_certified
    from graphsvc.database import open_store

    with print_timed(stages, "detect"), open_store(settings) as store:
        print_outcome(run_certified(settings, store, Parameters(seed=seed), stages))


def print_evaluation(settings: "Settings", directory: Path, stages: Stages) -> None:
    """Print the evaluation of the published result."""
    from graphsvc.database import open_store
    from graphsvc.store.published import read_members
    from graphsvc_lab.evaluation.metrics import evaluate as score
    from graphsvc_lab.evaluation.report import format_evaluation
    from graphsvc_lab.evaluation.truth import read_truth

    with print_timed(stages, "evaluate"), open_store(settings) as store:
        stages.print_line(
            format_evaluation(score(read_truth(directory / "truth.parquet"), read_members(store)))
        )


@contextmanager
def run_service(settings: "Settings") -> Iterator[Service]:
    """Run `graphsvc serve` in a process of its own while the block lasts; `wait_for_service` says when it answers."""
    from graphsvc.api.auth import keys

    key = keys.create_key(settings.keys_dir, keys.Role.ANALYST, "demo")
    port = _find_free_port(settings.port)
    command = [sys.executable, "-m", "graphsvc", "serve", "--host", "127.0.0.1", "--port", str(port)]
    # Its own session, so that Ctrl-C reaches the demo first, which then stops it.
    # The receiver of the demo is on loopback, which webhooks do not reach otherwise.
    environment = {**os.environ, "GRAPHSVC_WEBHOOK_ALLOWED_HOSTS": WEBHOOK_HOST}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        yield Service(process, f"http://127.0.0.1:{port}", key)
    # Also after Ctrl-C: the process is in a session of its own and would outlive this one.
    finally:
        process.terminate()
        process.wait(timeout=15)
        # The key stood on the screen, so it must not outlive the demo.
        keys.revoke_key(settings.keys_dir, key.partition(".")[0])


def wait_for_service(service: Service, stages: Stages) -> None:
    """Wait until the service answers.

    Raises:
        DemoError: it ended, or is not ready within a minute.
    """
    with print_timed(stages, "serve"):
        _wait_until_ready(service)


def send_query(service: Service, stages: Stages) -> None:
    """Send one GraphQL query over HTTP and print the answer."""
    with print_timed(stages, "one question over GraphQL"):
        stages.print_line(f"POST {service.url}/graphql\n{QUESTION}")
        answer = _post(service, "/graphql", {"query": QUESTION})
        stages.print_line(json.dumps(answer, indent=2, ensure_ascii=False))
        if answer.get("errors") or not answer["data"]["clusters"]["edges"]:
            raise DemoError("The service answered without clusters.", "Its answer stands above.")


def print_scores(service: Service, world: Path, stages: Stages) -> None:
    """Score three sign-ups as they come: a replacement, a student behind a campus's address, a new customer."""
    from graphsvc_lab.signups import make_signups

    with print_timed(stages, "three sign-ups"):
        stages.print_line(f"POST {service.url}/v1/score")
        for score in _post(service, "/v1/score", {"signups": make_signups(world)})["scores"]:
            stages.print_line(f"  {score['account_id']}: {score['recommendation']}. {score['reason']}")
            said = [
                family
                for match in score["matches"][:1]
                for family in match["families"]
                if family["bits"] >= 1
            ]
            for family in [*said, *score["warnings"]]:
                bits = f" ({family['bits']:+.1f} bits)" if "bits" in family else ""
                stages.print_line(f"    {family['description']}{bits}")


@contextmanager
def receive_webhook(settings: "Settings", stages: Stages) -> Iterator[Receiver]:
    """Run a receiver of webhooks on loopback, which is told of the next run; the webhook is removed at the end."""
    from graphsvc.cli.decide import make_auditor
    from graphsvc.database import open_store
    from graphsvc.events.secrets import load_or_create_sealer
    from graphsvc.model.events import EventType
    from graphsvc.model.webhooks import EventFilter, WebhookFormat
    from graphsvc.store.webhooks import add_webhook, remove_webhook

    received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.put((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write nothing: the demo prints what arrived."""

    auditor = make_auditor("demo")
    with ThreadingHTTPServer((WEBHOOK_HOST, 0), Handler) as server, open_store(settings) as store:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        webhook, secret = add_webhook(
            store,
            auditor,
            load_or_create_sealer(settings),
            url=f"http://{WEBHOOK_HOST}:{server.server_address[1]}/events",
            host=WEBHOOK_HOST,
            name="demo",
            form=WebhookFormat.STANDARD,
            wanted=EventFilter([EventType.RUN_PUBLISHED]),
        )
        try:
            yield Receiver(secret, received)
        finally:
            remove_webhook(store, auditor, webhook.id)
            server.shutdown()


def print_webhook(receiver: Receiver, stages: Stages) -> None:
    """Wait for the webhook of the run, verify its signature as a receiver does, and print it."""
    from standardwebhooks import Webhook

    with print_timed(stages, "a webhook"):
        try:
            headers, body = receiver.received.get(timeout=30)
        except queue.Empty:
            raise DemoError("No webhook arrived.", "The service's own lines above say why.") from None
        event = Webhook(receiver.secret).verify(body, headers)
        stages.print_line(json.dumps(event, indent=2))


def print_addresses(settings: "Settings", service: Service, stages: Stages) -> None:
    """Print where to continue and how to sign in, a line each."""
    from graphsvc import server

    stages.print_line(
        f"\nConsole        {service.url}/ and GraphiQL {service.url}/graphql, API key {service.key}"
    )
    if settings.managed and (endpoint := server.find_running(settings)) is not None:
        guide = f"http://localhost:{service.url.rpartition(':')[2]}/browser/guide"
        stages.print_line(
            f"Neo4j Browser  {endpoint.build_guide_address(guide)} with a guide through the hydra, "
            f"password in {settings.keys_dir / 'neo4j-password'}"
        )
    if NOTEBOOK.exists():
        place = f" GRAPHSVC_DATA_DIR={settings.data_dir}" if "GRAPHSVC_DATA_DIR" in os.environ else ""
        stages.print_line(
            f"Notebook       {NOTEBOOK.relative_to(NOTEBOOK.parents[2])} in any Jupyter started after "
            f"export GRAPHSVC_URL={service.url} GRAPHSVC_KEY={service.key}{place}"
        )


def stop_database(settings: "Settings", stages: Stages) -> None:
    """Stop the managed database."""
    from graphsvc import server

    if settings.managed:
        with print_timed(stages, "stopping the database"):
            server.stop_server(settings)


def _post(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a request to the service and return its answer.

    Raises:
        DemoError: there is none.
    """
    request = urllib.request.Request(
        f"{service.url}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {service.key}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
    except (OSError, ValueError) as error:
        raise DemoError(f"The service did not answer ({error}).") from None
    return answer


def _find_free_port(wanted: int) -> int:
    # The usual port first, so that addresses of an earlier demo still work.
    for port in (wanted, 0):
        with socket.socket() as probe:
            # Otherwise a port of a service that has just ended counts as taken for a minute.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("No port is free on the loopback address.", "Stop a program that holds many.")


def _wait_until_ready(service: Service) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if service.process.poll() is not None:
            raise DemoError("The service ended while starting.", "Its own lines above say why.")
        try:
            with urllib.request.urlopen(f"{service.url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise DemoError("The service was not ready within a minute.", "Its own lines above say why.")
