"""Kill the command `graphsvc` at a moment of its writing, and run it again."""

import os
import signal
import subprocess
import sys
import time

from graphs import checksum_content

from graphsvc.store import Store

SMALL = 100
"""Rows of a batch here, so that a small bundle has several in its larger steps."""
SCRIPT = f"""
import itertools, os, sys, threading, time
from graphsvc.cli import main
from graphsvc.sources.kafka import TopicSource
from graphsvc.store import Store, addresses, loads

addresses.BATCH = loads.BATCH = {SMALL}
TopicSource.read_batch.__defaults__ = ({SMALL}, 5.0)
last, seconds = int(sys.argv.pop(1)), float(sys.argv.pop(1))
count = itertools.count()

def watch(write):
    def write_watched(*given, **named):
        number = next(count)
        if number == last:
            threading.Timer(seconds, os.kill, (os.getpid(), 9)).start()
        elif number == last + 1 and last >= 0:
            time.sleep(60)  # it wrote what came before it was killed; it is to come no further
        return write(*given, **named)
    return write_watched

# `write_guarded` calls `write_all_guarded`, so each transaction is seen once.
Store.write_all_guarded = watch(Store.write_all_guarded)
Store.run_transaction = watch(Store.run_transaction)
main()
"""
"""The command with small batches, killed some seconds after it began its transaction `last`; -1: never."""


def run_killed(
    last: int, seconds: float, *words: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `graphsvc WORDS`, killed at that moment. Without one it runs to its end."""
    command = [sys.executable, "-c", SCRIPT, str(last), str(seconds), *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def was_killed(done: subprocess.CompletedProcess[str]) -> bool:
    """Return whether a call was killed, and did not end by itself before."""
    return done.returncode == -signal.SIGKILL


def run_until_loaded(store: Store, *words: str) -> tuple[int, str, str]:
    """Run the command until the database holds something, ask it to stop, and return its status, output and errors."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from graphsvc.cli import main; main()", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy(),
    )  # fmt: skip
    end = time.monotonic() + 120
    while checksum_content(store)[0] == 0 and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err
