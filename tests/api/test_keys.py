"""Promise: API keys are shown once, kept only as keyed hashes, and take effect at once."""

import asyncio
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from graphsvc.api.auth import keys
from graphsvc.api.auth.principals import find_principal
from graphsvc.cli.commands import app
from graphsvc.errors import AccessDenied, NotFound, SettingsError
from graphsvc.settings import load_settings


def test_a_key_is_verified_with_its_role(tmp_path: Path) -> None:
    key = keys.create_key(tmp_path, keys.Role.ANALYST, "triage")
    principal = keys.KeyRing(tmp_path).verify_key(key)
    assert principal == keys.Principal(key.split(".")[0], keys.Role.ANALYST, f"triage ({key.split('.')[0]})")


def test_no_secret_is_stored_and_files_are_private(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    secret = keys.create_key(directory, keys.Role.ADMIN).split(".")[1]
    assert len(secret) >= 43  # 256 bits in base64
    for path in directory.iterdir():
        assert secret.encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_running_ring_sees_new_and_revoked_keys(tmp_path: Path) -> None:
    ring = keys.KeyRing(tmp_path)
    assert ring.verify_key("nobody.nothing") is None
    first = keys.create_key(tmp_path, keys.Role.VIEWER)
    assert ring.verify_key(first) is not None
    second = keys.create_key(tmp_path, keys.Role.VIEWER)
    assert ring.verify_key(second) is not None
    keys.revoke_key(tmp_path, first.split(".")[0])
    assert ring.verify_key(first) is None
    assert ring.verify_key(second) is not None


def test_revoking_twice_keeps_the_first_time_and_unknown_ids_are_named(tmp_path: Path) -> None:
    key_id = keys.create_key(tmp_path, keys.Role.VIEWER).split(".")[0]
    assert keys.revoke_key(tmp_path, key_id) == keys.revoke_key(tmp_path, key_id)
    with pytest.raises(NotFound):
        keys.revoke_key(tmp_path, "ffffffffffff")


def test_a_key_expires(tmp_path: Path) -> None:
    ring = keys.KeyRing(tmp_path)
    assert ring.verify_key(keys.create_key(tmp_path, keys.Role.VIEWER, lasts=timedelta(seconds=-1))) is None
    assert ring.verify_key(keys.create_key(tmp_path, keys.Role.VIEWER, lasts=timedelta(days=1))) is not None


def test_who_was_let_in_is_looked_at_again(tmp_path: Path) -> None:
    """As a WebSocket does while it lasts: by the same `Authorization`."""
    ring = keys.KeyRing(tmp_path)
    key = keys.create_key(tmp_path, keys.Role.VIEWER)
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert asyncio.run(find_principal(f"{scheme} {key}", ring, None)).id == key.split(".")[0]
    for wrong in ("", key, f"Basic {key}", "Bearer ", f"Bearer {key}x"):
        with pytest.raises(AccessDenied):
            asyncio.run(find_principal(wrong, ring, None))
    keys.revoke_key(tmp_path, key.split(".")[0])
    with pytest.raises(AccessDenied):
        asyncio.run(find_principal(f"Bearer {key}", ring, None))


def test_a_rotated_key_has_a_new_secret_and_the_old_one_for_a_while(tmp_path: Path) -> None:
    ring = keys.KeyRing(tmp_path)
    first = keys.create_key(tmp_path, keys.Role.ANALYST, "triage")
    key_id = first.split(".")[0]
    second = keys.rotate_key(tmp_path, key_id)
    assert ring.verify_key(first) is None
    principal = ring.verify_key(second)
    assert principal == keys.Principal(key_id, keys.Role.ANALYST, f"triage ({key_id})")
    third = keys.rotate_key(tmp_path, key_id, grace=timedelta(hours=1))
    assert [ring.verify_key(each) for each in (first, second, third)] == [None, principal, principal]
    fourth = keys.rotate_key(tmp_path, key_id, grace=timedelta(hours=1))
    assert [ring.verify_key(each) for each in (second, third, fourth)] == [None, principal, principal]
    keys.revoke_key(tmp_path, key_id)
    assert [ring.verify_key(each) for each in (third, fourth)] == [None, None]
    with pytest.raises(NotFound):
        keys.rotate_key(tmp_path, key_id)


def test_an_expired_key_is_not_brought_back_by_rotating_it(tmp_path: Path) -> None:
    key = keys.create_key(tmp_path, keys.Role.VIEWER, lasts=timedelta(seconds=-1))
    with pytest.raises(NotFound):
        keys.rotate_key(tmp_path, key.split(".")[0])
    lasting = keys.rotate_key(
        tmp_path, keys.create_key(tmp_path, keys.Role.VIEWER).split(".")[0], lasts=timedelta(days=90)
    )
    kept = keys.find_key(tmp_path, lasting.split(".")[0])
    assert kept.expires is not None
    assert datetime.fromisoformat(kept.expires) - datetime.now(UTC) > timedelta(days=89)


def test_a_file_of_before_is_still_read(tmp_path: Path) -> None:
    key = keys.create_key(tmp_path, keys.Role.ADMIN, "old")
    file = tmp_path / keys.KEYS_FILE
    new = {"expires", "rotated", "old_digest", "old_until", "check"}
    rows = [{name: row[name] for name in row if name not in new} for row in json.loads(file.read_text())]
    assert set(rows[0]) == {"id", "role", "name", "created", "digest", "revoked"}
    file.write_text(json.dumps(rows))
    assert keys.KeyRing(tmp_path).verify_key(key) is not None


def test_a_copied_key_file_is_worth_nothing_without_the_pepper(tmp_path: Path) -> None:
    key = keys.create_key(tmp_path, keys.Role.VIEWER)
    (tmp_path / keys.PEPPER_FILE).write_bytes(b"another pepper, thirty-two bytes")
    assert keys.KeyRing(tmp_path).verify_key(key) is None


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        '[{"id": 1}]',
        '{"a": "b"}',
        '[{"id": "x", "role": "root"}]',
        '[{"id": "x", "role": "viewer", "name": "", "created": "", "digest": "", "expires": "soon"}]',
        '[{"id": "x", "role": "viewer", "name": "", "created": "", "digest": "", "expires": "2030-01-01"}]',
    ],
)
def test_a_damaged_file_is_named_without_its_content(tmp_path: Path, content: str) -> None:
    keys.create_key(tmp_path, keys.Role.VIEWER)
    (tmp_path / keys.KEYS_FILE).write_text(content)
    with pytest.raises(SettingsError) as caught:
        keys.KeyRing(tmp_path).verify_key("a.b")
    assert "root" not in str(caught.value)


