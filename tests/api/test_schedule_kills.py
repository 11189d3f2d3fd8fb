"""Promise: a scheduler killed at any moment loses no run and doubles none.

A scheduler of its own process is killed while it claims a slot and starts a run. Another one then looks, as after a
restart, until the slot is done. Silence of a run whose process is gone is not waited for.
"""

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from graphs import ring_bundle
from published import SIGNER

from graphsvc.api.workers.detection_process import DetectionProcesses
from graphsvc.api.workers.scheduler import Scheduler
from graphsvc.api.workers.worker import Worker
from graphsvc.loading import load_bundle
from graphsvc.model.schedule import JITTER, RETRY, Plan
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store
from graphsvc.store.audit_log import stream_entries
from graphsvc.store.control import SILENT_SECONDS
from graphsvc.store.schedule import open_schedule

HOURLY = Plan(every=timedelta(hours=1))
START = datetime(2030, 1, 1, tzinfo=UTC)
"""Later than the runs of the test begin by the database's clock, so that none stands for a slot by hand."""
LOOK = 0.8
"""Seconds in which a look at the schedule, with its claim and the start of a process, is over on a busy machine."""
CLAIMED = "claimed"
"""The moment between the claim and the start of its process."""
UNCLAIMED = "unclaimed"
"""The moment before the claim. Both are named, since a look may take less time than any number that is drawn."""
PROGRAM = """
import asyncio, os, sys, threading
from datetime import datetime, timedelta
from graphsvc.api.workers import scheduler as looking
from graphsvc.api.workers.detection_process import DetectionProcesses
from graphsvc.api.workers.scheduler import Scheduler
from graphsvc.api.workers.worker import Worker
from graphsvc.database import open_store
from graphsvc.model.schedule import Plan
from graphsvc.settings import load_settings
from graphsvc.signing import Signer

now, moment, settings = datetime.fromisoformat(sys.argv[1]), sys.argv[2], load_settings()

def die(*_, **__):
    os.kill(os.getpid(), 9)

async def look():
    with open_store(settings, lambda _: None) as store:
        address = store.address
    async with Worker(address, 30) as worker:
        scheduler = Scheduler(
            worker, DetectionProcesses(worker, settings), Signer(b"a key for tests, 32 bytes long.."),
            Plan(every=timedelta(hours=1)), now=lambda: now,
        )
        if moment == "claimed":
            DetectionProcesses.start_run = die
        elif moment == "unclaimed":
            looking.claim_due_run = die
        else:
            threading.Timer(float(moment), die).start()
        await scheduler.start_due_run()
        await asyncio.sleep(60)

asyncio.run(look())
"""


def statuses(store: Store) -> dict[str, str]:
    return {row["id"]: row["status"] for row in store.read("detect/runs")}


def find_processes(run: str) -> list[psutil.Process]:
    """The living processes of a run."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if run in words and "detect" in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def list_started(store: Store) -> dict[str, str]:
    """Runs that the audit log says were started, with their slots."""
    acts = [each.entry.act for each in stream_entries(store) if each.entry is not None]
    return {act.subject: act.details["slot"] for act in acts if act.action == "startScheduledRun"}


async def finish_slot(store: Store, settings: Settings, slot: datetime) -> None:
    """Look as a scheduler does after a restart, until the slot has a run that published."""
    clock = slot + JITTER
    async with Worker(store.address, 30) as worker:
        processes = DetectionProcesses(worker, settings)
        while True:
            runs = [run for run, at in list_started(store).items() if at == slot.isoformat()]
            if any(statuses(store)[run] in ("published", "superseded") for run in runs):
                return
            alive = any(find_processes(run) for run in runs)
            # Where no process of it is left, the time passes in which it is heard of no more.
            silent = SILENT_SECONDS if alive else -1
            scheduler = Scheduler(worker, processes, SIGNER, HOURLY, now=lambda: clock, silent_seconds=silent)  # noqa: B023
            begun = await scheduler.start_due_run()
            assert not (alive and begun), "it was started again while it ran"
            clock += RETRY / 10
            await asyncio.sleep(0.5)


def kill_at(moments: list[str], store: Store, settings: Settings) -> Counter[str]:
    """Kill a scheduler once a slot, then let another one finish it; count what the killed ones left."""
    left: Counter[str] = Counter()
    open_schedule(store, HOURLY, SIGNER.public, START)
    for number, moment in enumerate(moments):
        slot = START + number * timedelta(hours=1)
        command = [sys.executable, "-c", PROGRAM, (slot + JITTER).isoformat(), moment]
        killed = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        runs = [run for run, at in list_started(store).items() if at == slot.isoformat()]
        alive = any(find_processes(run) for run in runs)
        left["nothing" if not runs else "a run" if alive else "a claim"] += 1
        asyncio.run(finish_slot(store, settings, slot))
    return left


def check_runs(store: Store, slots: int) -> None:
    """Each slot has one run that published, and runs that began for nothing published nothing."""
    started, ended = list_started(store), statuses(store)
    assert set(ended) == set(started)
    published = Counter(
        started[run] for run, status in ended.items() if status in ("published", "superseded")
    )
    assert published == dict.fromkeys([(START + n * timedelta(hours=1)).isoformat() for n in range(slots)], 1)
    assert {ended[run] for run in started} <= {"published", "superseded", "failed"}


@pytest.fixture
def loaded(database: Store, installation: Settings, cli_environment: Path, tmp_path: Path) -> Store:
    bundle = ring_bundle(tmp_path / "bundle", singles=20)
    load_bundle(database, bundle, load_or_create_key(installation), tmp_path / "dead")
    return database


def test_killed_before_the_claim_between_it_and_its_process_and_right_after(
    loaded: Store, installation: Settings
) -> None:
    left = kill_at([UNCLAIMED, CLAIMED, str(LOOK)], loaded, installation)
    assert (left["nothing"], left["a claim"] >= 1) == (1, True)
    check_runs(loaded, 3)


@pytest.mark.kills
def test_killed_at_fifty_moments(loaded: Store, installation: Settings) -> None:
    moment = random.Random(24)
    named = {0: CLAIMED, 5: UNCLAIMED}
    moments = [named.get(n % 10) or f"{moment.uniform(0, LOOK):.4f}" for n in range(50)]
    left = kill_at(moments, loaded, installation)
    print(f"\nscheduler: fifty kills left: {dict(left)}")
    # Else no moment fell into what the test is about.
    assert all(left[what] for what in ("nothing", "a claim", "a run"))
    check_runs(loaded, 50)
