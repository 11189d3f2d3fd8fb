"""Makes the ahead-of-time cache with which the JVM starts in half the time.

A throwaway server with an empty database is started in recording mode, asked one query that
touches every procedure and stopped; the recording becomes the cache (JEP 483, 514, 515).
Run as `python -m graphsvc.server.train JARS`.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from graphsvc.errors import ServerError
from graphsvc.server import admin_tool, lock, ports, probe, sizing
from graphsvc.server.files import exclusive, write_whole
from graphsvc.server.home import Home, State
from graphsvc.server.java import Jvm, build_environment
from graphsvc.server.training import workshop

_SIZES = sizing.Sizes(heap=512 * sizing.MIB, page_cache=128 * sizing.MIB)
_SECONDS = 1800.0


def train(jars: Path) -> None:
    """Makes the cache for the verified jars in the directory `jars`, unless another trainer is at it.

    Raises:
        ServerError: the throwaway server could not be started.
        CalledProcessError: the JVM could not turn the recording into a cache.
    """
    with exclusive(jars / ".training", lambda: sys.exit("another trainer is at work")):
        jvm = Jvm(jars, lock.read())
        if jvm.sound_archive() is not None:
            return
        place = workshop(jars)
        shutil.rmtree(place, ignore_errors=True)
        try:
            _train(jvm, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _train(jvm: Jvm, place: Path) -> None:
    home = Home(place / "neo4j", place / "keys")
    home.create()
    recording = place / "recording"
    _record(jvm, home, recording)
    written = place / jvm.archive.name
    create = place / "create.args"
    write_whole(create, jvm.create_archive_arguments(recording, written))
    subprocess.run([str(jvm.executable), f"@{create}"], cwd=place, check=True, env=_environment())
    jvm.adopt_archive(written)


def _environment() -> dict[str, str]:
    """Return our environment without JVM options of one's own: the cache serves every later start, with or without."""
    return {name: value for name, value in build_environment().items() if name != "JDK_JAVA_OPTIONS"}


def _record(jvm: Jvm, home: Home, recording: Path) -> None:
    """Runs a server once from start to stop while the JVM takes notes into `recording`."""
    state = State(*ports.choose(str(home.root), None, avoid=ports.USUAL))
    home.configure(state, _SIZES, jvm.plugins)
    password = home.password()
    admin_tool.set_initial_password(jvm, home, password)
    record = ("-XX:AOTMode=record", f"-XX:AOTConfiguration={recording}")
    write_whole(home.arguments, jvm.server_arguments(home.root, _SIZES, record))
    command = [str(jvm.executable), f"@{home.arguments}"]
    with subprocess.Popen(command, cwd=home.root, env=_environment()) as server:
        deadline = time.monotonic() + _SECONDS
        while probe.ask(state.http, password, home.database, "server/warm", timeout=60.0) != "ready":
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                raise ServerError("The training server did not start.")
            time.sleep(0.5)
        server.terminate()


if __name__ == "__main__":
    os.nice(19)
    train(Path(sys.argv[1]))
