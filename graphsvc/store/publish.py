"""Writes a run beside what is published, then switches in one transaction."""

import json
from collections.abc import Callable
from datetime import datetime

import polars as pl

from graphsvc.errors import DetectionError
from graphsvc.model.certificate import Certificate
from graphsvc.model.clusters import Found
from graphsvc.model.graph import SignalGraph
from graphsvc.model.runs import Run
from graphsvc.signing import Signer
from graphsvc.store.connection import Store

BATCH = 5_000
Progress = Callable[[str, int, int], None]


def begin_run(store: Store, run: Run, started_at: datetime) -> None:
    """Records that `run` has begun, and clears away what interrupted runs left."""
    store.write(
        "publish/begin",
        id=run.id,
        engine=run.engine,
        algorithm=run.algorithm,
        seed=run.seed,
        parameters=json.dumps(run.parameters, sort_keys=True),
        versions=json.dumps(run.versions, sort_keys=True),
        input_hash=run.input_hash,
        accounts=run.accounts,
        signals=run.signals,
        newest_signup=run.newest_signup,
        started_at=started_at,
    )
    store.write("publish/sweep", run=run.id)
    store.autocommit("publish/unstage", keep=run.id)


def certify(store: Store, certificate: Certificate, signer: Signer | None) -> None:
    """Puts its certificate into the record of a run that is not published yet."""
    text = certificate.text()
    store.write(
        "publish/certify",
        run=certificate.run,
        certificate=text,
        signature=signer.sign(text) if signer else None,
        signer=signer.public if signer else None,
    )


def publish(
    store: Store, run: Run, graph: SignalGraph, found: Found, timings: dict[str, float], progress: Progress
) -> None:
    """Stages everything `run` found, then makes it the published result.

    Raises:
        DetectionError: another run cleared what was staged; what was published before is still whole.
    """
    ids = found.clusters["id"]
    account_ids = graph.accounts["id"]
    clusters = found.clusters.drop("cluster")
    members = found.members.select(
        cluster=ids.gather(found.members["cluster"]),
        account=account_ids.gather(found.members["account"]),
        membership="membership",
        bits="bits",
        families="families",
        family_bits="family_bits",
        signals=signal_keys(found.members["signals"], found.keys),
        sharers="sharers",
    )
    shared = found.shared.select(
        cluster=ids.gather(found.shared["cluster"]),
        signal=found.keys.gather(found.shared["signal"]),
        rank="rank",
        accounts="accounts",
        share="share",
        bits="bits",
    )
    links = found.links.select(
        source=account_ids.gather(found.links["source"]),
        target=account_ids.gather(found.links["target"]),
        bits="bits",
        families="families",
        family_bits="family_bits",
        signals=signal_keys(found.links["signals"], found.keys),
    )
    for name, frame in (("clusters", clusters), ("members", members), ("shares", shared), ("links", links)):
        _write(store, run.id, name, frame, progress)
    row = store.write(
        "publish/switch",
        run=run.id,
        timings=json.dumps(timings),
        thresholds=json.dumps(found.thresholds, sort_keys=True),
        result_hash=found.fingerprint(graph),
        expected=clusters.height,
        members=members.height,
        links=links.height,
    )[0]
    if row["status"] != "published":
        raise DetectionError(
            "Another run began while this one was publishing and cleared what it had staged.",
            "Run `graphsvc detect` again when no other run is under way.",
        )
    store.autocommit("publish/tidy", run=run.id)


def fail_run(store: Store, run: Run, error: str) -> None:
    """Marks `run` failed and removes what it had staged."""
    store.write("publish/fail", run=run.id, error=error)
    store.autocommit("publish/unstage", keep="")


def signal_keys(signals: pl.Series, keys: pl.Series) -> pl.Series:
    """Lists of row numbers as lists of keys; '' for -1, the last, since lists in Neo4j hold no nulls.

    By exploding: a list expression over a column of its own would copy all keys for every row.
    """
    rows = pl.DataFrame({"signal": signals}).with_row_index("row")
    named = (
        rows.explode("signal", empty_as_null=False)
        .with_columns(key=pl.lit(keys.extend_constant("", 1)).gather("signal"))
        .group_by("row", maintain_order=True)
        .agg("key")
    )
    return rows.join(named, on="row", how="left", maintain_order="left")["key"].fill_null([])


def _write(store: Store, run: str, name: str, frame: pl.DataFrame, progress: Progress) -> None:
    for start in range(0, frame.height, BATCH):
        rows = frame.slice(start, BATCH).to_dict(as_series=False)
        store.write(f"publish/{name}", run=run, **rows)
        progress(f"write {name}", min(start + BATCH, frame.height), frame.height)
