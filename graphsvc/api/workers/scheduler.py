"""Start detection runs when they are due. Any number of services may do so: each slot is claimed in the database."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from graphsvc.api.workers.detection_process import DetectionProcesses
from graphsvc.api.workers.worker import Worker
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.engines import Engine
from graphsvc.errors import GraphsvcError
from graphsvc.model.schedule import Plan, ScheduleHealth, judge_schedule
from graphsvc.signing import Signer
from graphsvc.store.audit import Auditor
from graphsvc.store.control import SILENT_SECONDS
from graphsvc.store.reader import Reader
from graphsvc.store.schedule import STATE, announce_late_run, claim_due_run, open_schedule

log = logging.getLogger("graphsvc.api")

LOOKING_SECONDS = 15.0
"""Between two looks at what is due: a run may begin so much later than its time."""
ACTOR = "schedule"
"""The scheduler in the audit log and in the records of its runs."""


class Scheduler:
    """Looks at what is due, claims it, and starts a process for it, until it is stopped."""

    def __init__(
        self,
        worker: Worker,
        processes: DetectionProcesses,
        signer: Signer,
        plan: Plan,
        *,
        is_draining: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        """Initialize.

        Args:
            worker: reads and writes the database.
            processes: starts the processes of runs.
            signer: signs entries of the audit log; its public key seeds the jitter.
            plan: when runs are due.
            is_draining: whether the service is about to stop; then nothing is started.
            now: the clock.
            silent_seconds: seconds without a word after which a run has died.
        """
        self._worker = worker
        self._processes = processes
        self._auditor = Auditor(signer, ACTOR, "service")
        self._seed = signer.public
        self._plan = plan
        self._is_draining = is_draining
        self._now = now
        self._stopping = asyncio.Event()
        self._silent_seconds = silent_seconds

    async def run(self) -> None:
        """Look at what is due, again and again, until `stop`."""
        while not self._stopping.is_set():
            try:
                await self.start_due_run()
            except GraphsvcError as error:
                # The database is away, or busy: the slot stays due.
                log.warning("the schedule could not be looked at: %s", error.code)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOKING_SECONDS)

    def stop(self) -> None:
        """Start nothing more. What is being started is started to its end."""
        self._stopping.set()

    async def start_due_run(self) -> str | None:
        """Start the run that is due, and return its id; None: none is, or another scheduler started it."""
        if self._stopping.is_set() or self._is_draining():
            return None
        now, defaults = self._now(), Parameters()
        await self._worker.run(open_schedule, self._plan, self._seed, now)
        # Before it is claimed: a run that begins late was late.
        await self._worker.run(announce_late_run, self._plan, now, self._silent_seconds)
        run = await self._worker.run(
            claim_due_run,
            self._auditor,
            self._plan,
            now,
            engine=Engine.INPROCESS.value,
            algorithm=defaults.algorithm.value,
            seed=defaults.seed,
            silent_seconds=self._silent_seconds,
        )
        if run is not None:
            log.info("scheduled run %s begins", run)
            await self._processes.start_run(run)
        return run


async def load_health(reader: Reader) -> ScheduleHealth | None:
    """Return how the schedule stands; None: there is none. Any service can say so, with a scheduler or without."""
    states = await reader.read(STATE, silent_ms=SILENT_SECONDS * 1000)
    return judge_schedule(states[0], datetime.now(UTC), SILENT_SECONDS) if states else None
