"""Start, find and stop the managed Neo4j of a data directory, in the background or on this terminal."""

import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from graphsvc import host
from graphsvc.errors import ServerError
from graphsvc.files import lock_in_turn, write_atomically
from graphsvc.server import java, lockfile, process, sizing
from graphsvc.server.adoption import begin_adoption, finish_adoption, is_prepared, stage_keys
from graphsvc.server.home import HOST, USER, Home, State, map_disk_errors, require_room
from graphsvc.server.java import Jvm
from graphsvc.server.maven import ensure_jars
from graphsvc.server.process import build_environment, require_extra
from graphsvc.settings import Settings
from graphsvc.types import Report, ignore_report

if TYPE_CHECKING:
    import psutil

# Bytes. A new database sets 512 MB of transaction log aside; an old one needs room to work.
_ROOM_NEW, _ROOM = 768 << 20, 128 << 20
_ATTEMPTS = 3
_START_SECONDS = 180.0
_STOP_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address and credentials of a running server."""

    uri: str
    user: str
    password: SecretStr
    browser: str

    @property
    def connected_browser(self) -> str:
        """Return the address of Neo4j Browser with server and user filled in; the password is typed there."""
        scheme, _, place = self.uri.partition("://")
        return f"{self.browser}?dbms={scheme}://{self.user}@{place}"

    def build_guide_address(self, guide: str) -> str:
        """Return the address of Neo4j Browser that opens the guide at `guide`.

        Neo4j Browser reads the guide before it is connected. Until then it knows no host but `localhost`.
        """
        return f"{self.connected_browser}&cmd=guide&arg={guide}"


def find_running(settings: Settings) -> Endpoint | None:
    """Return the server of this data directory, if it runs and answers queries.

    Raises:
        ServerError: parts are not installed, or the data directory cannot be read.
    """
    require_extra()
    home = Home.from_settings(settings)
    with map_disk_errors(settings.data_dir, "GRAPHSVC_DATA_DIR"):
        home.check_database()
        state = home.read_state()
        if state is None or find_server(home) is None:
            return None
        if process.send_probe(state.http, home.get_password(), home.database) != "ready":
            return None
        return _build_endpoint(home, state)


def has_database(settings: Settings) -> bool:
    """Return whether a server ever ran on this data directory. Otherwise its database is empty."""
    return Home.from_settings(settings).has_database


def ensure_running(settings: Settings, report: Report = ignore_report) -> Endpoint:
    """Start the server unless it runs, and return when it answers queries.

    Several processes may call this at once: one starts the server, the others wait for it. The server
    outlives the process that started it.

    Raises:
        ServerError: it could not be downloaded, configured or started.
    """
    return find_running(settings) or _start_if_stopped(settings, report)


def _start_if_stopped(settings: Settings, report: Report) -> Endpoint:
    with lock_home(settings, report) as home:
        state = home.read_state()
        if state is not None and find_server(home) is not None:
            report("Neo4j runs already; waiting until it answers")
            if wait_until_ready(home, state):
                return _build_endpoint(home, state)
        # A pid in the state and no such process: a crash, a kill, or a restart of the machine.
        if state is not None and state.pid is not None:
            report(f"Neo4j (process {state.pid}) ended without being stopped; starting it again")
        jvm = prepare_start(settings, home, report)
        endpoint = _start_jvm(jvm, home, report)
        # In the background, because writing the cache takes longer than a start without it.
        if jvm.find_sound_archive() is None:
            java.launch_trainer(jvm, home)
        return endpoint


@contextmanager
def lock_home(settings: Settings, report: Report) -> Iterator[Home]:
    """Yield the home of these settings, locked against others that start, stop or administer the server."""
    home = Home.from_settings(settings)
    with map_disk_errors(settings.data_dir, "GRAPHSVC_DATA_DIR"):
        # Before the lock, which is a file in them.
        home.create_directories()
        with lock_in_turn(
            home.lock, lambda: report("waiting for another graphsvc that starts or stops Neo4j")
        ):
            yield home


def prepare_start(settings: Settings, home: Home, report: Report) -> Jvm:
    """Prepare what a start needs: jars, room on the disk, the initial password.

    Raises:
        ServerError: as `ensure_running`.
    """
    home.check_database()
    sizing.check_descriptors()
    locked = lockfile.read_lock()
    jvm = Jvm(ensure_jars(settings.cache_dir.resolve(), locked, report), locked)
    require_room(home.root, _ROOM if home.has_database else _ROOM_NEW, "GRAPHSVC_DATA_DIR")
    password = home.get_password()
    # An admin tool that outlived its command holds the database and would make the start fail.
    java.end_orphan(home)
    # Half a database looks like a whole one to Neo4j, and answers with half of the data.
    if home.drop_half_replaced():
        report("an import did not come to its end; its half of a database was thrown away")
    if finish_adoption(home):
        report("a restore had been interrupted; it is finished now")
    # Only before the first start: Neo4j takes an initial password while it has no users.
    if not home.has_credentials:
        java.set_initial_password(jvm, home, password)
    return jvm


def _start_jvm(jvm: Jvm, home: Home, report: Report) -> Endpoint:
    """Start the JVM. Try other ports if one was taken, and no AOT cache if it seems to do harm."""
    avoid: set[int] = set()
    archive = jvm.find_sound_archive()
    for last in (*[False] * (_ATTEMPTS - 1), True):
        state = configure_server(jvm, home, report, archive, avoid)
        report(f"starting Neo4j on {HOST}:{state.bolt}")
        begun = time.monotonic()
        server = process.spawn_process([str(jvm.executable), f"@{home.arguments}"], home.console, home.root)
        # Before the wait, so that another process finds the server even if this one dies now.
        home.write_state(replace(state, pid=server.pid))
        if wait_until_ready(home, state):
            report(f"Neo4j is ready after {time.monotonic() - begun:.1f} s")
            process.release_process(server)
            return _build_endpoint(home, state)
        # Without the pid, since the process has ended.
        home.write_state(state)
        why = process.read_reason(home)
        if process.is_port_clash(why) and not last:
            avoid |= {state.bolt, state.http}
            report("another program took the port meanwhile; trying others")
        # A known reason, such as a full disk, is not the fault of the cache.
        elif archive is not None and not process.is_known(why) and not last:
            jvm.drop_archive()
            archive = None
            report("Neo4j did not start with its start cache; trying without")
        else:
            break
    raise process.explain_failure(why, server.wait())


def configure_server(
    jvm: Jvm, home: Home, report: Report, archive: Path | None, avoid: Collection[int] = ()
) -> State:
    """Choose ports and memory, and write neo4j.conf and the JVM's arguments.

    Raises:
        ServerError: no free port, or too little memory.
    """
    before = home.read_state()
    bolt, http = process.choose_ports(str(home.root), (before.bolt, before.http) if before else None, avoid)
    # Said aloud, because bookmarks and other clients still have the old port.
    if before is not None and (bolt, http) != (before.bolt, before.http):
        report(
            f"port {before.bolt} or {before.http} of the last time is in use by another program; "
            f"Neo4j moves to {bolt} (Bolt) and {http} (HTTP)"
        )
    state = State(bolt, http)
    sizes = sizing.compute_sizes(host.read_memory())
    home.write_configuration(state, sizes, jvm.plugins)
    more = (f"-XX:AOTCache={archive}",) if archive is not None else ()
    write_atomically(home.arguments, jvm.build_server_arguments(home.root, sizes, more))
    return state


def wait_until_ready(home: Home, state: State) -> bool:
    """Wait until the server answers. Return False if it ended before.

    Raises:
        ServerError: it refuses our password. Or it lives and does not answer in time: it is left running,
            because it may be recovering.
    """
    password = home.get_password()
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        found = find_server(home)
        if found is None:
            return False
        # Another server may have been faster to take the port. It is not to get our password, of which three wrong
        # ones a few seconds lock its own users out.
        answer = (
            process.send_probe(state.http, password, home.database)
            if process.is_listening(found, state.http)
            else "silent"
        )
        if answer == "ready":
            return True
        if answer == "refused":
            raise ServerError(
                "The managed Neo4j is up and refuses the password that graphsvc keeps for it.",
                f"If it was changed in Neo4j, write the new one into {home.keys / 'neo4j-password'}.",
            )
        time.sleep(0.1)
    raise ServerError(
        f"Neo4j runs but did not answer within {_START_SECONDS:.0f} s; it may be recovering a large database.",
        "See `graphsvc neo4j logs --follow`, and start again when it says Started; it was left running.",
    )


def stop_server(settings: Settings, report: Report = ignore_report) -> bool:
    """Stop the server of this data directory. Return False if none ran.

    It has two minutes to write its data.

    Raises:
        ServerError: it did not end and was killed.
    """
    require_extra()
    if not Home.from_settings(settings).root.is_dir():
        return False
    with lock_home(settings, report) as home:
        # First: a trainer started a server of its own on the same jars.
        java.stop_trainer(home)
        state, found = home.read_state(), find_server(home)
        if state is None or found is None:
            return False
        ended = process.stop_process(found, _STOP_SECONDS)
        if not ended:
            found.kill()
            found.wait()
        home.write_state(replace(state, pid=None))
        if not ended:
            raise ServerError(
                f"Neo4j did not end within {_STOP_SECONDS:.0f} s and was killed. What was committed is in its "
                "transaction log.",
                "The next start recovers it and takes longer.",
            )
    return True


def run_admin(
    settings: Settings,
    *args: str,
    report: Report = ignore_report,
    heap: int | None = None,
    replaces: str | None = None,
) -> str:
    """Run `neo4j-admin ARGS` on the database of this data directory.

    The server must not run: dump, load and import need the database for themselves.

    Args:
        settings: of the installation.
        *args: command and options.
        report: called with each line of output.
        heap: largest heap of the tool, bytes; None: that of the server.
        replaces: the database that the command creates. If it fails or this process dies, the next start
            removes the incomplete database.

    Returns:
        The tool's output.

    Raises:
        ServerError: the server runs, or the tool failed.
    """
    require_extra()
    with lock_home(settings, report) as home:
        state = home.read_state()
        if find_server(home) is not None:
            raise ServerError(
                "The managed Neo4j runs, and its admin tool needs it stopped.", "Stop it first."
            )
        jvm = prepare_start(settings, home, report)
        sizes = sizing.compute_sizes(host.read_memory())
        home.write_configuration(
            # The tool reads neo4j.conf, which must name ports although nothing listens.
            state or State(*process.choose_ports(str(home.root), None)),
            sizes,
            jvm.plugins,
        )
        with home.mark_replacing(replaces) if replaces else nullcontext():
            return java.run_admin(jvm, home, *args, heap=heap or sizes.heap, report=report)


def adopt_database(settings: Settings, keys: dict[str, bytes], report: Report = ignore_report) -> None:
    """Replace the database and key files in use by the database under the name `RESTORED` and by `keys`.

    Args:
        settings: of the installation.
        keys: content of key files by name.
        report: called with lines of progress.

    Raises:
        ServerError: the server runs, or was started since that database was loaded.
    """
    with lock_home(settings, report) as home:
        # A start since then discarded the prepared database, as it must after a crash.
        if find_server(home) is not None or not is_prepared(home):
            raise ServerError(
                "The managed Neo4j was started while a backup was being restored; nothing was changed.",
                "Stop what uses it (`graphsvc serve`, loads, runs), then restore again.",
            )
        stage_keys(home, keys)
        begin_adoption(home, settings.local_database)


def find_server(home: Home) -> "psutil.Process | None":
    """Return the process of the server, if it lives."""
    state = home.read_state()
    return process.find_process(state.pid, f"@{home.arguments}") if state is not None else None


def _build_endpoint(home: Home, state: State) -> Endpoint:
    if home.read_only and home.started_read_only != home.read_only:
        raise ServerError(
            "The managed Neo4j runs and takes writes, although GRAPHSVC_NEO4J_READ_ONLY is set.",
            "Stop it with `graphsvc neo4j stop`, then start it again.",
        )
    return Endpoint(
        uri=f"bolt://{HOST}:{state.bolt}",
        user=USER,
        password=home.get_password(),
        browser=f"http://{HOST}:{state.http}/browser/",
    )


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
