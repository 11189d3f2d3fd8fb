"""Teaches the JVM to start fast: an ahead-of-time cache, made beside the first server.

A throwaway server with an empty database is started in recording mode, asked two queries and
stopped; the recording becomes the cache (JEP 483, 514). It runs at the lowest priority in a
process of its own, so the first start is not slower for it, and ends with the server it runs
beside. It is an optimisation: where it cannot be done, nothing is said and nothing is lost.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from graphsvc.errors import ServerError
from graphsvc.server import admin_tool, lock, ports, probe, process, sizing
from graphsvc.server.download import jar_directory
from graphsvc.server.files import write_whole
from graphsvc.server.home import Home, State
from graphsvc.server.java import Jvm
from graphsvc.settings import Settings

_MODULE = "graphsvc.server.training"
_MEMORY = 2048 * sizing.MIB
_ROOM = 1 << 30
_HEAP, _PAGES = 512 * sizing.MIB, 128 * sizing.MIB
_SECONDS = 1800.0


def launch(settings: Settings, home: Home) -> None:
    """Starts a trainer unless one runs, or memory or disk are short."""
    jars = jar_directory(settings.cache_dir.resolve(), lock.read())
    if sizing.memory().available < _MEMORY or shutil.disk_usage(jars).free < _ROOM or _busy(jars):
        return
    command = [sys.executable, "-m", _MODULE, str(jars)]
    trainer = process.spawn(command, jars / "training.log", jars)
    process.disown(trainer)
    write_whole(jars / "training.pid", str(trainer.pid))
    write_whole(home.trainer, str(trainer.pid))


def halt(home: Home) -> None:
    """Ends the trainer that was started beside the server of `home`, if it still runs."""
    trainer = process.find(_pid(home.trainer), _MODULE)
    if trainer is not None:
        jars = Path(trainer.cmdline()[-1])
        process.kill_session(trainer)
        shutil.rmtree(_workshop(jars), ignore_errors=True)
    home.trainer.unlink(missing_ok=True)


def train(jars: Path) -> None:
    """Makes the ahead-of-time cache of the jars in `jars`.

    Raises:
        ServerError: the throwaway server could not be started or stopped.
    """
    workshop = _workshop(jars)
    shutil.rmtree(workshop, ignore_errors=True)
    try:
        _train(Jvm(jars, lock.read()), workshop)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _train(jvm: Jvm, workshop: Path) -> None:
    home = Home(workshop / "neo4j", workshop / "keys")
    home.create()
    recording, written = workshop / "recording", workshop / jvm.archive.name
    state = State(*ports.choose(None))
    home.configure(state, sizing.Sizes(_HEAP, _PAGES), jvm.plugins)
    password = home.password()
    admin_tool.set_initial_password(jvm, home, password)
    record = ("-XX:AOTMode=record", f"-XX:AOTConfiguration={recording}")
    write_whole(home.arguments, jvm.server_arguments(home.root, _HEAP, record))
    with subprocess.Popen([str(jvm.executable), f"@{home.arguments}"], cwd=workshop) as server:
        deadline = time.monotonic() + _SECONDS
        while not probe.answers(state.http, password, "server/warm", timeout=60.0):
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                raise ServerError("The training server did not start.")
            time.sleep(0.5)
        server.terminate()
    create = workshop / "create.args"
    write_whole(create, jvm.create_archive_arguments(recording, written))
    subprocess.run([str(jvm.executable), f"@{create}"], cwd=workshop, check=True)
    jvm.adopt_archive(written)


def _workshop(jars: Path) -> Path:
    return jars / "training"


def _pid(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def _busy(jars: Path) -> bool:
    return process.find(_pid(jars / "training.pid"), _MODULE) is not None


if __name__ == "__main__":
    os.nice(19)
    train(Path(sys.argv[1]))
