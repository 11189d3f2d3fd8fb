"""Start commands of `graphsvc`, and judge how they ended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from graphsvc import errors

PATIENCE = 240.0
"""Seconds a command may take on a busy machine; one that takes longer hangs."""
CRIES = ("Traceback (most recent call last)", "panicked at", "Fatal Python error", "Exception in thread",
         "Segmentation fault", "core dumped", "#\n# A fatal error")  # fmt: skip
"""What no command may print, however it ends."""


def list_statuses() -> frozenset[int]:
    """Return the exit statuses of the family of errors; 130 is that of Ctrl-C and 2 that of a wrong call."""
    family = [errors.GraphsvcError]
    for each in family:
        family += each.__subclasses__()
    return frozenset(each.exit_status for each in family) | {2, 130}


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its exit status (negative: a signal), what it printed, and the seconds it took."""

    status: int
    out: str
    err: str
    seconds: float

    def list_faults(self) -> list[str]:
        """List what is not as promised: a traceback, or a failure that is none of ours."""
        found = [f"it printed {cry!r}" for cry in CRIES if cry in self.err or cry in self.out]
        # Click names a wrong call in lines of its own, with status 2.
        spoken = (
            "graphsvc: " in self.err or (self.status == 2 and "Usage: " in self.err) or self.status == 130
        )
        if self.status > 0 and (self.status not in list_statuses() or not spoken):
            found.append(f"it ended with status {self.status} and said {self.err[-300:]!r}")
        if self.status < 0 and self.status != -signal.SIGKILL:
            found.append(f"signal {-self.status} ended it: {self.err[-300:]!r}")
        return found

    @property
    def said(self) -> str:
        """The first line of its error, if it failed with one."""
        _, found, text = self.err.rpartition("graphsvc: ")
        return text.splitlines()[0][:160] if found and text.strip() else ""


@dataclass(slots=True)
class Running:
    """A command that runs, or ran."""

    number: int
    out: Path
    err: Path
    began: float
    started: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    pid: int = 0
    status: int = 0
    at: float = 0.0

    def kill(self, how: int = signal.SIGKILL) -> bool:
        """Send a signal to the process and what it started; False if it has ended."""
        self.started.wait(30)
        if self.ended.is_set():
            return False
        try:
            os.killpg(self.pid, how)
        except ProcessLookupError:
            return False
        return True

    def wait(self, patience: float = PATIENCE) -> Done:
        """Wait for its end; one that hangs is killed and reported with status 255."""
        hangs = not self.ended.wait(patience)
        if hangs:
            self.kill()
            self.ended.wait(30)
        out, err = (
            path.read_text(errors="replace") if path.exists() else "" for path in (self.out, self.err)
        )
        return Done(255 if hangs else self.status, out, err, (self.at or time.time()) - self.began)


class Commands:
    """Starts commands in forks of one process, see `forks`."""

    def __init__(self, scratch: Path, root: Path, more: Mapping[str, str] | None = None) -> None:
        """Start the process.

        Args:
            scratch: folder for what commands print.
            root: of the code.
            more: variables of its environment and of all commands'.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        self._scratch = scratch
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("GRAPHSVC_")
        }
        self.environment |= {
            **(more or {}),
            "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2", "COLUMNS": "200",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.faults.forks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=self.environment, cwd=root,
        )  # fmt: skip
        self._running: dict[int, Running] = {}
        self._count = 0
        self._ready = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        if not self._ready.wait(300):
            raise RuntimeError("the process that commands are forked of did not start")

    def close(self) -> None:
        """End it and all commands."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(30)

    def start(
        self, argv: Sequence[object], settings: Mapping[str, str], die_in: float | None = None
    ) -> Running:
        """Start `graphsvc ARGV` with settings as variables; `die_in`: see `forks.die_while_publishing`."""
        self._count += 1
        running = self._file(self._count)
        self._running[self._count] = running
        asked = {
            "id": self._count, "argv": [str(word) for word in argv], "env": {**self.environment, **settings},
            "out": str(running.out), "err": str(running.err), "die_in": die_in,
        }  # fmt: skip
        if self._process.stdin is None:
            raise RuntimeError("the process that commands are forked of has ended")
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        running.started.wait(60)
        return running

    def run(self, argv: Sequence[object], settings: Mapping[str, str]) -> Done:
        """Run `graphsvc ARGV` to its end."""
        return self.start(argv, settings).wait()

    def run_apart(
        self,
        argv: Sequence[object],
        settings: Mapping[str, str],
        limits: Mapping[str, int] | None = None,
        patience: float = PATIENCE,
        ends: str = "",
    ) -> Done:
        """Run `graphsvc ARGV` as a process from its start on.

        Args:
            argv: arguments.
            settings: variables of the environment.
            limits: of the system by the letter of `ulimit`, for example n: 64.
            patience: seconds until it is killed; its status is 255 then.
            ends: text on standard error after which it is stopped with SIGTERM, as a service would be.
        """
        self._count += 1
        file = self._file(self._count)

        limit = "".join(f"ulimit -{letter} {most}; " for letter, most in (limits or {}).items())
        command = [
            "/bin/sh",
            "-c",
            f'{limit}exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "graphsvc",
            *map(str, argv),
        ]
        with file.out.open("wb") as out, file.err.open("wb") as err:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**self.environment, **settings}, start_new_session=True,
            )  # fmt: skip
            deadline, hangs = time.time() + patience, False
            while process.poll() is None:
                if ends and ends in file.err.read_text(errors="replace"):
                    process.terminate()
                    ends = ""
                if time.time() > deadline:
                    hangs = True
                    os.killpg(process.pid, signal.SIGKILL)
                time.sleep(0.05)
        out_text, err_text = file.out.read_text(errors="replace"), file.err.read_text(errors="replace")
        return Done(255 if hangs else process.returncode, out_text, err_text, time.time() - file.began)

    def _file(self, number: int) -> Running:
        names = (self._scratch / f"{number}.out", self._scratch / f"{number}.err")
        return Running(number, *names, time.time())

    def _listen(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            event = json.loads(line)
            if "ready" in event:
                self._ready.set()
                continue
            running = self._running[event["id"]]
            if "pid" in event:
                running.pid = event["pid"]
                running.started.set()
            else:
                running.status, running.at = event["status"], time.time()
                running.ended.set()
                del self._running[event["id"]]
