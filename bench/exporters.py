"""One small bundle as PySpark and LibreOffice export it, in each of their forms: is it the same graph from all?

    python -m bench.exporters [--spark-python PYTHON] [--work DIR]

PySpark is not among our dependencies: `--spark-python` names a Python that has it (and a Java 17 on PATH or in
JAVA_HOME), else this one is tried. LibreOffice is `soffice` on PATH. What is not there is said, and left out.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

Row = dict[str, Any]

TABLES: dict[str, list[Row]] = {
    "accounts": [
        {"account_id": 1001, "created_at": "2024-01-05T10:00:00", "status": "active", "email": "a.b@mail.example",
         "phone": "+15555550100", "display_name": 'Zoë "Z", Müller', "signup_ip": "203.0.113.7"},
        {"account_id": 1002, "created_at": "2024-01-26T10:30:00", "status": "banned", "email": "zoë@bücher.example",
         "phone": "+15555550100", "display_name": None, "signup_ip": "2001:db8::1"},
        {"account_id": 1003, "created_at": "2024-02-13T23:59:00", "status": None, "email": None,
         "phone": None, "display_name": "semi;colon", "signup_ip": None},
        {"account_id": 1004, "created_at": "2024-03-31T00:00:00", "status": "closed", "email": "c@mail.example",
         "phone": "+4915112345678", "display_name": "=1+1", "signup_ip": "203.0.113.7"},
    ],
    "payments": [
        {"account_id": 1001, "instrument": "pm_1", "kind": "card", "bin": 411111, "payments": 3,
         "first_seen": "2024-01-05T10:00:00", "last_seen": "2024-01-16T10:00:00"},
        {"account_id": 1002, "instrument": "pm_1", "kind": "card", "bin": None, "payments": None,
         "first_seen": "2024-01-26T10:30:00", "last_seen": "2024-01-27T10:30:00"},
    ],
    "sessions": [
        {"account_id": 1001, "ip": "203.0.113.7", "asn": 13335, "requests": 1234,
         "first_seen": "2024-01-05T10:00:00", "last_seen": "2024-01-25T11:00:00"},
        {"account_id": 1003, "ip": "2001:db8::1", "asn": None, "requests": None,
         "first_seen": "2024-02-13T23:59:00", "last_seen": "2024-02-14T00:59:00"},
    ],
}  # fmt: skip
"""The bundle. Integers, texts, and times of UTC to the minute: a spreadsheet shows no more unless it is told to."""
TIMES = frozenset(("created_at", "first_seen", "last_seen"))
WHOLE = frozenset(("account_id", "bin", "payments", "asn", "requests"))

SPARK_FORMS = ("parquet", "csv", "json", "parquet by day", "csv.gz", "timestamp_ntz")
"""As `DataFrameWriter` writes folders: part files, `_SUCCESS`, and checksums (`.crc`)."""
LOCALES = {"en-US": (44, "month-first"), "de-DE": (59, "day-first")}
"""Of LibreOffice: the code of its separator of lists, and how it orders dates."""


def write_reference(directory: Path) -> Path:
    """Write the bundle in the contract's own form, NDJSON."""
    directory.mkdir(parents=True)
    for table, rows in TABLES.items():
        lines = [
            {name: str(value) if name == "account_id" else f"{value}Z" if name in TIMES else value
             for name, value in row.items()}
            for row in rows
        ]  # fmt: skip
        (directory / f"{table}.ndjson").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return directory


