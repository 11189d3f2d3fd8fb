"""Stage a run next to the published one, then switch in one transaction."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime

import polars as pl
import polars.selectors as cs

from graphsvc.errors import Busy, Conflict, DetectionError
from graphsvc.events.build import build_run_events
from graphsvc.lineage.decisions import update_decisions
from graphsvc.model.certificate import Certificate
from graphsvc.model.events import NewEvent
from graphsvc.model.graph import SignalGraph
from graphsvc.model.lineage import DORMANT, MERGED, Followed
from graphsvc.model.runs import Run
from graphsvc.model.stages import Stage
from graphsvc.signing import Signer
from graphsvc.store.connection import Row, Store
from graphsvc.store.control import mark_failed
from graphsvc.store.decisions import TURNS, build_record_step, build_seen_guard, read_decision_log
from graphsvc.store.events import FAILURES, build_append_step
from graphsvc.store.staging import build_evidence, read_memberships
from graphsvc.succession.successions import Succession, resolve_ids
from graphsvc.types import Progress, ignore_progress

BATCH = 5_000
"""Rows a statement."""
SIDE_BY_SIDE = {"members", "former", "links"}
"""Statements of which two batches are written at once. Batches of different clusters have no account in common, so none
waits for another. Signals are in several clusters, and batches of `shares` would wait for each other in a circle."""
CREATED = {"members"}
"""Statements that are not idempotent, and are kept from being repeated by a claim."""


def begin_run(store: Store, run: Run, started_at: datetime) -> None:
    """Record that `run` has begun, before it reads, and remove what interrupted runs left.

    Raises:
        Conflict: it took so long to begin that others took it for dead, and began another one in its place.
    """
    (row,) = store.write(
        "publish/begin",
        id=run.id,
        engine=run.engine,
        algorithm=run.algorithm,
        seed=run.seed,
        parameters=json.dumps(run.parameters, sort_keys=True),
        versions=json.dumps(run.versions, sort_keys=True),
        started_at=started_at,
    )
    if row["status"] != "running":
        raise Conflict(
            f"The run {run.id} was given up before it began; nothing was changed.",
            "`graphsvc runs` shows the one in its place.",
        )
    store.run_transaction(("publish/sweep", {"run": run.id}), FAILURES)
    _remove_staged(store, keep=run.id)


def record_stages(store: Store, run: Run, stages: Sequence[Stage]) -> None:
    """Record the measurements of a run's stages, also of a failed one."""
    store.write(
        "publish/stages",
        run=run.id,
        timings=json.dumps({stage.name: stage.seconds for stage in stages}),
        stages=json.dumps([asdict(stage) for stage in stages]),
    )


def record_input(store: Store, run: Run) -> None:
    """Record the input that `run` has read."""
    store.write(
        "publish/has_read",
        id=run.id,
        input_hash=run.input_hash,
        accounts=run.accounts,
        signals=run.signals,
        newest_signup=run.newest_signup,
    )


def certify(store: Store, certificate: Certificate, signer: Signer | None) -> None:
    """Write the certificate into the record of a run that is not published yet."""
    text = certificate.to_json()
    store.write(
        "publish/certify",
        run=certificate.run,
        certificate=text,
        signature=signer.sign(text) if signer else None,
        signer=signer.public if signer else None,
    )


def publish(
    store: Store,
    run: Run,
    graph: SignalGraph,
    followed: Followed,
    succession: Succession,
    result_hash: str,
    progress: Progress,
) -> None:
    """Stage all results of `run`, then make them the published ones, with the events of identities.

    Of successions, the probable pairs and the turnover of each cluster are kept. The switch is one
    transaction: clusters, states of identities, copies of decisions, their statuses and the events of the outbox
    are all there, or none is.

    Args:
        store: the database.
        run: the run.
        graph: its input.
        followed: its clusters under lasting ids.
        succession: its successions.
        result_hash: fingerprint of the result.
        progress: called with the stage, rows done and rows in all.

    Raises:
        DetectionError: another run removed what was staged; what was published before is intact.
        Busy: people kept deciding while it was to be published.
    """
    found, events = followed.found, followed.events
    clusters = found.clusters.drop("cluster")
    campaigns_found = found.select_campaigns()
    evidence = build_evidence(graph, followed, read_memberships(store), datetime.now(UTC))
    pairs, campaigns = resolve_ids(succession, graph.accounts["id"], found.clusters["id"])
    staged = {
        "clusters": clusters,
        "members": evidence.members,
        "former": evidence.former,
        "shares": evidence.shares,
        "links": evidence.fresh_links,
        "successions": pairs.filter("probable").drop("cluster", "inside", "rank", "probable"),
        "turnover": campaigns.select(
            id="cluster", turnover=pl.Series(_format_documents(campaigns.drop("cluster")))
        ),
    }
    for name, frame in staged.items():
        _write_batches(store, run.id, name, frame, progress)
    # An id that was merged or is dormant has no cluster in this run, so `publish/ended` writes its event.
    here = events.filter(~pl.col("kind").is_in([MERGED, DORMANT]))
    _write_batches(store, run.id, "events", here.select("id", "kind", "says"), progress)
    # A dormant identity has no cluster in this run that could continue it.
    tied = events.filter(pl.col("before").is_not_null() & (pl.col("kind") != DORMANT))
    continues = tied.select(
        "id", "before", "kind", "overlap", "families", "bits", "says",
        accounts="accounts_in_common", signals="signals_in_common",
    )  # fmt: skip
    _write_batches(store, run.id, "continues", continues, progress)
    _publish_staged(
        store,
        run,
        events,
        {
            "thresholds": json.dumps(found.thresholds, sort_keys=True),
            "result_hash": result_hash,
            "members": campaigns_found.members.height,
            "business_members": found.members.height - campaigns_found.members.height,
            "links": campaigns_found.links.height,
        },
        clusters.height,
        build_run_events(run.id, events, found),
    )
    store.run_autocommit("publish/tidy_links", versions=evidence.list_versions())
    store.run_autocommit("publish/tidy_successions", run=run.id)
    # A link that was deleted by hand is missed here, since the version of its account says that it is there.
    if store.read("publish/count_links")[0]["links"] != evidence.links.height:
        # The run is published, so it can be cancelled no more.
        _write_batches(store, run.id, "links", evidence.links, ignore_progress)


