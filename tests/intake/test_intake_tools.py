"""One small bundle as the tools themselves export it, in each of their forms: the same columns from all."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest
from exports import TOKENS, assert_same_bundles

from graphsvc.intake import read_bundle
from graphsvc.model.columns import BundleColumns

IDS = [1001, 1002, 1003, 1004]
UUIDS = ["0123abcd-1234-5678-9abc-def012345678", "1123abcd-1234-5678-9abc-def012345678"]
CREATED = pd.to_datetime(
    ["2024-01-05T10:00:00Z", "2024-01-06T10:00:00.123456Z", "2024-02-13T23:59:59Z", "2024-03-01T00:00:00Z"],
    format="ISO8601",
).as_unit("us")


def frames() -> dict[str, pd.DataFrame]:
    """Return the bundle as pandas holds it after a join: ids and codes with gaps are floats."""
    first = CREATED
    return {
        "accounts": pd.DataFrame({
            "account_id": IDS, "created_at": CREATED, "status": ["active", "banned", None, "closed"],
            "email": ["zoë@bücher.example", "a.b@mail.example", None, "c@mail.example"],
            "phone": [15555550100.0, 15555550100.0, None, 4915112345678.0],
            "display_name": ['Zoë "Z", Müller', None, "semi;colon", "line\nbreak"],
            "signup_ip": ["203.0.113.7", "2001:db8::1", None, "203.0.113.7"],
            "signup_device": [UUIDS[0], UUIDS[1], UUIDS[0], None],
        }),
        "payments": pd.DataFrame({
            "account_id": IDS[:2], "instrument": ["pm_1", "pm_1"], "kind": ["card", "card"],
            "bin": [411111.0, None], "first_seen": first[:2], "last_seen": first[:2] + pd.Timedelta(days=1),
            "payments": [3.0, None],
        }),
        "sessions": pd.DataFrame({
            "account_id": [*IDS, 1001], "ip": ["203.0.113.7", "203.0.113.7", "2001:db8::1", "192.0.2.1", "192.0.2.2"],
            "asn": [13335.0, None, None, 64500.0, None], "first_seen": [*first, first[0]],
            "last_seen": [*(first + pd.Timedelta(hours=1)), first[3]], "requests": [1.0, 2.0, None, 4.0, 5.0],
        }),
    }  # fmt: skip


Export = Callable[[str, pd.DataFrame, Path], None]


def by_pandas(form: str) -> Export:
    def export(table: str, frame: pd.DataFrame, path: Path) -> None:
        if form == "csv":
            frame.to_csv(path / f"{table}.csv", index=False)
        elif form == "semicolons":
            frame.to_csv(
                path / f"{table}.csv", index=False, sep=";", encoding="utf-16", lineterminator="\r\n"
            )
        elif form == "csv.gz":
            frame.to_csv(path / f"{table}.csv.gz", index=False, na_rep="NaN")
        elif form == "lines":
            frame.to_json(
                path / f"{table}.jsonl", orient="records", lines=True, date_format="iso", date_unit="us"
            )
        elif form == "array":
            frame.to_json(
                path / f"{table}.json", orient="records", indent=1, date_format="epoch", date_unit="us"
            )
        elif form == "parquet":
            frame.to_parquet(path / f"{table}.parquet")
        else:
            zoned = frame.copy()
            for name in zoned.select_dtypes("datetimetz"):
                zoned[name] = zoned[name].dt.tz_convert("+05:30")
            zoned.to_parquet(path / f"{table}.parquet", row_group_size=2)

    return export


def by_polars(form: str) -> Export:
    def export(table: str, frame: pd.DataFrame, path: Path) -> None:
        data = pl.from_pandas(frame)
        if form == "csv":
            data.write_csv(path / f"{table}.csv")
        elif form == "epochs":
            data.with_columns(pl.col(pl.Datetime).dt.epoch("us")).write_csv(
                path / f"{table}.csv", separator="\t"
            )
        elif form == "ndjson":
            data.write_ndjson(path / f"{table}.ndjson")
        else:
            data.with_columns(pl.col(pl.String).cast(pl.Categorical)).write_parquet(path / f"{table}.parquet")

    return export


def by_arrow(form: str) -> Export:
    def export(table: str, frame: pd.DataFrame, path: Path) -> None:
        data = pa.Table.from_pandas(frame, preserve_index=False)
        if form == "csv":
            pa_csv.write_csv(data, path / f"{table}.csv")
        elif form == "folder":
            (path / table).mkdir()
            for part in range(data.num_rows):
                pa_parquet.write_table(data.slice(part, 1), path / table / f"part-{part}.parquet")
        else:  # as Spark and Impala did for years
            pa_parquet.write_table(
                data, path / f"{table}.parquet", use_deprecated_int96_timestamps=True, version="1.0"
            )

    return export


def by_duckdb(form: str) -> Export:
    def export(table: str, frame: pd.DataFrame, path: Path) -> None:
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            database.register("frame", pa.Table.from_pandas(frame, preserve_index=False))
            query = "SELECT * FROM frame"
            if table == "accounts" and form == "parquet":
                query = (
                    "SELECT * REPLACE (signup_device::UUID AS signup_device, phone::DECIMAL(18, 2) AS phone) "
                    "FROM frame"
                )
            if form == "hive":
                query = "SELECT *, 1 + account_id % 2 AS day FROM frame"
                database.execute(f"COPY ({query}) TO '{path / table}' (FORMAT parquet, PARTITION_BY (day))")
                return
            suffix = {"json array": "json", "ndjson": "json"}.get(form, form)
            more = {"csv": "(HEADER)", "json array": "(ARRAY true)"}.get(form, f"(FORMAT {suffix})")
            database.execute(f"COPY ({query}) TO '{path / table}.{suffix}' {more}")

    return export


POSTGRES = shutil.which("initdb")
TYPES = {"account_id": "bigint", "bin": "integer", "asn": "bigint", "phone": "bigint", "payments": "integer",
         "requests": "integer", "signup_ip": "inet", "ip": "inet", "signup_device": "uuid"}  # fmt: skip


@pytest.fixture(scope="module")
def psql() -> Iterator[Callable[[str], str]]:
    """Return a function that runs SQL in a PostgreSQL of the test's own, and skip where there is none."""
    if POSTGRES is None:
        pytest.skip("no PostgreSQL here")
    # Not below pytest's own directory, from which another session of pytest may shut other users out.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        yield from _served_by_postgres(Path(folder))


