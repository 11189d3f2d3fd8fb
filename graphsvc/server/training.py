"""Start and stop the trainer, which makes the JVM's start fast (see `train`).

It runs along with the first server, at the lowest priority, and ends with it. It is only an optimization: if
it cannot run, nothing is reported and nothing is lost.
"""

import shutil
import sys
from pathlib import Path

from graphsvc import host
from graphsvc.files import write_atomically
from graphsvc.server import process, sizing
from graphsvc.server.home import Home
from graphsvc.server.java import Jvm

_MODULE = "graphsvc.server.train"
_MEMORY = 2048 * sizing.MIB
_ROOM = 1 << 30


def launch_trainer(jvm: Jvm, home: Home) -> None:
    """Start a trainer for the server of `home`, unless one runs or memory or disk are short."""
    running = process.find_process(_read_pid(jvm.jars / "training.pid"), _MODULE)
    short = host.read_memory().available < _MEMORY or shutil.disk_usage(jvm.jars).free < _ROOM
    if running is not None or short:
        return
    command = [sys.executable, "-m", _MODULE, str(jvm.jars)]
    trainer = process.spawn_process(command, jvm.jars / "training.log", jvm.jars)
    process.release_process(trainer)
    for note in (jvm.jars / "training.pid", home.trainer):
        write_atomically(note, str(trainer.pid))


def stop_trainer(home: Home) -> None:
    """Stop the trainer that was started for the server of `home`, if it still runs."""
    trainer = process.find_process(_read_pid(home.trainer), _MODULE)
    if trainer is not None:
        jars = Path(trainer.cmdline()[-1])
        process.kill_session(trainer)
        shutil.rmtree(get_workshop(jars), ignore_errors=True)
    home.trainer.unlink(missing_ok=True)


def get_workshop(jars: Path) -> Path:
    """Return the trainer's directory. It is removed at the trainer's end."""
    return jars / "training"


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
