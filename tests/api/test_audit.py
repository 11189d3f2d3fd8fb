"""Promise: what people did and were shown is kept in a log that nobody can change unseen, or it is not done at all."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from api import Api, write
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.cli.commands import app as commands
from graphsvc.errors import DatabaseRefused, VerificationError
from graphsvc.model.audit import GENESIS, Act, Entry, Fault, Head, LoggedEntry, check_log
from graphsvc.settings import Settings, load_settings
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.store.audit import HEAD_FILE, Auditor, read_kept_head
from graphsvc.store.audit_log import LAST, EntryFilter, read_page, verify_log

KEY = b"a key that signs, 32 bytes long."
HANDLE_OF = "ip:203.0.113.7"
RAW = "203.0.113.7"
REASON = "abuse report 4711, shared proxy"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(KEY, tmp_path)


@pytest.fixture
def log(database: Store, signer: Signer) -> Store:
    """Five entries."""
    auditor = Auditor(signer, "ada (1)", "analyst", "r1")
    for number in range(1, 6):
        details = {"n": number, "list": (1.5, None), 7: "é"}
        assert auditor.write(database, "test", f"s-{number}", reason="because", details=details)  # type: ignore[arg-type]
    return database


def tamper(store: Store, entry: int, /, delete: bool = False, **values: object) -> None:
    store.write("tests/tamper_audit", number=entry, delete=delete, set=values)


def entry_of(store: Store, number: int) -> dict[str, Any]:
    (row,) = [row["entry"] for row in store.read("audit/entries") if row["entry"]["number"] == number]
    return row  # type: ignore[no-any-return]


def faults(store: Store, signer: Signer) -> list[tuple[int, str]]:
    return [(fault.number, fault.what) for fault in verify_log(store, signer).faults]


def test_what_was_written_holds(log: Store, signer: Signer) -> None:
    found = verify_log(log, signer)
    assert (found.entries, found.faults, found.holds) == (5, [], True)
    assert read_kept_head(signer.directory) == Head(5, found.head)
    newest = read_page(log, LAST, 2, EntryFilter())
    assert [logged.number for logged in newest] == [5, 4]
    entry = newest[0].entry
    assert entry is not None
    assert entry.act == Act(
        "ada (1)", "analyst", "test", "s-5", "because", "r1", {"n": 5, "list": [1.5, None], "7": "é"}
    )


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "eve"},
        {"reason": ""},
        {"details": "{}"},
        {"details": "no json"},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"subject": None},
        {"at": "yesterday"},
        {"hash": "00"},
    ],
)
def test_a_changed_entry_is_named(log: Store, signer: Signer, values: dict[str, object]) -> None:
    tamper(log, 3, **values)
    assert (3, "was changed: its hash is another") in faults(log, signer)
    assert {number for number, _ in faults(log, signer)} <= {3, 4}


def test_an_entry_that_was_taken_out_is_named(log: Store, signer: Signer) -> None:
    tamper(log, 2, delete=True)
    assert faults(log, signer) == [(2, "is missing")]
    tamper(log, 3, number=2)  # and the gap closed
    assert (2, "was changed: its hash is another") in faults(log, signer)
    assert (3, "is missing") in faults(log, signer)


def test_an_entry_that_was_put_in_is_named(log: Store, signer: Signer) -> None:
    forger = Signer(b"another key that signs, 32 bytes")
    made = Auditor(forger, "eve", "admin")
    head = entry_of(log, 5)
    row = made._build_row(Entry("x", 6, datetime.now(UTC), Act("eve", "admin", "reveal", "s"), head["hash"]))
    log.write("audit/append", **row)
    assert faults(log, signer) == [(6, "is signed by another key than this installation's")]
    assert verify_log(log, signer, [forger.public]).holds
    tamper(log, 6, signer=signer.public)
    assert faults(log, signer) == [(6, "has a signature that is not of its hash")]


def test_entries_that_changed_places_are_named(log: Store, signer: Signer) -> None:
    tamper(log, 2, number=99)
    tamper(log, 3, number=2)
    tamper(log, 99, number=3)
    named = {number for number, what in faults(log, signer) if "changed" in what}
    assert named == {2, 3}


def test_a_log_that_was_cut_off_is_named(log: Store, signer: Signer, tmp_path: Path) -> None:
    tamper(log, 5, delete=True)
    tamper(log, 4, delete=True)
    cut = [(4, "and all to 5 are missing: the log was cut off")]
    assert faults(log, signer) == cut  # by its own count
    log.write("audit/turn", number=5)
    assert faults(log, signer) == [(4, "and all to 6 are missing: the log was cut off")]
    write(log, "shortened_log")
    assert faults(log, signer) == cut  # by the head beside the keys
    # Going on as if nothing had been does not help.
    auditor = Auditor(signer, "eve", "admin")
    for _ in range(3):
        auditor.write(log, "test", "s")
    assert faults(log, signer) == [(5, "is not the one whose hash was kept beside the keys")]
    (tmp_path / HEAD_FILE).unlink()
    assert faults(log, signer) == []  # nothing is left that knows


def test_a_chain_hashed_again_without_the_key_is_named(log: Store, signer: Signer) -> None:
    """Who may write to the database changes an entry and makes all hashes after it fit."""
    before = entry_of(log, 2)["hash"]
    for number in (3, 4, 5):
        row = entry_of(log, number)
        act = Act(
            "eve",
            row["role"],
            row["action"],
            row["subject"],
            row["reason"],
            row["request"],
            json.loads(row["details"]),
        )
        entry = Entry(row["id"], number, row["at"].to_native(), act, before)
        tamper(log, number, actor="eve", before=before, hash=entry.hash())
        before = entry.hash()
    wrong = "has a signature that is not of its hash"
    kept = (5, "is not the one whose hash was kept beside the keys")
    assert sorted(faults(log, signer)) == sorted([(3, wrong), (4, wrong), (5, wrong), kept])


@given(st.integers(1, 12), st.data())
def test_no_single_change_goes_unseen(length: int, data: st.DataObject) -> None:
    signer, log, before = Signer(KEY), [], GENESIS
    for number in range(1, length + 1):
        act = Act("ada", "analyst", "test", f"s-{number}", details={"n": number})
        entry = Entry(f"e{number}", number, datetime(2026, 1, number, tzinfo=UTC), act, before)
        before = entry.hash()
        log.append(LoggedEntry(number, entry, before, signer.sign(before), signer.public))
    head = Head(length, before)
    assert check_log(log, {signer.public}, length, head).holds
    at = data.draw(st.integers(0, length - 1))
    kind = data.draw(st.sampled_from(["delete", "double", "swap", "actor", "number", "before", "unreadable"]))
    one = log[at]
    assert one.entry is not None
    if kind == "delete":
        del log[at]
    elif kind == "double":
        log.insert(at, one)
    elif kind == "swap":
        other = data.draw(st.integers(0, length - 1).filter(lambda i: i != at or length == 1))
        if other == at:
            return
        log[at], log[other] = log[other], log[at]
    elif kind == "actor":
        log[at] = replace(one, entry=replace(one.entry, act=replace(one.entry.act, actor="eve")))
    elif kind == "number":
        log[at] = replace(one, number=one.number + 1)
    elif kind == "before":
        log[at] = replace(one, entry=replace(one.entry, before="0" * 63 + "1"))
    else:
        log[at] = replace(one, entry=None)
    found = check_log(log, {signer.public}, length, head)
    assert not found.holds
    assert {fault.number for fault in found.faults} & {at, at + 1, at + 2}


def test_an_empty_log_holds_and_one_that_was_emptied_does_not() -> None:
    assert check_log([], set(), 0, None).holds
    assert check_log([], set(), 0, Head(3, "x")).faults == [
        Fault(1, "and all to 3 are missing: the log was cut off")
    ]


def test_many_at_once_leave_one_chain_without_gaps(database: Store, signer: Signer) -> None:
    def some(who: int) -> None:
        for number in range(5):
            assert Auditor(signer, f"w{who}", "cli").write(database, "test", f"{who}-{number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(some, range(6)))
    found = verify_log(database, signer)
    assert (found.entries, found.faults) == (30, [])
    said = {
        logged.entry.act.subject for logged in read_page(database, LAST, 99, EntryFilter()) if logged.entry
    }
    assert said == {f"{who}-{number}" for who in range(6) for number in range(5)}
    assert read_kept_head(signer.directory) == Head(30, found.head)


@pytest.mark.parametrize("left", [0, 20])
def test_a_damaged_head_is_no_head_that_holds_and_is_kept_for_who_looks_at_it(
    log: Store, signer: Signer, left: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert signer.directory is not None
    head = signer.directory / HEAD_FILE
    whole = head.read_bytes()
    head.write_bytes(whole[:left])
    with pytest.raises(VerificationError, match=HEAD_FILE):
        verify_log(log, signer)
    assert Auditor(signer, "ada", "cli").write(log, "test", "s")  # the log itself goes on
    assert head.read_bytes() == whole[:left]
    assert str(head) in caplog.text
    head.write_bytes(whole)  # from a backup
    assert verify_log(log, signer).holds


def test_a_change_whose_entry_cannot_be_written_is_not_made(database: Store, signer: Signer) -> None:
    write(database, "published")
    write(database, "unwritable_log")
    values = {"run": "run-2", "certificate": "changed", "seed": None, "membership": None}
    step = ("tests/tamper", values)
    with pytest.raises(DatabaseRefused):
        Auditor(signer, "ada", "analyst").write(database, "test", "s", step)
    assert read_kept_head(signer.directory) is None
    assert "certificate" not in database.read("query/run_by_id", ids=["run-2"])[0]["run"]
    database.run_transaction(step)
    assert database.read("query/run_by_id", ids=["run-2"])[0]["run"]["certificate"] == "changed"


@pytest.fixture
def api(database: Store, installation: Settings) -> Iterator[dict[keys.Role, Api]]:
    write(database, "published")
    (installation.keys_dir / HEAD_FILE).unlink(missing_ok=True)
    with TestClient(create_app(installation, database.address)) as client:
        yield {
            role: Api(client, keys.create_key(installation.keys_dir, role, role.value)) for role in keys.Role
        }


REVEAL = "mutation R($keys: [ID!]!, $reason: String!) { reveal(keys: $keys, reason: $reason) { pseudonym key value } }"
LOG = """query L($first: Int = 50, $after: String, $filter: AuditFilter) {
  auditLog(first: $first, after: $after, filter: $filter) {
  edges { node { number actor role action subject reason request details } } pageInfo { hasNextPage endCursor } } }"""


def logged(api: dict[keys.Role, Api], **filter: str) -> list[dict[str, Any]]:
    edges = api[keys.Role.ADMIN].data(LOG, filter=filter)["auditLog"]["edges"]
    return [edge["node"] for edge in edges]


def test_a_reveal_is_in_the_log_with_its_reason_and_without_the_address(
    api: dict[keys.Role, Api], database: Store, installation: Settings
) -> None:
    handle = load_or_create_veil(installation).hide(HANDLE_OF)
    analyst = api[keys.Role.ANALYST]
    shown = analyst.data(REVEAL, keys=[handle, handle], reason=f"  {REASON} {HANDLE_OF}")
    assert shown == {"reveal": [{"pseudonym": handle, "key": HANDLE_OF, "value": RAW}]}
    (entry,) = logged(api)
    assert (entry["number"], entry["action"], entry["role"], entry["subject"]) == (
        1,
        "reveal",
        "analyst",
        handle,
    )
    assert entry["actor"] == f"analyst ({analyst.key.split('.')[0]})"
    assert entry["reason"] == f"{REASON} {handle}"
    assert entry["details"] == {"handles": [handle]}
    assert RAW not in str(database.read("audit/entries"))


def test_who_may_not_or_says_not_why_is_shown_nothing(
    api: dict[keys.Role, Api], installation: Settings
) -> None:
    handle = load_or_create_veil(installation).hide(HANDLE_OF)
    assert (
        api[keys.Role.VIEWER].error(REVEAL, keys=[handle], reason=REASON)["extensions"]["code"] == "forbidden"
    )
    analyst = api[keys.Role.ANALYST]
    for reason in ("", " " * 20, "too short", "x" * 501, "two lines\nof a reason"):
        assert analyst.error(REVEAL, keys=[handle], reason=reason)["extensions"]["code"] == "bad_input"
    for wrong in ([], [handle] * 51):
        assert analyst.error(REVEAL, keys=wrong, reason=REASON)["extensions"]["code"] == "bad_input"
    for unknown in ("ip:~nothing", "instrument:k1.c4", "a01"):
        answer = analyst.post(REVEAL, keys=[handle, unknown], reason=REASON)
        assert answer.json()["errors"][0]["extensions"]["code"] == "not_found"
        assert RAW not in answer.text
    assert logged(api) == []


def test_nothing_is_revealed_when_the_log_cannot_be_written(
    api: dict[keys.Role, Api], database: Store, installation: Settings
) -> None:
    write(database, "unwritable_log")
    handle = load_or_create_veil(installation).hide(HANDLE_OF)
    answer = api[keys.Role.ANALYST].post(REVEAL, keys=[handle], reason=REASON)
    assert answer.json()["data"] is None
    assert RAW not in answer.text


def test_keys_are_made_rotated_and_revoked_on_record(
    api: dict[keys.Role, Api], database: Store, installation: Settings
) -> None:
    admin = api[keys.Role.ADMIN]
    client = admin.client
    made = admin.data(
        """mutation { createApiKey(role: VIEWER, name: "ci", expiresInDays: 90) {
          secret key { id role name expiresAt } } }"""
    )["createApiKey"]
    new = Api(client, made["secret"])
    assert new.data("{ viewer { role keyId } }") == {"viewer": {"role": "VIEWER", "keyId": made["key"]["id"]}}
    rotate = (
        "mutation Q($id: String!, $grace: Int = 0) { rotateApiKey(id: $id, graceHours: $grace) { secret } }"
    )
    rotated = Api(client, admin.data(rotate, id=made["key"]["id"])["rotateApiKey"]["secret"])
    assert new.post("{ viewer { keyId } }").status_code == 401
    again = Api(client, admin.data(rotate, id=made["key"]["id"], grace=1)["rotateApiKey"]["secret"])
    assert (
        rotated.post("{ viewer { keyId } }").status_code
        == again.post("{ viewer { keyId } }").status_code
        == 200
    )
    listed = admin.data("{ apiKeys { id role name createdAt expiresAt rotatedAt revokedAt } }")["apiKeys"]
    (mine,) = [key for key in listed if key["id"] == made["key"]["id"]]
    assert (mine["name"], mine["revokedAt"]) == ("ci", None)
    assert mine["expiresAt"] == made["key"]["expiresAt"]
    assert mine["rotatedAt"] is not None
    revoke = "mutation Q($id: String!) { revokeApiKey(id: $id) { revokedAt } }"
    assert admin.data(revoke, id=mine["id"])["revokeApiKey"]["revokedAt"] is not None
    assert (
        rotated.post("{ viewer { keyId } }").status_code
        == again.post("{ viewer { keyId } }").status_code
        == 401
    )
    assert [(entry["action"], entry["subject"]) for entry in logged(api)] == [
        ("revokeApiKey", mine["id"]),
        ("rotateApiKey", mine["id"]),
        ("rotateApiKey", mine["id"]),
        ("createApiKey", mine["id"]),
    ]
    for query in (rotate, revoke):
        assert admin.error(query, id="ffffffffffff")["extensions"]["code"] == "not_found"
    assert admin.error(rotate, id=mine["id"])["extensions"]["code"] == "not_found"
    for secret in (made["secret"], again.key):
        assert secret.split(".")[1] not in str(database.read("audit/entries")) + json.dumps(listed)
    before = (installation.keys_dir / keys.KEYS_FILE).read_bytes()
    for wrong in ('name: ""', 'name: "a\\nb"', f'name: "{"x" * 101}"', 'name: "x", expiresInDays: 0'):
        error = admin.error("mutation { createApiKey(role: ADMIN, " + wrong + ") { secret } }")
        assert error["extensions"]["code"] == "bad_input"
    assert (installation.keys_dir / keys.KEYS_FILE).read_bytes() == before


def test_no_key_is_made_that_the_log_does_not_know(
    api: dict[keys.Role, Api], database: Store, installation: Settings
) -> None:
    write(database, "unwritable_log")
    before = (installation.keys_dir / keys.KEYS_FILE).read_bytes()
    answer = api[keys.Role.ADMIN].post('mutation { createApiKey(role: ADMIN, name: "x") { secret } }')
    assert answer.json()["data"] is None
    assert (installation.keys_dir / keys.KEYS_FILE).read_bytes() == before


def test_the_log_is_read_page_by_page_and_filtered(api: dict[keys.Role, Api], installation: Settings) -> None:
    veil = load_or_create_veil(installation)
    handles = [veil.hide(f"ip:203.0.113.{number}") for number in range(7)]
    for handle in handles:
        api[keys.Role.ANALYST].data(REVEAL, keys=[handle, handles[0]], reason=REASON)
    numbers, after = [], None
    while True:
        log = api[keys.Role.ADMIN].data(LOG, first=3, after=after)["auditLog"]
        numbers += [edge["node"]["number"] for edge in log["edges"]]
        after = log["pageInfo"]["endCursor"]
        if not log["pageInfo"]["hasNextPage"]:
            break
    assert numbers == [7, 6, 5, 4, 3, 2, 1]
    assert [entry["number"] for entry in logged(api, subject=handles[4])] == [5]
    assert len(logged(api, subject=handles[0])) == 7
    assert len(logged(api, action="reveal", actor=logged(api)[0]["actor"])) == 7
    assert logged(api, actor="nobody") == logged(api, since="2099-01-01T00:00:00Z") == []
    for role in (keys.Role.VIEWER, keys.Role.ANALYST):
        assert api[role].error(LOG)["extensions"]["code"] == "forbidden"


def test_the_commands(cli_environment: Path, database: Store, installation: Settings, tmp_path: Path) -> None:
    from graphsvc.signing import load_or_create_signer

    (installation.keys_dir / HEAD_FILE).unlink(missing_ok=True)
    load_settings.cache_clear()
    try:
        auditor = Auditor(load_or_create_signer(installation), "ada", "cli")
        for number in range(3):
            auditor.write(database, "decide", f"c-{number}", reason="seen")
        runner = CliRunner()
        assert "holds: 3 entries" in runner.invoke(commands, ["audit", "verify"]).stdout
        listed = runner.invoke(commands, ["audit", "list", "--subject", "c-1"]).stdout
        assert "decide  c-1: seen" in listed
        assert "c-2" not in listed
        out = tmp_path / "log.ndjson"
        assert runner.invoke(commands, ["audit", "export", "--out", str(out)]).exit_code == 0
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        assert [row["number"] for row in rows] == [1, 2, 3]
        assert rows[1]["before"] == rows[0]["hash"]
        tamper(database, 2, actor="eve")
        done = runner.invoke(commands, ["audit", "verify", "--json"])
        assert isinstance(done.exception, VerificationError)
        found = json.loads(done.stdout)
        assert (found["holds"], found["faults"][0]["number"]) == (False, 2)
    finally:
        load_settings.cache_clear()
        (installation.keys_dir / HEAD_FILE).unlink(missing_ok=True)


def test_every_query_of_the_page_works(api: dict[keys.Role, Api], installation: Settings) -> None:
    text = (Path(__file__).parents[2] / "docs/graphql/access.md").read_text(encoding="utf-8")
    queries = re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)
    assert len(queries) == 6
    handle = load_or_create_veil(installation).hide(HANDLE_OF)
    for query in queries:
        data = api[keys.Role.ADMIN].data(query, key=handle, handle=handle)
        assert all(data.values()), query
