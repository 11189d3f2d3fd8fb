"""Tell when runs are due: plans, the slots they give, and which slot is to be started now. No clock is read here."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cronsim import CronSim, CronSimError

from graphsvc.model.rows import Column

SHORTEST = timedelta(minutes=5)
"""Interval of a plan at least: a run over a thousand accounts takes seconds, over a million minutes."""
JITTER = timedelta(minutes=5)
"""A run starts up to so long after its slot, so that installations of one plan do not all begin at once."""
JITTER_SHARE = 10
"""Of the time to the next slot the jitter takes a tenth at most."""
GRACE = timedelta(minutes=5)
"""A run that begins so long after its time is late: several looks of the scheduler, and a restart of it."""
ATTEMPTS = 3
"""How often a slot is started whose runs died without a word: a fourth time would hardly do better."""
RETRY = timedelta(minutes=1)
"""Wait before the second attempt; twice as long before the third."""
MOST_COUNTED = 1_000
"""Slots that passed are counted up to here: after a year of downtime it matters no more how many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Times at which runs are due, in UTC: every so often, or by a cron expression. One of both is set."""

    every: timedelta | None = None
    cron: str | None = None

    @property
    def text(self) -> str:
        """Return the plan as text, which `parse_plan` reads."""
        return f"cron {self.cron}" if self.every is None else f"every {round(self.every.total_seconds())}s"

    def find_latest(self, since: datetime, now: datetime) -> datetime | None:
        """Return the newest slot that is not after `now`; None if there is none since the schedule began."""
        if self.every is not None:
            return since + (now - since) // self.every * self.every if now >= since else None
        # The library looks before a time, not at it.
        slot = next(CronSim(self._cron, now.astimezone(UTC) + timedelta(seconds=1), reverse=True))
        return slot if slot > since else None

    def find_next(self, since: datetime, now: datetime) -> datetime:
        """Return the first slot after `now`."""
        if self.every is not None:
            return since if now < since else since + ((now - since) // self.every + 1) * self.every
        return next(CronSim(self._cron, max(now, since).astimezone(UTC)))

    def count_between(self, since: datetime, after: datetime, before: datetime) -> int:
        """Count slots between two times, both excluded; `MOST_COUNTED` at most."""
        count, slot = 0, self.find_next(since, after)
        while slot < before and count < MOST_COUNTED:
            count, slot = count + 1, self.find_next(since, slot)
        return count

    @property
    def _cron(self) -> str:
        return self.cron or ""


def make_plan(every: timedelta | None, cron: str | None) -> Plan | None:
    """Return the plan that a person asked for; None if there is none.

    Raises:
        ValueError: both are given, the interval is too short, or the expression is none.
    """
    if every is not None and cron is not None:
        raise ValueError("--every and --cron are two schedules; pass one of them")
    if every is not None:
        if every < SHORTEST:
            raise ValueError("--every is 5m or more")
        return Plan(every=every)
    if cron is None:
        return None
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(
            f"{cron!r} is no cron expression ({error or 'it is never due'}); pass minute, hour, day, month and weekday "
            'in UTC, for example --cron "0 3 * * *"'
        ) from None
    return Plan(cron=cron)


def parse_plan(text: str) -> Plan:
    """Return the plan of a text that `Plan.text` gave."""
    kind, _, said = text.partition(" ")
    return Plan(cron=said) if kind == "cron" else Plan(every=timedelta(seconds=int(said.removesuffix("s"))))


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """The run that was started for a slot. `silent_seconds`: since it was last heard of."""

    id: str
    status: str
    error: str | None
    silent_seconds: float


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """The schedule as the database has it.

    Attributes:
        plan: as text.
        since: time from which slots count; of an interval the first of them.
        slot: the newest one that was started or passed over; None: there was none.
        run: the one started for it; None: none was.
        attempt: how often it was started.
        claimed_at: when it was, last.
        paused_at: since when nothing is started; None: it is not paused.
        paused_by: who paused it.
        reason: why.
        covered_until: start of the newest run that neither failed nor died, scheduled or started by a person.
        jitter_seed: of the installation whose scheduler looked last.
        last_status: of the newest run that ended.
        last_ended_at: when that was.
    """

    plan: str
    since: datetime
    slot: datetime | None
    run: Annotated[ScheduledRun | None, Column("run")]
    attempt: int
    claimed_at: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    reason: str | None
    covered_until: datetime | None
    jitter_seed: str
    last_status: str | None
    last_ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueRun:
    """A slot to be started.

    Attributes:
        slot: its time.
        starts_at: with the jitter.
        skipped: slots before it that passed without a run.
        attempt: 1, or more if the runs before died.
        former: the one that died; None: it is the first.
    """

    slot: datetime
    starts_at: datetime
    skipped: int = 0
    attempt: int = 1
    former: str | None = None


def find_due(plan: Plan, state: ScheduleState, now: datetime, silent_seconds: float) -> DueRun | None:
    """Return the slot that is to be started now or that waits for its jitter; None: none is due.

    Of slots that were missed the newest counts, once. A run that someone else began since then stands for it.

    Args:
        plan: when runs are due.
        state: what the database knows.
        now: time, UTC.
        silent_seconds: seconds without a word after which a run has died.
    """
    if state.paused_at is not None:
        return None
    latest = plan.find_latest(state.since, now)
    done = max((each for each in (state.slot, state.covered_until) if each is not None), default=None)
    if latest is not None and (done is None or latest > done):
        skipped = 0 if done is None else plan.count_between(state.since, done, latest)
        return DueRun(latest, latest + compute_jitter(plan, state, latest), skipped)
    if state.slot is None or state.claimed_at is None or not _has_died(state.run, silent_seconds):
        return None
    # A run by hand that began after it stands for it.
    if state.covered_until is not None and state.covered_until > state.claimed_at:
        return None
    retry_at = state.claimed_at + RETRY * state.attempt
    if state.attempt >= ATTEMPTS or now < retry_at or state.run is None:
        return None
    return DueRun(state.slot, retry_at, 0, state.attempt + 1, state.run.id)


def _has_died(run: ScheduledRun | None, silent_seconds: float) -> bool:
    """Return whether a run ended without saying why: it was killed, or never began."""
    if run is None:
        return False
    if run.status == "running":
        return run.silent_seconds > silent_seconds
    # A run that failed by itself, say for lack of memory, would fail again.
    return run.status == "failed" and run.error in DIED


DIED = frozenset(("lost", "interrupted", "the process ended"))
"""What the record of a run says that did not end by itself."""


def compute_jitter(plan: Plan, state: ScheduleState, slot: datetime) -> timedelta:
    """Return how long after a slot its run starts: the same for all processes of an installation."""
    longest = min(JITTER, (plan.find_next(state.since, slot) - slot) / JITTER_SHARE)
    digest = hashlib.sha256(f"{state.jitter_seed}/{round(slot.timestamp())}".encode()).digest()
    return longest * (int.from_bytes(digest[:8]) / 2**64)


@dataclass(frozen=True, slots=True)
class ScheduleHealth:
    """The schedule of detection runs."""

    plan: Annotated[str, "The plan, in UTC: `every 86400s`, or `cron 0 3 * * *`."]
    is_paused: Annotated[bool, "Whether it is paused: nothing is started."]
    paused_at: Annotated[datetime | None, "Since when it is paused."]
    paused_by: Annotated[str | None, "Who paused it."]
    reason: Annotated[str | None, "Why it is paused, if that was said."]
    next_run_at: Annotated[datetime | None, "When the next run starts, or should have; null: it is paused."]
    late_seconds: Annotated[float, "How late the next run is; 0: it is not."]
    last_slot: Annotated[datetime | None, "The last time that a run was due and started."]
    last_run_id: Annotated[str | None, "Id of that run."]
    last_run_failed: Annotated[bool, "Whether the newest run that ended failed, whoever began it."]


def judge_schedule(state: ScheduleState, now: datetime, silent_seconds: float) -> ScheduleHealth:
    """Return how the schedule stands. It needs no scheduler: a dead one is late."""
    plan = parse_plan(state.plan)
    due = find_due(plan, state, now, silent_seconds)
    upcoming = plan.find_next(state.since, now)
    at = due.starts_at if due else upcoming + compute_jitter(plan, state, upcoming)
    late = now - at if due and now - at > GRACE else timedelta(0)
    paused = state.paused_at is not None
    return ScheduleHealth(
        plan=state.plan,
        is_paused=paused,
        paused_at=state.paused_at,
        paused_by=state.paused_by,
        reason=state.reason,
        next_run_at=None if paused else at,
        late_seconds=late.total_seconds(),
        last_slot=state.slot if state.run else None,
        last_run_id=state.run.id if state.run else None,
        last_run_failed=state.last_status == "failed",
    )