def _publish_staged(
    store: Store, run: Run, events: pl.DataFrame, figures: Row, clusters: int, news: list[NewEvent]
) -> None:
    """Publish what is staged in one transaction. Start again from the decision log if a decision was made meanwhile."""
    ended = events.filter(pl.col("kind").is_in([MERGED, DORMANT])).select(
        id="before",
        kind="kind",
        into=pl.when(pl.col("kind") == MERGED).then("id").otherwise(pl.col("into").fill_null("")),
        says="says",
    )
    for _ in range(TURNS):
        book = read_decision_log(store)
        # Decisions of parents go to their parts. That depends on the log, so it is computed again at each
        # attempt.
        carried = update_decisions(events, book.decisions, book.mergers, book.version)
        turn = {"run": run.id, "expected": clusters, "version": book.version, "next": carried.last}
        statuses = {each: status.value for each, status in carried.statuses.items()}
        closed = store.write_all_guarded(
            (("publish/turn", turn), build_seen_guard(book)),
            ("publish/retire", {}),
            ("publish/hand_over", {"run": run.id}),
            ("publish/switch", {"run": run.id, **figures}),
            ("publish/ended", {"run": run.id, "number": carried.last, **ended.to_dict(as_series=False)}),
            build_record_step(carried.copies, run.id),
            ("decisions/status", {"id": list(statuses), "status": list(statuses.values())}),
            # Last, so that others wait for the lock of the outbox no longer than the commit takes.
            build_append_step(news),
        )
        if closed is None:
            return
        # A guard was closed. The state tells why: our own commit, another run, or only a newer decision.
        (state,) = store.read("publish/state", run=run.id)
        if state["status"] == "published":  # by us: the answer to the commit was lost
            return
        if state["status"] != "running" or state["staged"] != clusters:
            raise DetectionError(
                "Another run began while this one was publishing and cleared what it had staged.",
                "Run `graphsvc detect` again when no other run is under way.",
            )
    raise Busy("Others kept deciding, or publishing, while this was to be written.", "Try again in a moment.")


def forget_members(store: Store, keep_runs: int) -> None:
    """Remove the members of past runs' clusters, except those of the last `keep_runs` runs.

    These include the published run. The run before it always keeps its members, so that the two can be
    compared. An identity that is not found now keeps the members of its last cluster, which identify it when
    it returns. Clusters, events and decisions stay.

    Call it after publishing: no reader needs what it removes. If it is killed, the next call continues.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    store.write("publish/expire", keep=max(keep_runs - 1, 1))
    store.run_autocommit("publish/forget")


def fail_run(store: Store, run: Run, error: str) -> None:
    """Mark `run` failed and remove what it had staged."""
    mark_failed(store, run.id, error)
    _remove_staged(store, keep="")


def _remove_staged(store: Store, *, keep: str) -> None:
    """Remove what runs have staged, and their claims, except those of the run `keep`."""
    # In batches of its own transactions: what an interrupted run staged may be larger than one transaction
    # can hold.
    store.run_autocommit("publish/unstage", keep=keep)
    store.write("publish/unclaim", keep=keep)


def _format_documents(frame: pl.DataFrame) -> list[str]:
    """Format each row as JSON, with null for NaN."""
    return [json.dumps(row) for row in frame.with_columns(cs.float().fill_nan(None)).to_dicts()]


def _write_batches(store: Store, run: str, name: str, frame: pl.DataFrame, progress: Progress) -> None:
    """Write a frame in batches, those of `SIDE_BY_SIDE` in two parts at once."""

    def write_batch(rows: pl.DataFrame, batch: str) -> int:
        step = f"publish/{name}", {"run": run, **rows.to_dict(as_series=False)}
        if name in CREATED:
            store.write_guarded(("publish/claim", {"run": run, "batch": batch}), step)
        else:
            store.run_transaction(step)
        return rows.height

    # One transaction a batch: memory of the database stays bounded, and progress can be told.
    parts = [part.iter_slices(BATCH) for part in (_halve(frame) if name in SIDE_BY_SIDE else [frame])]
    writers = [ThreadPoolExecutor(1) for _ in parts]
    done = 0
    try:
        batches = [
            writer.submit(write_batch, rows, f"{name}/{half}/{number}")
            for half, (writer, part) in enumerate(zip(writers, parts, strict=True))
            for number, rows in enumerate(part)
        ]
        for batch in as_completed(batches):
            done += batch.result()
            progress(f"write {name}", done, frame.height)
    finally:
        # A run that was told to stop writes no more than what is under way.
        for writer in writers:
            writer.shutdown(cancel_futures=True)


def _halve(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Cut a frame that is sorted by cluster into two parts of about the same size, between two clusters."""
    run = frame["cluster"].rle_id()
    middle = run.search_sorted(run[frame.height // 2]) if frame.height else 0
    return [frame[:middle], frame[middle:]]