def write_by_spark(directory: Path) -> None:
    """Write the bundle in all forms of Spark below `directory`; runs in a Python that has PySpark."""
    from datetime import datetime

    from pyspark.sql import SparkSession  # type: ignore[import-not-found]
    from pyspark.sql import types as t

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.memory", "512m")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for form in SPARK_FORMS:
        zoneless = form == "timestamp_ntz"
        for table, rows in TABLES.items():
            kinds = {name: t.LongType() if name in WHOLE else t.StringType() for name in rows[0]}
            kinds |= {
                name: t.TimestampNTZType() if zoneless else t.TimestampType()
                for name in kinds
                if name in TIMES
            }
            schema = t.StructType([t.StructField(name, kind) for name, kind in kinds.items()])
            values = [
                tuple(
                    datetime.fromisoformat(value if zoneless else f"{value}+00:00")
                    if name in TIMES
                    else value
                    for name, value in row.items()
                )
                for row in rows
            ]
            writer = spark.createDataFrame(values, schema).repartition(2).write
            place = str(directory / form / table)
            if form in ("parquet", "timestamp_ntz"):
                writer.parquet(place)
            elif form == "parquet by day":
                writer.partitionBy("kind" if table == "payments" else "account_id").parquet(place)
            elif form == "json":
                writer.json(place)
            else:
                writer.csv(place, header=True, compression="gzip" if form == "csv.gz" else "none")
    spark.stop()


def find_spark(python: str | None = None) -> tuple[str, str]:
    """Return a Python that has PySpark, and why there is none ('' if there is)."""
    python = python or os.environ.get("GRAPHSVC_SPARK_PYTHON") or sys.executable
    done = subprocess.run(
        [python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('pyspark') is None)"],
        check=False,
    )
    if done.returncode:
        return python, "PySpark is not installed here (GRAPHSVC_SPARK_PYTHON names a Python that has it)"
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return python, "there is no Java for PySpark"
    return python, ""