def test_concurrent_commands_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys.create_key(tmp_path, keys.Role.VIEWER), range(24)))
    ring = keys.KeyRing(tmp_path)
    assert all(ring.verify_key(key) for key in made)
    assert {key.id for key in keys.read_keys(tmp_path)} == {key.split(".")[0] for key in made}


@pytest.fixture(scope="module")
def one_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[keys.KeyRing, str]:
    directory = tmp_path_factory.mktemp("keys")
    key = keys.create_key(directory, keys.Role.VIEWER)
    return keys.KeyRing(directory), key


@given(data=st.data())
def test_nothing_but_the_key_is_accepted(one_key: tuple[keys.KeyRing, str], data: st.DataObject) -> None:
    ring, key = one_key
    key_id, secret = key.split(".")
    presented = data.draw(
        st.text(max_size=80)
        | st.text(max_size=60).map(lambda text: f"{key_id}.{text}")
        | st.text(max_size=20).map(lambda text: f"{text}.{secret}")
        | st.integers(0, len(key) - 1).map(lambda i: key[:i] + ("A" if key[i] != "A" else "B") + key[i + 1 :])
    )
    assert (ring.verify_key(presented) is not None) == (presented == key)


def test_the_command_prints_the_key_alone_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path))
    load_settings.cache_clear()
    try:
        runner = CliRunner()
        created = runner.invoke(app, ["keys", "create", "--role", "analyst", "--name", "ci"])
        key = created.stdout.strip()
        assert created.exit_code == 0
        assert keys.KeyRing(tmp_path / "keys").verify_key(key) is not None
        listed = runner.invoke(app, ["keys", "list"]).stdout
        assert key.split(".")[0] in listed
        assert key.split(".")[1] not in listed
        rotated = runner.invoke(
            app, ["keys", "rotate", key.split(".")[0], "--grace", "24h", "--expires", "90d"]
        )
        assert rotated.stdout.strip() != key
        for each in (key, rotated.stdout.strip()):
            assert keys.KeyRing(tmp_path / "keys").verify_key(each) is not None
        kept = keys.find_key(tmp_path / "keys", key.split(".")[0])
        shown = runner.invoke(app, ["keys", "list", "--json"])
        assert "digest" not in shown.stdout
        (listed,) = json.loads(shown.stdout)
        assert (listed["expires"], listed["rotated"]) == (kept.expires, kept.rotated)
        for wrong in ("90", "soon", "-1d", "99999999d"):
            assert (
                runner.invoke(app, ["keys", "create", "--role", "viewer", "--expires", wrong]).exit_code == 2
            )
        assert runner.invoke(app, ["keys", "revoke", key.split(".")[0]]).exit_code == 0
        assert json.loads((tmp_path / "keys" / keys.KEYS_FILE).read_text())[0]["revoked"] is not None
        assert runner.invoke(app, ["keys", "create", "--role", "root"]).exit_code == 2
    finally:
        load_settings.cache_clear()
