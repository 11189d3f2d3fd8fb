"""The schedule of detection runs: a slot is claimed in the transaction that opens the run's record and logs it."""

from dataclasses import asdict
from datetime import datetime
from uuid import uuid4

from graphsvc.errors import Conflict, NotFound
from graphsvc.events.build import build_late_event
from graphsvc.model.rows import parse_row
from graphsvc.model.schedule import (
    GRACE,
    DueRun,
    Plan,
    ScheduleHealth,
    ScheduleState,
    find_due,
    judge_schedule,
    parse_plan,
)
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store
from graphsvc.store.control import SILENT_SECONDS
from graphsvc.store.events import build_append_step
from graphsvc.store.queries.query import Query

STATE = Query("schedule/state", ScheduleState)


def open_schedule(store: Store, plan: Plan, seed: str, now: datetime) -> None:
    """Open the record of the schedule, or find it, and write down its plan.

    Args:
        store: the database.
        plan: when runs are due.
        seed: of the installation's jitter.
        now: time, UTC.
    """
    store.write("schedule/open", plan=plan.text, seed=seed, now=now)


def read_state(store: Store, silent_seconds: float = SILENT_SECONDS) -> ScheduleState | None:
    """Read the schedule; None: there is none. `silent_seconds`: without a word after which a run has died."""
    rows = store.read(STATE.statement, silent_ms=round(silent_seconds * 1000))
    return parse_row(ScheduleState, rows[0]) if rows else None


def claim_due_run(
    store: Store,
    auditor: Auditor,
    plan: Plan,
    now: datetime,
    *,
    engine: str,
    algorithm: str,
    seed: int,
    silent_seconds: float = SILENT_SECONDS,
) -> str | None:
    """Claim the run that is due, and return its id; a process is to be started for it. None: nothing is to be started.

    The claim, the run's record and the entry in the audit log are one transaction. So a scheduler that dies leaves
    nothing, and the next look claims the slot; or a run without a process, which is found dead and claimed again.

    Args:
        store: the database.
        auditor: the scheduler.
        plan: when runs are due.
        now: time, UTC.
        engine: where communities are computed.
        algorithm: of communities.
        seed: of the algorithm.
        silent_seconds: seconds without a word after which a run has died.
    """
    state = read_state(store, silent_seconds)
    due = find_due(plan, state, now, silent_seconds) if state else None
    if due is None or now < due.starts_at:
        return None
    run = f"r{uuid4().hex[:15]}"
    asked = {"id": run, "engine": engine, "algorithm": algorithm, "seed": seed, "by": auditor.actor}
    claim = {"slot": due.slot, "now": now, "run": run, "former": due.former, "attempt": due.attempt}
    done = auditor.write(
        store,
        "startScheduledRun",
        run,
        # What the former run left is cleared away before the new one looks for others that are under way.
        ("publish/fail", {"run": due.former or "", "error": "lost"}),
        guards=(
            ("schedule/claim", claim),
            ("publish/request", {**asked, "silent_ms": round(silent_seconds * 1000)}),
        ),
        details=_describe(due, plan),
    )
    return run if done else None


def announce_late_run(
    store: Store, plan: Plan, now: datetime, silent_seconds: float = SILENT_SECONDS
) -> datetime | None:
    """Write the event of a slot whose run is late, once however often it is said, and return the slot.

    Args:
        store: the database.
        plan: when runs are due.
        now: time, UTC.
        silent_seconds: seconds without a word after which a run has died.

    Returns:
        None if no run is late, or another scheduler has just started it.
    """
    state = read_state(store, silent_seconds)
    due = find_due(plan, state, now, silent_seconds) if state else None
    if due is None or due.former is not None or now - due.starts_at <= GRACE:
        return None
    event = build_late_event(due.slot, plan.text)
    written = store.write_guarded(("schedule/late", {"slot": due.slot}), build_append_step([event]))
    return due.slot if written else None


def pause_schedule(store: Store, auditor: Auditor, reason: str, now: datetime) -> ScheduleHealth:
    """Pause the schedule. A run that is under way continues.

    Raises:
        NotFound: there is no schedule.
        Conflict: it is paused already.
    """
    _require_state(store)
    guard = ("schedule/pause", {"by": auditor.actor, "reason": reason, "now": now})
    if not auditor.write(store, "pauseSchedule", "detection", guards=(guard,), reason=reason):
        raise Conflict("The schedule is paused already.", "`graphsvc schedule status` says by whom.")
    return judge_schedule(_require_state(store), now, SILENT_SECONDS)


def resume_schedule(store: Store, auditor: Auditor, now: datetime) -> ScheduleHealth:
    """Resume the schedule. Runs that were due meanwhile are skipped, and the log says how many.

    Raises:
        NotFound: there is no schedule.
        Conflict: it is not paused.
    """
    state = _require_state(store)
    plan = parse_plan(state.plan)
    latest = plan.find_latest(state.since, now)
    paused = state.paused_at or now
    skipped = plan.count_between(state.since, paused, latest) + 1 if latest and latest > paused else 0
    # The newest slot that has passed counts as done: its run would else start at once.
    guard = ("schedule/resume", {"slot": latest})
    details = {"skipped": skipped}
    if not auditor.write(store, "resumeSchedule", "detection", guards=(guard,), details=details):
        raise Conflict("The schedule is not paused.", "There is nothing to do.")
    return judge_schedule(_require_state(store), now, SILENT_SECONDS)


def read_health(store: Store, now: datetime) -> ScheduleHealth:
    """Read how the schedule stands.

    Raises:
        NotFound: there is no schedule.
    """
    return judge_schedule(_require_state(store), now, SILENT_SECONDS)


def _require_state(store: Store) -> ScheduleState:
    state = read_state(store)
    if state is None:
        raise NotFound("There is no schedule.", "Begin one with `graphsvc serve --every 24h`.")
    return state


def _describe(due: DueRun, plan: Plan) -> dict[str, object]:
    said = {**asdict(due), "slot": due.slot.isoformat(), "plan": plan.text}
    del said["starts_at"]
    return {name: value for name, value in said.items() if value not in (None, 0)}
