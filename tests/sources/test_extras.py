"""Sources whose packages are not installed say what to install; addresses and settings of topics are checked first."""

import importlib
import sys
from pathlib import Path

import pytest
from command import run_command

from graphsvc.errors import MappingError
from graphsvc.intake.column_map import ColumnMap
from graphsvc.sources.kafka import TopicSource, read_settings


@pytest.mark.parametrize(
    ("package", "words", "extra"),
    [
        ("upath", ["s3://bucket/exports"], "graphsvc[cloud]"),
        ("s3fs", ["s3://bucket/exports"], "graphsvc[cloud]"),
        ("adbc_driver_manager", ["postgresql://db/app", "--query-file", "q.toml"], "graphsvc[sql]"),
        ("adbc_driver_snowflake", ["snowflake://a/b", "--query-file", "q.toml"], "adbc-driver-snowflake"),
        ("confluent_kafka", ["kafka://broker/accounts"], "graphsvc[kafka]"),
    ],
)
def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, words: list[str], extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q.toml").write_text('[accounts]\nquery = "SELECT 1"\n')
    if package == "s3fs":
        # What an earlier test imported is kept here, whatever becomes of the module.
        importlib.import_module("fsspec.registry")
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, package, None)
    done = run_command("load", "--explain", *words)
    assert done.returncode == 1, done.stderr
    assert extra in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "address",
    [
        "kafka://broker:9092",
        "kafka:///accounts",
        "kafka://user:secret@broker/accounts",
        "kafka://broker/accounts?start=monday",
        "kafka://broker/accounts?tabel=sessions",
        "kafka://broker/logins",
        "kafka://broker/logins?table=login",
    ],
)
def test_an_address_that_cannot_be_read_is_a_wrong_call(address: str) -> None:
    with pytest.raises(MappingError) as error:
        TopicSource(address, ColumnMap())
    assert "secret" not in str(error.value)
    assert error.value.exit_status == 2


def test_a_topic_is_named_for_its_table_or_says_it_or_is_mapped() -> None:
    names = ColumnMap(tables=(("sessions", "logins"),))
    source = TopicSource("kafka://b1,b2/logins,accounts", names)
    assert source.tables == {"logins": "sessions", "accounts": "accounts"}
    assert source.name == "kafka://b1,b2/accounts,logins"
    assert TopicSource("kafka://b/x?table=payments", names).tables == {"x": "payments"}


def test_settings_of_the_client_are_lines_and_a_faulty_one_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("# sign-in\nsasl.username=me\n\nsasl.password = a=b\n")
    assert read_settings(file) == {"sasl.username": "me", "sasl.password": "a=b"}
    file.write_text("my-password\n")
    with pytest.raises(MappingError, match=r"Line 1 of client.properties") as error:
        read_settings(file)
    assert "my-password" not in str(error.value)
    with pytest.raises(MappingError, match="cannot be read"):
        read_settings(tmp_path / "nowhere")
