"""Promise: each slot of a schedule is started once, by one scheduler of many; missed slots are caught up once; what is
paused, late, dead or under way is dealt with as documented. Time is given, never waited for."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from api import Api
from command import run_command
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from published import SIGNER, person

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.workers.detection_process import DetectionProcesses
from graphsvc.api.workers.scheduler import ACTOR, Scheduler
from graphsvc.api.workers.worker import Worker
from graphsvc.errors import Conflict, NotFound
from graphsvc.model.events import EventType
from graphsvc.model.runs import Run
from graphsvc.model.schedule import (
    ATTEMPTS,
    GRACE,
    JITTER,
    RETRY,
    Plan,
    ScheduledRun,
    ScheduleState,
    compute_jitter,
    find_due,
    judge_schedule,
    make_plan,
    parse_plan,
)
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.audit import Auditor
from graphsvc.store.audit_log import stream_entries
from graphsvc.store.control import SILENT_SECONDS, mark_failed
from graphsvc.store.events import read_events_after
from graphsvc.store.publish import begin_run
from graphsvc.store.schedule import (
    announce_late_run,
    claim_due_run,
    open_schedule,
    pause_schedule,
    read_state,
    resume_schedule,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DAILY = Plan(every=DAY)
NIGHTLY = Plan(cron="0 3 * * *")
PLANS = st.sampled_from(
    [
        DAILY,
        NIGHTLY,
        Plan(every=timedelta(minutes=7)),
        Plan(cron="*/15 8-18 * * 1-5"),
        Plan(cron="30 2 29 2 *"),
    ]
)
NEW = ScheduleState(
    plan=DAILY.text, since=START, slot=None, run=None, attempt=0, claimed_at=None, paused_at=None, paused_by=None,
    reason=None, covered_until=None, jitter_seed="seed", last_status=None, last_ended_at=None,
)  # fmt: skip


@given(PLANS, st.integers(0, 10**8))
def test_slots_are_those_of_the_plan_and_none_is_between_latest_and_next(plan: Plan, seconds: int) -> None:
    now = START + timedelta(seconds=seconds)
    latest, following = plan.find_latest(START, now), plan.find_next(START, now)
    assert parse_plan(plan.text) == plan
    assert following > now
    if latest is None:
        return
    assert START <= latest <= now
    assert plan.find_next(START, latest) == following
    assert plan.find_latest(START, following) == following
    assert plan.count_between(START, latest, following) == 0


@given(PLANS, st.lists(st.integers(1, 5 * 86_400), min_size=1, max_size=40))
def test_no_slot_is_lost_and_none_is_started_twice_whenever_it_is_looked(plan: Plan, gaps: list[int]) -> None:
    """A scheduler that looks at random times, as one does that is down now and then; each run ends at once."""
    state, now, started = replace(NEW, plan=plan.text), START, list[datetime]()
    for gap in gaps:
        now += timedelta(seconds=gap)
        due = find_due(plan, state, now, SILENT_SECONDS)
        if due is not None and now >= due.starts_at:
            started.append(due.slot)
            run = ScheduledRun("r", "published", None, 0)
            state = replace(
                state, slot=due.slot, run=run, attempt=due.attempt, claimed_at=now, covered_until=now
            )
    assert started == sorted(set(started))
    # Looked at once more when all jitter is over: the newest slot was started, or is started now.
    now += JITTER
    latest = plan.find_latest(START, now)
    due = find_due(plan, state, now, SILENT_SECONDS)
    if latest is not None and latest <= now - JITTER:
        assert (due is not None and now >= due.starts_at) or (state.covered_until or START) >= latest


@given(PLANS, st.text(max_size=8))
def test_jitter_is_a_part_of_the_interval_and_the_same_each_time(plan: Plan, seed: str) -> None:
    state = replace(NEW, jitter_seed=seed)
    slot = plan.find_next(START, START)
    jitter = compute_jitter(plan, state, slot)
    assert timedelta(0) <= jitter <= min(JITTER, (plan.find_next(START, slot) - slot) / 10)
    assert compute_jitter(plan, state, slot) == jitter


def test_jitter_differs_between_installations() -> None:
    found = {compute_jitter(DAILY, replace(NEW, jitter_seed=str(seed)), START) for seed in range(100)}
    assert len(found) == 100
    assert max(found) - min(found) > JITTER / 2


def test_a_dead_run_is_started_again_a_few_times_and_one_that_failed_by_itself_is_not() -> None:
    dead = ScheduledRun("r1", "running", None, SILENT_SECONDS + 1)
    state = replace(NEW, slot=START, run=dead, attempt=1, claimed_at=START)
    assert find_due(DAILY, state, START + RETRY / 2, SILENT_SECONDS) is None
    again = find_due(DAILY, state, START + RETRY, SILENT_SECONDS)
    assert again is not None
    assert (again.slot, again.attempt, again.former) == (START, 2, "r1")
    by_hand = replace(state, covered_until=START + timedelta(seconds=1))
    assert find_due(DAILY, by_hand, START + DAY / 2, SILENT_SECONDS) is None
    assert find_due(DAILY, replace(state, attempt=ATTEMPTS), START + DAY / 2, SILENT_SECONDS) is None
    for run in (
        replace(dead, silent_seconds=SILENT_SECONDS - 1),
        replace(dead, status="failed", error="resources"),
        replace(dead, status="published"),
    ):
        assert find_due(DAILY, replace(state, run=run), START + DAY / 2, SILENT_SECONDS) is None


def test_late_is_what_did_not_begin_in_time_unless_paused() -> None:
    at = START + compute_jitter(DAILY, NEW, START)
    assert judge_schedule(NEW, at + GRACE, SILENT_SECONDS).late_seconds == 0
    late = judge_schedule(NEW, at + GRACE + timedelta(seconds=60), SILENT_SECONDS)
    assert (late.late_seconds, late.next_run_at) == (GRACE.total_seconds() + 60, at)
    paused = judge_schedule(replace(NEW, paused_at=START), at + DAY, SILENT_SECONDS)
    assert (paused.late_seconds, paused.next_run_at) == (0, None)


@pytest.mark.parametrize(
    ("every", "cron"),
    [
        (DAY, "0 3 * * *"),
        (timedelta(minutes=1), None),
        (None, "61 * * * *"),
        (None, "0 3 30 2 *"),
        (None, "daily"),
    ],
)
def test_what_is_no_plan_is_said(every: timedelta | None, cron: str | None) -> None:
    with pytest.raises(ValueError, match=r"--every|--cron"):
        make_plan(every, cron)


def test_the_command_line_says_what_is_no_plan() -> None:
    done = run_command("serve", "--every", "24h", "--cron", "0 3 * * *")
    assert done.returncode == 2
    assert "two schedules" in done.stderr


def claim(store: Store, now: datetime, plan: Plan = DAILY, silent: float = SILENT_SECONDS) -> str | None:
    """What a scheduler's look starts."""
    return claim_due_run(
        store, Auditor(SIGNER, ACTOR, "service"), plan, now, engine="inprocess", algorithm="leiden", seed=1,
        silent_seconds=silent,
    )  # fmt: skip


