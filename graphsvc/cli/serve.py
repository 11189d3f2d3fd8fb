"""`graphsvc serve`: serve the console and GraphQL over HTTP."""

import ipaddress
import socket
from datetime import timedelta
from typing import Annotated

import typer

from graphsvc.cli.durations import parse_duration
from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.errors import SettingsError

MOST_WORKERS = 8
"""Processes by default at most: each holds some 330 MB, and connections to Neo4j. More are asked for."""


def start_service(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default GRAPHSVC_HOST, 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; default GRAPHSVC_PORT, 8000; 0: any free one.")
    ] = None,
    root_path: Annotated[
        str | None,
        typer.Option(
            help="Path below which a proxy offers the service, like /graph; default GRAPHSVC_ROOT_PATH, none.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"Processes that answer; default GRAPHSVC_WORKERS, one a core, {MOST_WORKERS} at most.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse_duration,
            metavar="TIME",
            help="Also start a detection run every so often, for example 24h or 30m.",
        ),
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option(
            metavar="EXPRESSION",
            help='Also start one when this cron expression is due, in UTC: "0 3 * * *" is each day at three.',
        ),
    ] = None,
    expose: Annotated[
        bool,
        typer.Option("--expose", help="Allow an address other machines can reach. Put TLS in front of it."),
    ] = False,
) -> None:
    """Serve the clusters over GraphQL at /graphql, until stopped.

    Every query needs an API key (`graphsvc keys create --role viewer`). A browser gets the console at `/` and
    GraphiQL at `/graphql`.

    With --every or --cron it also starts detection runs, one at a time, however many services do so. A run that was
    missed is caught up once. `graphsvc schedule` shows, pauses and resumes it.

    Several processes answer at the port, one a core unless --workers or GRAPHSVC_WORKERS says otherwise. One that ends
    is replaced. Limits hold for all of them together.

    The log goes to standard error, a line a request; metrics are at /metrics. SIGTERM shuts down gracefully.
    Limits are settings: GRAPHSVC_PRINCIPAL_SHARE, GRAPHSVC_READ_TIMEOUT, GRAPHSVC_WAIT_TIMEOUT,
    GRAPHSVC_COST_AT_ONCE and others of docs/graphql/limits.md.
    """
    from graphsvc.api.http import logs
    from graphsvc.database import open_store
    from graphsvc.host import count_cores
    from graphsvc.model.schedule import make_plan
    from graphsvc.settings import clean_root_path

    configured = load_settings()
    host, port = host or configured.host, configured.port if port is None else port
    if not _is_loopback(host):
        if not expose:
            raise SettingsError(
                f"{host} can be reached from other machines, and this service speaks plain HTTP.",
                "Listen on 127.0.0.1, or add --expose and put a proxy with TLS in front of it.",
            )
        console.print(f"Warning: listening on {host} without TLS; keys and answers can be read on the way.")
        if not configured.allowed_hosts:
            console.print(
                f"Asked by a name other than {host} it does not answer: see GRAPHSVC_ALLOWED_HOSTS."
            )
    try:
        root = configured.root_path if root_path is None else clean_root_path(root_path)
    except ValueError as error:
        raise SettingsError(f"--root-path: {error}.") from None
    try:
        plan = make_plan(every, cron)
    except ValueError as error:
        raise SettingsError(f"{error}.") from None
    # Before the database is opened, so that a port in use is reported at once.
    listener = _open_listener(host, port)
    workers = workers or configured.workers or min(count_cores(), MOST_WORKERS)
    with listener:
        with open_store(configured, console.print) as store:
            address = store.address
        name, number = listener.getsockname()[:2]
        name = f"[{name}]" if ":" in name else name

        def announce() -> None:
            console.print(
                f"Console: http://{name}:{number}{root}/\n"
                f"GraphQL and GraphiQL: http://{name}:{number}{root}/graphql (Ctrl-C stops)"
            )
            if plan is not None:
                console.print(f"Detection runs: {plan.text} (UTC; `graphsvc schedule status` shows the next)")

        configured = configured.model_copy(update={"host": host, "root_path": root, "workers": workers})
        if workers > 1:
            from graphsvc.api.processes import serve_processes

            logs.configure_logging(configured.log_format)
            serve_processes(configured, address, plan, listener, announce)
        else:
            from graphsvc.api.app import create_app
            from graphsvc.api.server import serve_app

            app = create_app(configured, address, plan)
            announce()
            logs.configure_logging(configured.log_format)
            serve_app(app, listener, configured)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open_listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}.",
            "Choose another with --port or --host.",
        ) from None
    return listener
