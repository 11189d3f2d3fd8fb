"""Tokens: the right HMAC, one key an installation, never shown."""

import base64
import hashlib
import hmac
import stat
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.errors import SettingsError
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser, compute_key_id, load_or_create_key

KEY = bytes(range(32))


@given(st.lists(st.one_of(st.none(), st.text())), st.binary(min_size=32, max_size=100))
def test_a_token_is_the_truncated_hmac_of_kind_and_value(values: list[str | None], key: bytes) -> None:
    def expected(value: str | None) -> str | None:
        if value is None:
            return None
        digest = hmac.digest(key, b"device\0" + value.encode(), hashlib.sha256)
        return "id." + base64.urlsafe_b64encode(digest[:21]).decode()

    found = Tokeniser(key, "id").tokenize_column("device", pl.Series("x", values, dtype=pl.String))
    assert found.to_list() == [expected(value) for value in values]
    assert found.dtype == pl.String


def test_kinds_and_keys_do_not_mix() -> None:
    value = pl.Series(["same"])
    one, other = Tokeniser(KEY, "id"), Tokeniser(KEY[::-1], "id")
    tokens = {
        one.tokenize_column("a", value).item(),
        one.tokenize_column("b", value).item(),
        other.tokenize_column("a", value).item(),
    }
    assert len(tokens) == 3
    assert (
        one.tokenize_column("a", value).item()
        == one.tokenize_column("a", pl.Series(["same", "x", "same"]))[2]
    )


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    first, second = load_or_create_key(settings), load_or_create_key(settings)
    file = settings.keys_dir / "token.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.keys_dir.stat().st_mode) == 0o700
    assert [path.name for path in settings.keys_dir.iterdir()] == ["token.key"]
    key = bytes.fromhex(file.read_text().split()[0])
    assert len(key) == 32
    assert first.key_id == second.key_id == compute_key_id(key)
    values = pl.Series(["a"])
    assert first.tokenize_column("ip", values).to_list() == second.tokenize_column("ip", values).to_list()
    assert key.hex() not in repr(first)
    assert load_or_create_key(Settings(data_dir=tmp_path / "other")).key_id != first.key_id


@pytest.mark.parametrize("content", ["", "zz", "abcd", "ü"])
def test_a_damaged_key_is_named_and_not_replaced(tmp_path: Path, content: str) -> None:
    settings = Settings(data_dir=tmp_path)
    load_or_create_key(settings)
    file = settings.keys_dir / "token.key"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match="damaged"):
        load_or_create_key(settings)
    assert file.read_text(encoding="utf-8") == content


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    load_or_create_key(settings)
    (settings.keys_dir / "token.key").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_or_create_key(settings)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SettingsError):
        Tokeniser(b"short", "id")