def finish(store: Store, run: str, error: str = "resources") -> None:
    mark_failed(store, run, error)


def log_of(store: Store) -> list[tuple[str, str, dict[str, object]]]:
    return [
        (each.entry.act.action, each.entry.act.actor, each.entry.act.details)
        for each in stream_entries(store)
        if each.entry is not None
    ]


@pytest.fixture
def opened(database: Store) -> Store:
    open_schedule(database, DAILY, "seed", START)
    return database


def test_of_many_schedulers_one_claims_a_slot_and_the_log_says_so(opened: Store) -> None:
    now = START + JITTER
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: claim(opened, now), range(6)))
    (run,) = [each for each in found if each]
    assert [row["id"] for row in opened.read("detect/runs")] == [run]
    assert log_of(opened) == [
        ("startScheduledRun", ACTOR, {"slot": START.isoformat(), "plan": "every 86400s", "attempt": 1})
    ]
    # The plan and the beginning stay, whoever opens it again.
    open_schedule(opened, DAILY, "seed", START + DAY)
    state = read_state(opened)
    assert state is not None
    assert (state.since, state.slot, state.run and state.run.id) == (START, START, run)


def test_missed_slots_are_caught_up_once(opened: Store) -> None:
    first = claim(opened, START + JITTER)
    assert first
    finish(opened, first)
    after_days = START + 5 * DAY + timedelta(hours=3)
    second = claim(opened, after_days)
    assert second
    assert log_of(opened)[-1][2]["skipped"] == 4
    finish(opened, second)
    assert claim(opened, after_days + timedelta(hours=1)) is None
    assert claim(opened, START + 6 * DAY + JITTER)


