"""Make the ahead-of-time cache that halves the JVM's start time.

A temporary server with an empty database runs in recording mode, answers one query that touches every
procedure, and stops. The recording becomes the cache (JEP 483, 514, 515). Run as `python -m
graphsvc.server.train JARS`.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from graphsvc.errors import ServerError
from graphsvc.files import lock_in_turn, write_atomically
from graphsvc.server import java, lockfile, process, sizing
from graphsvc.server.home import Home, State
from graphsvc.server.java import Jvm, get_workshop
from graphsvc.server.process import build_environment

_SIZES = sizing.Sizes(heap=512 * sizing.MIB, page_cache=128 * sizing.MIB)
_SECONDS = 1800.0
_USERS = ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")
"""Variables in which users give a JVM their options."""


def train_archive(jars: Path) -> None:
    """Make the cache for the verified jars in the directory `jars`, unless another trainer does so.

    Raises:
        ServerError: the temporary server could not be started.
        CalledProcessError: the JVM could not turn the recording into a cache.
    """
    with lock_in_turn(jars / ".training", lambda: sys.exit("another trainer is at work")):
        jvm = Jvm(jars, lockfile.read_lock())
        if jvm.find_sound_archive() is not None:
            return
        place = get_workshop(jars)
        shutil.rmtree(place, ignore_errors=True)
        try:
            _write_archive(jvm, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _write_archive(jvm: Jvm, place: Path) -> None:
    home = Home(place / "neo4j", place / "keys")
    home.create_directories()
    recording = place / "recording"
    _record_start(jvm, home, recording)
    written = place / jvm.archive.name
    create = place / "create.args"
    write_atomically(create, jvm.build_archive_arguments(recording, written))
    subprocess.run([str(jvm.executable), f"@{create}"], cwd=place, check=True, env=_build_environment())
    jvm.adopt_archive(written)


def _build_environment() -> dict[str, str]:
    """Return the environment without the user's JVM options.

    The cache must fit every later start, with or without them.
    """
    return {name: value for name, value in build_environment().items() if name not in _USERS}


def _record_start(jvm: Jvm, home: Home, recording: Path) -> None:
    """Run a server once from start to stop while the JVM records into `recording`."""
    # Not the usual ports: those belong to the real server, which starts at the same time.
    state = State(*process.choose_ports(str(home.root), None, avoid=process.USUAL))
    home.write_configuration(state, _SIZES, jvm.plugins)
    password = home.get_password()
    java.set_initial_password(jvm, home, password)
    record = ("-XX:AOTMode=record", f"-XX:AOTConfiguration={recording}")
    write_atomically(home.arguments, jvm.build_server_arguments(home.root, _SIZES, record))
    command = [str(jvm.executable), f"@{home.arguments}"]
    with subprocess.Popen(command, cwd=home.root, env=_build_environment()) as server:
        deadline = time.monotonic() + _SECONDS
        # The query touches what real ones use, so that its classes are in the cache.
        while process.send_probe(state.http, password, home.database, "server/warm", timeout=60.0) != "ready":
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                raise ServerError("The training server did not start.")
            time.sleep(0.5)
        # A regular stop, since the JVM writes the recording when it exits.
        server.terminate()


if __name__ == "__main__":
    # It competes with the first load, which is more urgent.
    os.nice(19)
    train_archive(Path(sys.argv[1]))
