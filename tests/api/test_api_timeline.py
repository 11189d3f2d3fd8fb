"""Promise: a cluster's timeline counts each sign-up, ban, replacement and request once, in the bucket of its moment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from api import Api
from around import served

from graphsvc.settings import Settings
from graphsvc.store import Store


@pytest.fixture(scope="module")
def api(open_database: Store, installation: Settings) -> Iterator[Api]:
    with served(open_database, installation) as api:
        yield api


def timeline(api: Api, by: str, **window: object) -> list[Any]:
    query = """query T($by: Bucket!, $since: DateTime, $until: DateTime, $first: Int = 200) { cluster(id: "c-large") {
      timeline(by: $by, since: $since, until: $until, first: $first) { beginsAt signUps bans replacements } } }"""
    rows: list[Any] = api.data(query, by=by, **window)["cluster"]["timeline"]
    return rows


def traffic(api: Api, by: str, **window: object) -> list[tuple[str, int]]:
    query = """query T($by: Bucket!, $since: DateTime, $until: DateTime, $first: Int = 200) { cluster(id: "c-large") {
      traffic(by: $by, since: $since, until: $until, first: $first) { beginsAt requests } } }"""
    rows = api.data(query, by=by, **window)["cluster"]["traffic"]
    return [(row["beginsAt"], row["requests"]) for row in rows]


def test_days(api: Api) -> None:
    rows = timeline(api, "DAY")
    assert [row["beginsAt"][:10] for row in rows] == [f"2026-01-0{i}" for i in range(1, 9)] + ["2026-01-20"]
    assert [row["signUps"] for row in rows] == [1] * 8 + [0]
    assert [row["bans"] for row in rows] == [0] * 8 + [1]
    assert [row["replacements"] for row in rows] == [0] * 7 + [1, 0]


@pytest.mark.parametrize("by", ["HOUR", "DAY", "WEEK"])
def test_every_event_is_in_one_bucket(api: Api, by: str) -> None:
    rows = timeline(api, by)
    assert [sum(row[name] for row in rows) for name in ("signUps", "bans", "replacements")] == [8, 1, 1]
    assert sorted(row["beginsAt"] for row in rows) == [row["beginsAt"] for row in rows]
    assert sum(requests for _, requests in traffic(api, by)) == 18


def test_weeks_begin_on_monday(api: Api) -> None:
    begins = [datetime.fromisoformat(row["beginsAt"]) for row in timeline(api, "WEEK")]
    assert [(each.weekday(), each.hour) for each in begins] == [(0, 0)] * 3
    assert [row["signUps"] for row in timeline(api, "WEEK")] == [4, 4, 0]  # 2026-01-01 was a Thursday


def test_requests_are_in_their_hours(api: Api) -> None:
    assert traffic(api, "HOUR") == [
        ("2026-01-01T00:00:00+00:00", 11),
        ("2026-01-01T01:00:00+00:00", 5),
        ("2026-01-02T00:00:00+00:00", 2),
    ]


def test_a_window_ends_before_its_end(api: Api) -> None:
    window = {"since": "2026-01-03T00:00:00Z", "until": "2026-01-05T00:00:00Z"}
    assert [row["beginsAt"][:10] for row in timeline(api, "DAY", **window)] == ["2026-01-03", "2026-01-04"]
    assert traffic(api, "HOUR", since="2026-01-01T01:00:00Z", until="2026-01-02T00:00:00Z") == [
        ("2026-01-01T01:00:00+00:00", 5)
    ]
    assert traffic(api, "DAY", since="2026-02-01T00:00:00Z") == []


def test_the_latest_buckets_are_shown_and_earlier_ones_are_asked_for(api: Api) -> None:
    latest = timeline(api, "DAY", first=2)
    assert [row["beginsAt"][:10] for row in latest] == ["2026-01-08", "2026-01-20"]
    before = timeline(api, "DAY", first=2, until=latest[0]["beginsAt"])
    assert [row["beginsAt"][:10] for row in before] == ["2026-01-06", "2026-01-07"]