def test_a_late_run_is_an_event_once_and_a_paused_one_is_none(opened: Store) -> None:
    at = START + compute_jitter(DAILY, replace(NEW, jitter_seed="seed"), START)
    late = at + GRACE + timedelta(seconds=1)
    assert announce_late_run(opened, DAILY, at + GRACE) is None
    assert read_events_after(opened, 0, 10) == []
    for hours in (0, 1):
        assert announce_late_run(opened, DAILY, late + timedelta(hours=hours)) == START
    (event,) = read_events_after(opened, 0, 10)
    assert (event.type, event.subject) == (EventType.RUN_LATE, "")
    assert event.data == {"dueAt": START.isoformat(), "plan": DAILY.text}
    assert claim(opened, late)
    assert announce_late_run(opened, DAILY, late) is None
    pause_schedule(opened, person("ada"), "", late)
    assert announce_late_run(opened, DAILY, late + 2 * DAY) is None
    assert len(read_events_after(opened, 0, 10)) == 1


def test_what_was_claimed_meanwhile_is_no_more_late(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    state = read_state(opened)
    assert claim(opened, START + DAY / 2)
    monkeypatch.setattr("graphsvc.store.schedule.read_state", lambda *_: state)
    assert announce_late_run(opened, DAILY, START + DAY / 2) is None
    assert read_events_after(opened, 0, 10) == []


def test_it_waits_for_a_run_that_is_under_way_and_a_dead_one_stands_in_no_way(opened: Store) -> None:
    assert claim(opened, START + JITTER)
    assert claim(opened, START + DAY + JITTER) is None
    # Nothing was heard of it since: another one begins, and the dead one is given up.
    assert claim(opened, START + DAY + JITTER, silent=-1)
    assert sorted(row["status"] for row in opened.read("detect/runs")) == ["running", "running"]


def test_a_run_that_never_began_is_started_again_and_can_begin_no_more(opened: Store) -> None:
    first = claim(opened, START + JITTER)
    assert first
    second = claim(opened, START + JITTER + RETRY, silent=-1)
    assert second
    runs = {row["id"]: (row["status"], row["error"]) for row in opened.read("detect/runs")}
    assert runs == {first: ("failed", "lost"), second: ("running", None)}
    run = Run(id=first, engine="inprocess", algorithm="leiden", seed=1, parameters={}, versions={})
    with pytest.raises(Conflict):
        begin_run(opened, run, START)
    begin_run(opened, replace(run, id=second), START)
    assert log_of(opened)[-1][2]["attempt"] == 2


def test_a_run_by_hand_stands_for_the_slots_before_it(database: Store) -> None:
    run = Run(id="by-hand", engine="inprocess", algorithm="leiden", seed=1, parameters={}, versions={})
    begin_run(database, run, START)
    now = datetime.now(UTC)
    open_schedule(database, DAILY, "seed", now)
    # The schedule counts from the last run: the next is due a day after it, not at once.
    state = read_state(database, silent_seconds=10**9)
    assert state is not None
    assert (state.since, state.slot) == (START, START)


def test_paused_nothing_starts_and_resumed_what_was_due_is_skipped(opened: Store) -> None:
    first = claim(opened, START + JITTER)
    assert first
    finish(opened, first)
    paused = pause_schedule(opened, person("boss"), "migration", START + timedelta(hours=1))
    assert (paused.is_paused, paused.paused_by, paused.reason) == (True, "boss", "migration")
    with pytest.raises(Conflict):
        pause_schedule(opened, person("boss"), "", START + DAY)
    assert claim(opened, START + 3 * DAY) is None
    now = START + 3 * DAY + timedelta(hours=1)
    assert resume_schedule(opened, person("boss"), now).next_run_at > START + 4 * DAY  # type: ignore[operator]
    with pytest.raises(Conflict):
        resume_schedule(opened, person("boss"), now)
    assert claim(opened, now) is None
    assert claim(opened, START + 4 * DAY + JITTER)
    assert [(action, actor) for action, actor, _ in log_of(opened)] == [
        ("startScheduledRun", ACTOR), ("pauseSchedule", "boss"), ("resumeSchedule", "boss"),
        ("startScheduledRun", ACTOR),
    ]  # fmt: skip
    assert log_of(opened)[2][2] == {"skipped": 3}


def test_without_a_schedule_there_is_nothing_to_pause(database: Store) -> None:
    with pytest.raises(NotFound):
        pause_schedule(database, person("boss"), "", START)
    assert claim(database, START) is None


def test_the_scheduler_starts_a_process_and_nothing_more_when_it_drains(
    opened: Store, installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def start_run(self: DetectionProcesses, run: str, *options: str) -> None:
        started.append(run)

    monkeypatch.setattr(DetectionProcesses, "start_run", start_run)

    async def look() -> None:
        async with Worker(opened.address, 30) as worker:
            processes = DetectionProcesses(worker, installation)
            clock, draining = [START], [False]
            scheduler = Scheduler(
                worker, processes, SIGNER, DAILY, now=lambda: clock[0], is_draining=lambda: draining[0]
            )
            clock[0] = START + JITTER
            assert started == [await scheduler.start_due_run()]
            finish(opened, started[0])
            assert await scheduler.start_due_run() is None
            clock[0] = START + DAY + JITTER
            draining[0] = True
            assert await scheduler.start_due_run() is None
            draining[0] = False
            scheduler.stop()
            assert await scheduler.start_due_run() is None
            await scheduler.run()

    asyncio.run(look())
    assert len(started) == 1


@pytest.fixture
def clients(opened: Store, installation: Settings) -> Iterator[dict[Role, Api]]:
    with TestClient(create_app(installation, opened.address)) as client:
        yield {role: Api(client, keys.create_key(installation.keys_dir, role)) for role in Role}


def test_health_metrics_graphql_and_the_command_line_say_how_it_stands(
    clients: dict[Role, Api], opened: Store, cli_environment: Path
) -> None:
    api = clients[Role.ADMIN]
    # It was due on the first of March, and it is later than that.
    body = api.client.get("/readyz").json()
    assert body["status"] == "ready"
    assert body["schedule"]["late"] is True
    metrics = api.client.get("/metrics", headers={"Authorization": f"Bearer {api.key}"}).text
    assert 'graphsvc_schedule{fact="late"} 1.0' in metrics
    seconds = float(metrics.split("\ngraphsvc_schedule_late_seconds ")[1].split("\n")[0])
    assert seconds > GRACE.total_seconds()
    found = clients[Role.VIEWER].data("{ schedule { plan isPaused lateSeconds nextRunAt lastRunFailed } }")[
        "schedule"
    ]
    assert (found["plan"], found["isPaused"]) == ("every 86400s", False)
    assert found["lateSeconds"] > 0
    paused = api.data('mutation { pauseSchedule(reason: "night work") { isPaused reason nextRunAt } }')
    assert paused["pauseSchedule"] == {"isPaused": True, "reason": "night work", "nextRunAt": None}
    assert "Paused by" in run_command("schedule", "status").stdout
    assert "night work" not in api.client.get("/readyz").text
    assert run_command("schedule", "resume", "--by", "boss").returncode == 0
    assert json.loads(run_command("schedule", "status", "--json").stdout)["is_paused"] is False
    assert run_command("schedule", "resume").returncode == 1
    assert run_command("schedule", "pause", "--reason", "again").returncode == 0


def test_without_a_schedule_health_says_none(database: Store, installation: Settings) -> None:
    with TestClient(create_app(installation, database.address)) as client:
        assert client.get("/readyz").json() == {"status": "ready"}


def test_a_service_that_is_told_to_opens_the_schedule(
    database: Store, installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def start_run(self: DetectionProcesses, run: str, *options: str) -> None:
        started.append(run)

    monkeypatch.setattr(DetectionProcesses, "start_run", start_run)
    with TestClient(create_app(installation, database.address, NIGHTLY)) as client:
        # Stopped at once: what it began to do it does to its end.
        assert client.get("/healthz").status_code == 200
    state = read_state(database)
    assert state is None or (state.plan, state.slot) == (NIGHTLY.text, None)
    assert started == []
