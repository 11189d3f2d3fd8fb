"""Promise: settings mean what shells, compose files and containers mean, and no directory is made by accident."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from command import run_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from graphsvc.errors import SettingsError
from graphsvc.settings import Settings, load_settings

SECRETS = ["neo4j_password", "oidc_client_secret", "passphrase"]
OWN = {"GRAPHSVC_NEO4J_URI": "bolt://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without our settings, in an empty current directory."""
    for name in list(os.environ):
        if name.upper().startswith("GRAPHSVC_"):
            monkeypatch.delenv(name)
    place = tmp_path / "current"
    place.mkdir()
    monkeypatch.chdir(place)
    load_settings.cache_clear()
    return place


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", "~/graph")
    monkeypatch.setenv("GRAPHSVC_CACHE_DIR", "~")
    assert Settings().data_dir == tmp_path / "graph"
    assert Settings().cache_dir == tmp_path
    assert Settings(data_dir=Path("~/other")).data_dir == tmp_path / "other"


@pytest.fixture(params=["unset", "empty"])
def homeless(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A user id without an entry in passwd and without HOME, as containers run."""

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "empty":
        monkeypatch.setenv("HOME", "")


@pytest.mark.usefixtures("homeless")
def test_without_a_home_directory_the_data_directory_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path / "data"))
    assert Settings().cache_dir == tmp_path / "data" / "cache"
    assert run_command("keys", "create", "--role", "viewer").returncode == 0


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("value", [None, "~/graph"])
def test_without_either_one_paragraph_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, bare: Path, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("GRAPHSVC_DATA_DIR", value)
    done = run_command("keys", "list")
    assert done.returncode == 2
    assert "GRAPHSVC_DATA_DIR: no home directory is known; write a whole path, or set HOME." in done.stderr
    assert "GRAPHSVC_CACHE_DIR" not in done.stderr
    assert not list(bare.iterdir())


def test_a_path_that_the_locale_does_not_read_as_utf8_is_refused(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(bare / "dätä"))
    assert Settings().data_dir == bare / "dätä"
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", os.fsdecode(os.fsencode(bare) + b"/d\xe4"))
    done = run_command("keys", "list")
    assert done.returncode == 2
    assert r"d\xe4 is no UTF-8 in this locale; rename it, or set LC_ALL=C.UTF-8" in done.stderr


@pytest.mark.parametrize("utf8", ["0", "1"])
def test_a_locale_without_our_signs_ends_nothing_in_a_traceback(bare: Path, utf8: str) -> None:
    plain = {
        "LC_ALL": "C",
        "PYTHONUTF8": utf8,
        "PYTHONCOERCECLOCALE": "0",
        "COLUMNS": "44",  # too few for some lines, which are cut with an ellipsis
        "GRAPHSVC_DATA_DIR": str(bare / "data"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "graphsvc", "--help"],
        env=os.environ | plain | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=True,
    )
    assert b"Traceback" not in done.stderr
    assert (b"\\u2026" in done.stdout) == (utf8 == "0")  # an ellipsis in the table of commands


def test_a_relative_directory_stays_where_it_was_when_the_current_one_changes(
    monkeypatch: pytest.MonkeyPatch, bare: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", "graph")
    found = Settings().data_dir
    monkeypatch.chdir(tmp_path)
    assert found == bare / "graph"


@pytest.mark.parametrize("empty", ["", " ", "\n", "\r\n"])
def test_every_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch, bare: Path, empty: str) -> None:
    without = Settings()
    for name in Settings.model_fields:
        value = empty.strip(" ") if name in SECRETS else empty  # a space can be a secret
        monkeypatch.setenv(f"GRAPHSVC_{name.upper()}", value)
        monkeypatch.setenv(f"GRAPHSVC_{name.upper()}_FILE", empty)
    assert Settings() == without
    assert without.data_dir != bare


@pytest.mark.parametrize(
    "value", ["$HOME/graph", "${DATA}/x", '"/srv/graph"', "'/srv/graph'", "~nobody-by-that-name/x"]
)
def test_a_directory_that_nothing_expanded_is_refused(
    monkeypatch: pytest.MonkeyPatch, bare: Path, value: str
) -> None:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", value)
    done = run_command("keys", "create", "--role", "viewer")
    assert done.returncode == 2
    assert "GRAPHSVC_DATA_DIR" in done.stderr
    assert not list(bare.iterdir())


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_comes_from_its_variable_or_its_file_without_the_line_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, end: str
) -> None:
    secret = " correct horse; $battery "  # spaces and signs of the shell are its own
    monkeypatch.setenv(f"GRAPHSVC_{name.upper()}", secret + end)
    assert getattr(Settings(), name).get_secret_value() == secret
    monkeypatch.delenv(f"GRAPHSVC_{name.upper()}")
    file = tmp_path / "secret"
    file.write_bytes((secret + end).encode())
    monkeypatch.setenv(f"GRAPHSVC_{name.upper()}_FILE", str(file) + end)
    assert getattr(Settings(), name).get_secret_value() == secret


def test_every_secret_is_tried_here() -> None:
    assert sorted(SECRETS) == sorted(
        name for name, field in Settings.model_fields.items() if "SecretStr" in repr(field.annotation)
    )


def test_the_databases_user_comes_from_a_file_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "user").write_text("graph-reader\n")
    monkeypatch.setenv("GRAPHSVC_NEO4J_USER_FILE", str(tmp_path / "user"))
    assert Settings().neo4j_user == "graph-reader"


@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), min_size=1).filter(
        str.strip
    ),
    end=st.sampled_from(["", "\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_a_file_gives_exactly_what_was_written_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secret: str, end: str, mark: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes((mark + secret + end).encode())
    monkeypatch.setenv("GRAPHSVC_PASSPHRASE_FILE", str(file))
    found = Settings().passphrase
    assert found is not None
    assert found.get_secret_value() == secret.removeprefix("" if mark else "\ufeff")


def test_a_file_that_gives_no_secret_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty, binary, long = (tmp_path / name for name in ("empty", "binary", "long"))
    empty.write_text("\n")
    binary.write_bytes(b"\xff\xfe\x00")
    long.write_text("x" * 100_000)
    for file, reason in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "Is a directory"),
        (empty, "empty"),
        (binary, "UTF-8"),
        (long, "too long"),
    ):
        monkeypatch.setenv("GRAPHSVC_NEO4J_PASSWORD_FILE", str(file))
        with pytest.raises(SettingsError, match=reason) as raised:
            Settings()
        assert "GRAPHSVC_NEO4J_PASSWORD_FILE" in raised.value.what
        assert str(file) in raised.value.what


def test_what_contradicts_itself_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary-secret")
    monkeypatch.setenv("GRAPHSVC_NEO4J_PASSWORD", "canary-password")
    monkeypatch.setenv("GRAPHSVC_NEO4J_PASSWORD_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match="both set") as raised:
        Settings()
    assert "canary" not in str(raised.value)
    monkeypatch.delenv("GRAPHSVC_NEO4J_PASSWORD_FILE")
    monkeypatch.setenv("GRAPHSVC_PORT_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match="GRAPHSVC_PORT_FILE is set, and only secrets"):
        Settings()


def test_values_lose_the_blanks_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**OWN, "GRAPHSVC_NEO4J_USER": "reader", "GRAPHSVC_NEO4J_PASSWORD": "secret"}.items():
        monkeypatch.setenv(name, f"{value}\n")
    monkeypatch.setenv("graphsvc_port", " 8123\n")
    found = Settings()
    assert (found.neo4j_uri, found.neo4j_user, found.port) == ("bolt://127.0.0.1:1", "reader", 8123)


def test_a_password_that_is_empty_is_a_password_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**OWN, "GRAPHSVC_NEO4J_PASSWORD": ""}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="GRAPHSVC_NEO4J_PASSWORD must be too"):
        load_settings()