def _served_by_postgres(place: Path) -> Iterator[Callable[[str], str]]:
    """Yield a function that runs SQL in a PostgreSQL whose data lie in `place`."""
    assert POSTGRES is not None
    user: dict[str, object] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("no user to run PostgreSQL as")
        os.chown(place, owner.pw_uid, owner.pw_gid)
        user = {"user": owner.pw_uid, "group": owner.pw_gid}
    binaries = Path(POSTGRES).resolve().parent
    data = ["--pgdata", str(place / "data")]

    def run(*words: str, text: str | None = None) -> str:
        done = subprocess.run(
            words, input=text, capture_output=True, text=True, check=False, cwd=place, **user  # type: ignore[call-overload]
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    run(str(binaries / "initdb"), *data, "--username", "test", "--auth", "trust", "--encoding", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories={place} -c timezone=Asia/Kolkata"
    subprocess.run(
        [str(binaries / "pg_ctl"), *data, "--options", options, "--wait", "--log", str(place / "log"), "start"],
        check=True, cwd=place, stdout=subprocess.DEVNULL, **user,  # type: ignore[call-overload]
    )  # fmt: skip
    client = str(binaries / "psql")
    try:
        yield lambda sql: run(
            client, "--host", str(place), "--username", "test", "-qAtX", "postgres", text=sql
        )
    finally:
        run(str(binaries / "pg_ctl"), *data, "--mode", "fast", "stop")


def read(path: Path, export: Export) -> BundleColumns:
    path.mkdir()
    for table, frame in frames().items():
        export(table, frame, path)
    return read_bundle(path, TOKENS)


def same(one: BundleColumns, other: BundleColumns) -> None:
    assert one.dead_letters.is_empty()
    assert one.cells == ()
    assert_same_bundles(one, other)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> BundleColumns:
    """Return the bundle written by hand, in the contract's own form."""
    path = tmp_path_factory.mktemp("reference")

    def plain(value: object) -> object:
        if isinstance(value, pd.Timestamp):
            return value.isoformat()
        if value is None or value != value:  # noqa: PLR0124 - NaN
            return None
        return int(value) if isinstance(value, float) else value

    for table, frame in frames().items():
        rows = [{name: plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
        for row in rows:
            row["account_id"] = str(row["account_id"])
        (path / f"{table}.ndjson").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    columns = read_bundle(path, TOKENS)
    assert columns.dead_letters.is_empty()
    assert columns.accounts["account_id"].to_list() == ["1001", "1002", "1003", "1004"]
    assert columns.edges["phone"].height == 3
    assert columns.values["ip"].height == 4
    return columns


EXPORTS = {
    **{f"pandas {form}": by_pandas(form) for form in ("csv", "semicolons", "lines", "array", "parquet", "zoned")},
    **{f"polars {form}": by_polars(form) for form in ("csv", "epochs", "ndjson", "parquet")},
    **{f"arrow {form}": by_arrow(form) for form in ("csv", "folder", "int96")},
    **{f"duckdb {form}": by_duckdb(form) for form in ("csv", "parquet", "hive", "ndjson", "json array")},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_columns_from_every_tool(tmp_path: Path, reference: BundleColumns, name: str) -> None:
    same(read(tmp_path / "bundle", EXPORTS[name]), reference)


def test_nan_written_out_is_nothing_and_counted(tmp_path: Path, reference: BundleColumns) -> None:
    columns = read(tmp_path / "bundle", by_pandas("csv.gz"))
    assert {cell.reason for cell in columns.cells} == {"null_word"}
    assert columns.accounts.equals(reference.accounts)
    assert all(columns.edges[kind].equals(reference.edges[kind]) for kind in reference.edges)


FORMS = ["FORMAT csv, HEADER", "FORMAT csv, HEADER, DELIMITER ';', FORCE_QUOTE *", "FORMAT text, HEADER"]


@pytest.mark.parametrize("form", FORMS)
def test_copy_of_postgresql(
    tmp_path: Path, reference: BundleColumns, psql: Callable[[str], str], form: str
) -> None:
    def export(table: str, frame: pd.DataFrame, path: Path) -> None:
        columns = [
            f"{name} {TYPES.get(name, 'timestamptz' if isinstance(frame[name].dtype, pd.DatetimeTZDtype) else 'text')}"
            for name in frame
        ]
        whole = frame.astype({name: "Int64" for name in frame if frame[name].dtype == "float64"})
        sql = f"CREATE TEMP TABLE t ({', '.join(columns)});\nCOPY t FROM stdin (FORMAT csv);\n"
        text = psql(f"{sql}{whole.to_csv(index=False, header=False)}\\.\nCOPY t TO stdout ({form});\n")
        if "text" in form:  # a line break within a value is escaped there, as the two characters \\n
            text = text.replace("line\\nbreak", "line break")
        (path / f"{table}.csv").write_text(text, encoding="utf-8")

    columns = read(tmp_path / "bundle", export)
    assert columns.dead_letters.is_empty()
    assert columns.accounts.equals(reference.accounts)
    assert {cell.reason for cell in columns.cells} <= {"null_word"}
    skipped = (
        {"display_name"} if "text" in form else set()
    )  # quotes and line breaks, which text does not quote
    for kind in set(reference.edges) - skipped:
        assert columns.edges[kind].equals(reference.edges[kind]), kind