def run_spark(python: str, directory: Path) -> None:
    """Run `write_by_spark` in another Python.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, __file__, "--write-by-spark", str(directory)], check=True, capture_output=True,
                   env={**environment, "PYSPARK_PYTHON": python})  # fmt: skip


def write_by_calc(directory: Path, language: str, as_shown: bool, scratch: Path) -> Path:
    """Write the bundle as LibreOffice's CSV, from sheets with typed cells.

    Args:
        directory: of the bundle, which must not exist.
        language: of the program, a key of `LOCALES`.
        as_shown: cells as they are shown in this language, as its dialogue proposes; else as they are stored.
        scratch: for sheets and the program's profile.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    profile, sheets = scratch / f"profile-{language}", scratch / f"sheets-{language}-{as_shown}"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    sheets.mkdir(parents=True)
    directory.mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(
        _PROFILE.format(language=language), encoding="utf-8"
    )
    for table, rows in TABLES.items():
        (sheets / f"{table}.fods").write_text(format_sheet(rows, language), encoding="utf-8")
    # Separator, quote, UTF-8 (76), first line, columns, language, quote all texts, detect numbers or as shown.
    filter_options = f"{LOCALES[language][0]},34,76,1,,0,false,{str(as_shown).lower()},false"
    subprocess.run(
        [shutil.which("soffice") or "soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless",
         "--convert-to", f"csv:Text - txt - csv (StarCalc):{filter_options}", "--outdir", str(directory),
         *(str(sheets / f"{table}.fods") for table in TABLES)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return directory


_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>{language}</value></prop></item></oor:items>"""
_SHEET = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"
 office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:automatic-styles>
<number:date-style style:name="N1">{date}</number:date-style>
<style:style style:name="time" style:family="table-cell" style:data-style-name="N1"/>
</office:automatic-styles><office:body><office:spreadsheet>
<table:table table:name="Sheet1">{rows}</table:table></office:spreadsheet></office:body></office:document>"""


def format_sheet(rows: list[Row], language: str) -> str:
    """Return a flat OpenDocument spreadsheet with a header and typed cells."""
    header = "".join(_format_cell("text", name) for name in rows[0])
    lines = [header, *("".join(_format_cell(name, value) for name, value in row.items()) for row in rows)]
    separator, order = _DATES[language]
    date = f"<number:text>{separator}</number:text>".join(_PARTS[part] for part in order)
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    return _SHEET.format(rows=body, date=date + _CLOCK)


_PARTS = {"d": '<number:day number:style="long"/>', "m": '<number:month number:style="long"/>',
          "y": '<number:year number:style="long"/>'}  # fmt: skip
_CLOCK = (
    '<number:text> </number:text><number:hours number:style="long"/><number:text>:</number:text>'
    '<number:minutes number:style="long"/><number:text>:</number:text><number:seconds number:style="long"/>'
)
_DATES = {"en-US": ("/", "mdy"), "de-DE": (".", "dmy")}
"""Dates as the two languages write them: the separator and the order of its parts."""


def _format_cell(name: str, value: object) -> str:
    if value is None:
        return "<table:table-cell/>"
    if name in TIMES:
        return f'<table:table-cell table:style-name="time" office:value-type="date" office:date-value="{value}"/>'
    if name in WHOLE:
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
    shown = escape(str(value))
    return f'<table:table-cell office:value-type="string"><text:p>{shown}</text:p></table:table-cell>'


def main() -> None:
    """Export by all that is there, read each export, and compare."""
    parser = argparse.ArgumentParser(prog="python -m bench.exporters")
    parser.add_argument("--spark-python", metavar="PYTHON")
    parser.add_argument("--write-by-spark", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, metavar="DIR")
    asked = parser.parse_args()
    if asked.write_by_spark:
        write_by_spark(asked.write_by_spark)
        return
    with tempfile.TemporaryDirectory() as scratch:
        differing = compare(asked.work or Path(scratch), asked.spark_python)
    sys.exit(1 if differing else 0)


def compare(work: Path, spark_python: str | None = None) -> list[str]:
    """Export, read and compare; print a line an export, and return the names of those that differ."""
    exports: dict[str, Callable[[], Path]] = {}
    python, why = find_spark(spark_python)
    if why:
        print(f"PySpark: left out, {why}")
    else:
        run_spark(python, work / "spark")
        exports |= {f"PySpark {form}": lambda form=form: work / "spark" / form for form in SPARK_FORMS}  # type: ignore[misc]
    if shutil.which("soffice") is None:
        print("LibreOffice: left out, there is no soffice")
    else:
        exports |= {
            f"LibreOffice {language}, {'as shown' if shown else 'as stored'}": lambda language=language, shown=shown: (  # type: ignore[misc]
                write_by_calc(work / f"calc-{language}-{shown}", language, shown, work)
            )
            for language in LOCALES
            for shown in (True, False)
        }
    expected = describe_bundle(write_reference(work / "reference"), None)
    differing = []
    for name, export in exports.items():
        dates = next((order for language, (_, order) in LOCALES.items() if language in name), None)
        found = describe_bundle(export(), dates)
        differs = [part for part in expected if found.get(part) != expected[part]]
        print(f"{name}: {'the same graph' if not differs else f'another graph: {differs}'}")
        differing += [name] * bool(differs)
    return differing


def describe_bundle(bundle: Path, dates: str | None) -> Mapping[str, object]:
    """Read a bundle as `graphsvc load` does, and describe everything that it would write.

    Args:
        bundle: directory of it.
        dates: order of dates that cannot be told, see `graphsvc load --dates`.
    """
    from graphsvc.intake import read_bundle
    from graphsvc.intake.options import make_options
    from graphsvc.signals.tokens import Tokeniser

    tokens = Tokeniser(b"a key for exports, 32 bytes long.", "exports")
    columns = read_bundle(bundle, tokens, options=make_options([], None, None, dates))
    edges = {
        f"edges of {kind}": sorted(frame.rows()) for kind, frame in columns.edges.items() if frame.height
    }
    values = {
        f"values of {kind}": sorted(map(str, frame.rows()))
        for kind, frame in columns.values.items()
        if frame.height
    }
    return {
        "accounts": sorted(map(str, columns.accounts.rows())),
        **edges,
        **values,
        "rejected rows": columns.dead_letters.height,
        "cells that became null": [(cell.column, cell.reason) for cell in columns.cells],
    }


if __name__ == "__main__":
    main()
