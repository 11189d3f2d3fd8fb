"""Run `graphsvc` commands in forks of one process that has imported everything.

A start of Python with all imports takes one to two seconds of processor time; a fork takes none of it. The code that
runs is that of the command, from `main` on. Requests come as lines of JSON on standard input, events leave on standard
output. Limits of the system and preloaded libraries need a process of their own: see `commands.run_apart`.
"""

import gc
import json
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

PARTS = (
    "graphsvc.cli.commands", "graphsvc.database", "graphsvc.detection", "graphsvc.loading", "graphsvc.loading.bulk",
    "graphsvc.api.app", "graphsvc.api.server", "graphsvc.community.engines", "graphsvc.community.inprocess",
    "graphsvc.exchange.tables", "graphsvc.store.snapshots", "graphsvc.store.audit_log", "graphsvc.signing",
)  # fmt: skip
"""What commands import when they run."""


def main() -> None:
    """Serve requests until standard input ends; then kill what still runs."""
    for name in PARTS:
        __import__(name)
    gc.collect()
    gc.freeze()
    running: dict[int, int] = {}
    send({"ready": True})
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.02 if running else 1.0)
        if readable:
            more = os.read(0, 65_536)
            if not more:
                break
            *lines, pending = (pending + more).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                pid = start(asked)
                running[pid] = asked["id"]
                send({"id": asked["id"], "pid": pid})
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                send({"id": running.pop(pid), "status": os.waitstatus_to_exitcode(status)})
    for pid in running:
        os.killpg(pid, signal.SIGKILL)


def send(event: dict[str, Any]) -> None:
    """Send an event to who asks."""
    os.write(1, json.dumps(event).encode() + b"\n")


def start(asked: dict[str, Any]) -> int:
    """Fork a process that runs a command; return its number."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        streams = ((os.devnull, os.O_RDONLY), (asked["out"], os.O_WRONLY), (asked["err"], os.O_WRONLY))
        for number, (path, how) in enumerate(streams):
            opened = os.open(path, how | (os.O_CREAT | os.O_TRUNC if how else 0), 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.environ.clear()
        os.environ.update(asked["env"])
        status = run(asked)
    except BaseException:  # noqa: BLE001  # as the interpreter does it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def run(asked: dict[str, Any]) -> int:
    """Run the command in this process; return its exit status."""
    from graphsvc.cli import main as command
    from graphsvc.settings import load_settings

    load_settings.cache_clear()
    sys.argv = ["graphsvc", *asked["argv"]]
    if asked.get("die_in") is not None:
        die_while_publishing(float(asked["die_in"]))
    try:
        command()
    except SystemExit as end:
        if isinstance(end.code, int):
            return end.code
        if end.code:
            print(end.code, file=sys.stderr)
        return int(end.code is not None)
    return 0


def die_while_publishing(seconds: float) -> None:
    """Kill this process some seconds after it began to publish: no moment from outside is as exact."""
    from graphsvc import detection

    publish: Callable[..., None] = detection.publish

    def dying(*given: Any, **more: Any) -> None:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
        publish(*given, **more)

    detection.publish = dying


if __name__ == "__main__":
    main()
