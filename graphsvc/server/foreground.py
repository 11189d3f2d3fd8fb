"""The managed Neo4j in the foreground, for service managers and for looking at it."""

import signal
import subprocess
from dataclasses import replace

from graphsvc.errors import ServerError
from graphsvc.server.java import build_environment, require_extra
from graphsvc.server.lifecycle import (
    configure_server,
    find_server,
    lock_home,
    prepare_start,
    wait_until_ready,
)
from graphsvc.settings import Settings
from graphsvc.types import Report


def run_foreground(settings: Settings, report: Report) -> None:
    """Run the server on this terminal until it ends. Ctrl-C and SIGTERM stop it cleanly.

    Call it from the main thread, because it handles SIGTERM.

    Raises:
        ServerError: one runs already, could not be started, or ended with an error.
    """
    require_extra()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lock_home(settings, report) as home:
        if find_server(home) is not None:
            raise ServerError("The managed Neo4j runs already.", "Stop it first with `graphsvc neo4j stop`.")
        jvm = prepare_start(settings, home, report)
        state = configure_server(jvm, home, report, jvm.find_sound_archive())
        command = [str(jvm.executable), f"@{home.arguments}", "--console-mode"]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=home.root, env=build_environment())
        home.write_state(replace(state, pid=server.pid))
        asked = False
        try:
            wait_until_ready(home, state)
        except KeyboardInterrupt:
            asked = True
            server.terminate()
    while server.returncode is None:
        try:
            server.wait()
        except KeyboardInterrupt:
            asked = True
            server.terminate()
    with lock_home(settings, report) as home:
        home.write_state(state)
    if server.returncode != 0 and not asked:
        raise ServerError(f"Neo4j ended with status {server.returncode}.", "What it said last stands above.")
