"""Loads from an object store, S3 here: the same bundle as from a folder, read by a real server's interface."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import run_command
from graphs import checksum_content, ring_bundle, write_bundle
from killing import run_killed, was_killed
from s3fs import S3FileSystem
from servers import run_s3

from graphsvc.errors import BundleError
from graphsvc.intake import read_bundle
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser, load_or_create_key
from graphsvc.sources.places import open_folder
from graphsvc.store import Store

SECRET = "s3cret-of-the-bucket"
TOKENS = Tokeniser(b"k" * 32, "k1")


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    """An S3 server, with its address and credentials where AWS's own tools look for them."""
    with run_s3() as address, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        yield


def upload(folder: Path, bucket: str) -> str:
    """Put the files of a folder into a new bucket, and return the address of the folder there."""
    import boto3

    client = boto3.client("s3")
    client.create_bucket(Bucket=bucket)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        client.upload_file(str(file), bucket, f"exports/{file.relative_to(folder).as_posix()}")
    return f"s3://{bucket}/exports"


@pytest.mark.usefixtures("s3")
def test_a_bundle_there_is_the_one_here(tmp_path: Path) -> None:
    folder = ring_bundle(tmp_path / "bundle")
    # Parts in Hive folders, and Parquet, which is read at places and not from its beginning.
    import polars as pl

    sessions = pl.read_ndjson(folder / "sessions.ndjson")
    (folder / "sessions.ndjson").unlink()
    for day in (1, 2):
        part = folder / "sessions" / f"day={day}" / "part-0.parquet"
        part.parent.mkdir(parents=True)
        sessions[day - 1 :: 2].write_parquet(part)
    here, there = (read_bundle(place, TOKENS) for place in (folder, open_folder(upload(folder, "same"))))
    assert here.id == there.id
    assert here.accounts.equals(there.accounts)
    assert all(here.edges[kind].equals(there.edges[kind]) for kind in here.edges)


@pytest.mark.sources
@pytest.mark.usefixtures("s3", "cli_environment")
def test_the_command_loads_it_also_when_it_was_killed(
    database: Store, tmp_path: Path, installation: Settings
) -> None:
    folder = ring_bundle(tmp_path / "bundle")
    load_bundle(database, folder, load_or_create_key(installation), installation.dead_letters_dir)
    plain = checksum_content(database)
    database.run_autocommit("bench/wipe")
    source = upload(folder, "killed")
    killed = run_killed(6, 0.0, "load", source)
    assert was_killed(killed), killed.stderr
    done = run_command("load", source)
    assert done.returncode == 0, done.stderr
    assert checksum_content(database) == plain
    assert SECRET not in done.stdout + done.stderr
    # What is there is known by its content, wherever it is.
    assert "was loaded before" in run_command("load", folder).stdout


@pytest.mark.usefixtures("s3")
def test_it_is_explained(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b", users=[{"uid": "a", "joined_at": "2026-03-01T10:00:00Z"}])
    done = run_command("load", "--explain", upload(folder, "explained"))
    assert done.returncode == 0, done.stderr
    assert "account_id        not mapped; maybe uid (sure)" in done.stdout


@pytest.mark.usefixtures("s3")
def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b", sessions=[])
    with pytest.raises(BundleError, match="no table accounts"):
        read_bundle(open_folder(upload(folder, "lacking")), TOKENS)
    for source in ("s3://lacking/nowhere", "s3://nobucket/exports"):
        done = run_command("load", "--explain", source)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert SECRET not in done.stderr


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    S3FileSystem.clear_instance_cache()  # a process keeps the connections of earlier tests
    done = run_command("load", "--explain", "s3://elsewhere/exports")
    assert done.returncode == 1
    assert "s3://elsewhere/exports" in done.stderr
    assert "Traceback" not in done.stderr
