"""`make bench-score`: how fast sign-ups are scored, beside a bare Cypher look-up, and how well.

    python -m bench.score [--accounts N] [--clients N,N …] [--seconds S] [--workers N,N] [--world days:41:20000]
                          [--days N] [--only speed|quality] [--work DIR] [--out DIR]

Speed: a world of the scenario `book` is made, loaded and detected unless --work holds it from before; `graphsvc serve`
runs in a process of its own, and this process is the clients. Quality: each sign-up of a world's days is scored with
what its first hour shows, against the run over all that the days before showed, in memory. `score.json` and `score.md`
go to --out, progress to standard error.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import neo4j
import numpy as np
import polars as pl
import psutil

from bench.api.book import Book, Service
from bench.api.clients import Ask, measure_clients
from bench.quality import OUT, commit
from bench.replay import graphs
from bench.score_report import RATES, format_report
from bench.trials import Name, say
from bench.worlds import tokens
from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.progress import Stages
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import find
from graphsvc.measure import Clock
from graphsvc.model.clusters import Assessment
from graphsvc.model.graph import SignalGraph
from graphsvc.scoring.answers import Recommendation, Score, Thresholds, score_signups
from graphsvc.scoring.files import IndexFiles
from graphsvc.scoring.index import add_predecessors, build_index
from graphsvc.scoring.signups import Key, read_signups
from graphsvc.signals.kinds import family_of
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.statements import load_statement
from graphsvc.succession.successions import find_successions
from graphsvc.types import ignore_progress
from graphsvc_lab.cli.seed import write_world
from graphsvc_lab.evaluation.truth import read_truth

FIRST_HOUR = pl.duration(hours=1)
"""What a sign-up service knows when it asks: all that an account showed within an hour of its sign-up."""
BATCH = 1_000
Connect = Callable[[], Awaitable[Ask]]
"""Connects a client."""


def main() -> None:
    """Measures, and writes the report."""
    asked = _arguments()
    path = asked.out / "score.json"
    report: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if asked.only != "quality":
        speed = report.setdefault("speed", {})
        speed[str(asked.accounts)] = measure_speed(
            asked.work, asked.accounts, asked.clients, asked.seconds, asked.workers
        )
    if asked.only != "speed":
        quality = report.setdefault("quality", {})
        quality[f"{asked.world}, {asked.days} days"] = measure_quality(Name.parse(asked.world), asked.days)
    report["commit"] = commit()
    asked.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1), encoding="utf-8")
    page = format_report(report)
    (asked.out / "score.md").write_text(page, encoding="utf-8")
    print(page)


def read_first_hours(bundle: Path) -> pl.DataFrame:
    """Read what each account of a bundle showed within an hour of its sign-up, a row an account.

    Of several values of a kind the first is taken: a sign-up has one card, one device, one prompt.
    """
    born = pl.read_parquet(bundle / "accounts.parquet").filter(pl.col("created_at").is_not_null())
    names = ("email", "phone", "display_name", "organization", "signup_ip", "signup_device", "user_agent")
    wide = born.select("account_id", "created_at", *(name for name in names if name in born.columns))
    took = {
        "payments": {"instrument": "instrument", "bin": "bin"},
        "sessions": {"ip": "ip", "asn": "asn", "device": "device"},
        "prompts": {"text": "text", "fingerprint": "fingerprint"},
    }
    for name, columns in took.items():
        if not (bundle / f"{name}.parquet").exists():
            continue
        rows = pl.read_parquet(bundle / f"{name}.parquet").join(
            wide.select("account_id", "created_at"), on="account_id"
        )
        rows = rows.filter(pl.col("first_seen") < pl.col("created_at") + FIRST_HOUR).sort(
            "account_id", "first_seen"
        )
        first = rows.unique("account_id", keep="first", maintain_order=True)
        there = {new: old for new, old in columns.items() if old in rows.columns}
        wide = wide.join(
            first.select("account_id", **{n: pl.col(o) for n, o in there.items()}),
            on="account_id",
            how="left",
        )
    if (bundle / "identifiers.parquet").exists():
        others = pl.read_parquet(bundle / "identifiers.parquet").unique(["account_id", "kind"], keep="first")
        for (kind,), rows in others.partition_by("kind", as_dict=True).items():
            value = rows.select("account_id", pl.col("value").alias(f"identifier.{kind}"))
            wide = wide.join(value, on="account_id", how="left")
    return wide.with_columns(pl.col("created_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).with_columns(
        pl.exclude("account_id").cast(pl.String)
    )


def measure_quality(name: Name, days: int) -> dict[str, Any]:
    """Score each sign-up of a world's days against the run over the days before."""
    parts = []
    with TemporaryDirectory() as directory:
        world = Path(directory)
        with Stages() as stages:
            write_world(
                name.accounts, name.seed, world, stages, scenario=name.scenario, days=days, force=True
            )
        truth = read_truth(world / "truth.parquet")
        bundles = sorted(world.glob("day-*"))
        for day, graph in enumerate(graphs(world, tokens())):
            if day + 1 == len(bundles):
                break
            found, _, incidence = find(graph, InProcessDetector(), Parameters(), Clock(), ignore_progress)
            index = build_index(f"day-{day}", incidence, found, signups=True)
            campaigns = found.select_campaigns().members
            index = add_predecessors(index, find_successions(incidence.graph, campaigns, keep=True).kept)
            signups = read_first_hours(bundles[day + 1])
            if not signups.height:
                continue
            read = read_signups(signups, tokens())
            scores = score_signups(index, read, Thresholds())
            known = set(
                truth.filter(pl.col("account_id").is_in(graph.accounts["id"].implode()))["campaign_id"]
            )
            reused = _find_reused(signups["account_id"], read.keys, graph, truth)
            parts.append(_lay_out(signups, scores, truth, known).join(reused, on="account_id", how="left"))
            say(f"{name} day {day + 1}: {signups.height} sign-ups")
    rows = pl.concat(parts)
    return {"sign-ups": rows.height, **_summarise(rows)}


def _find_reused(ids: pl.Series, read: list[Key], graph: SignalGraph, truth: pl.DataFrame) -> pl.DataFrame:
    """Find the families of which a sign-up brings a value that its campaign had before: account_id, reused (list)."""
    keys = pl.DataFrame(read, schema=Key._fields, orient="row", infer_schema_length=None)
    named = truth.drop_nulls("campaign_id").select("account_id", "campaign_id")
    before = graph.accounts.select(account_id="id", account=pl.int_range(pl.len(), dtype=pl.Int32)).join(
        named, on="account_id"
    )
    uses = pl.DataFrame({"account": graph.account, "key": graph.signals["key"].gather(graph.signal)})
    had = uses.join(before, on="account").select("campaign_id", "key").unique()
    mine = keys.select("key", "kind", account_id=ids.gather(keys["account"])).join(named, on="account_id")
    # A mail domain or a client is of too many to be reused by one.
    telling = mine.filter(~pl.col("kind").is_in(["email_domain", "user_agent"]))
    shared = telling.join(had, on=["campaign_id", "key"], how="semi")
    families = shared.with_columns(reused=pl.col("kind").map_elements(family_of, return_dtype=pl.String))
    return families.group_by("account_id").agg(pl.col("reused").unique())


def _lay_out(
    signups: pl.DataFrame, scores: list[Score], truth: pl.DataFrame, known: set[str | None]
) -> pl.DataFrame:
    """Return account_id, risk, recommendation, campaign_id, role, decoy, known (its campaign had accounts before)."""

    def risk(score: Score) -> float:
        best = score.matches[0] if score.matches else None
        if best is None or score.other_group or best.assessment is not Assessment.CAMPAIGN:
            return 0.0
        return best.membership

    return (
        signups.select("account_id")
        .with_columns(
            risk=pl.Series(map(risk, scores), dtype=pl.Float64),
            recommendation=pl.Series([score.recommendation.value for score in scores]),
        )
        .join(truth, on="account_id", how="left")
        .with_columns(known=pl.col("campaign_id").is_in([each for each in known if each]))
    )


def _summarise(rows: pl.DataFrame) -> dict[str, Any]:
    """Compute recall at the rates and of the recommendations, over sign-ups of campaigns with accounts before."""
    honest = rows.filter(pl.col("campaign_id").is_null())
    hostile = rows.filter(pl.col("campaign_id").is_not_null())
    groups = {
        "all of campaigns": hostile,
        "campaigns with accounts before": hostile.filter("known"),
        "replacements of banned ones": hostile.filter(pl.col("role") == "replacement"),
    }
    for family in sorted(set(hostile["reused"].explode().drop_nulls())):
        groups[f"reused: {family}"] = hostile.filter(
            pl.col("reused").list.contains(family).fill_null(value=False)
        )
    groups["reused: nothing"] = hostile.filter(pl.col("reused").is_null())
    said: dict[str, Any] = {"honest": honest.height}
    ordered = np.sort(honest["risk"].to_numpy())[::-1]
    for rate in RATES:
        allowed = int(rate * len(ordered))
        # The lowest bar that lets no more than so many honest sign-ups pass.
        bar = float(ordered[allowed]) if allowed < len(ordered) else 0.0
        said[f"bar at {rate:.1%}"] = bar
        for name, group in groups.items():
            passing = int((group["risk"].to_numpy() > bar).sum())
            said.setdefault(name, {"of": group.height})[f"recall at {rate:.1%}"] = passing / max(
                group.height, 1
            )
    for advice in (Recommendation.REVIEW, Recommendation.CHALLENGE):
        for name, group in {**groups, "honest sign-ups": honest}.items():
            share = (group["recommendation"] == advice.value).sum() / max(group.height, 1)
            said.setdefault(name, {"of": group.height})[advice.value] = float(share)
    return said


def measure_speed(
    work: Path, accounts: int, clients: tuple[int, ...], seconds: float, workers: tuple[int, ...]
) -> dict[str, Any]:
    """Measure latencies and throughput of single scores, of batches, and of the bare look-up; start and memory."""
    book = Book(work / str(accounts), accounts, seed=1)
    book.prepare()
    signups = _sample(read_first_hours(book.bundle), 2_000)
    began = time.perf_counter()
    index = IndexFiles(book.settings.score_dir).load()
    loaded = time.perf_counter() - began
    size = sum(path.stat().st_size for path in book.settings.score_dir.rglob("*.npy"))
    rows: list[dict[str, Any]] = []
    first: dict[str, float] = {}
    try:
        for processes in workers:
            with book.serving(processes) as service:
                before = _measure_memory(service)
                cold = asyncio.run(_measure_first(service, signups))
                ways = [
                    *(("one", 1, number) for number in clients),
                    *(("Cypher", 0, number) for number in clients if processes == workers[0]),
                    (f"batch of {BATCH:,}", BATCH, 1),
                ]
                for way, size_of_call, number in ways:
                    connect = (
                        _over_http(service, signups, size_of_call)
                        if size_of_call
                        else _over_driver(service, book, signups)
                    )
                    row = asyncio.run(_measure(service, connect, number, seconds))
                    rows.append({"way": way, "workers": processes, **row})
                    say(f"{way}, {processes} processes, {number} clients: {row}")
                memory = _measure_memory(service) - before
                first = first or {"first answer ms": cold, "memory bytes": memory}
    finally:
        book.stop()
    return {
        "index seconds": loaded, "index bytes": size, "keys": len(index.digests), "clusters": len(index.numbers),
        **first, "rows": rows,
    }  # fmt: skip


def _measure_memory(service: Service) -> int:
    """Measure the memory of the processes that answer."""
    process = psutil.Process(service.process)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


async def _measure(service: Service, connect: Connect, clients: int, seconds: float) -> dict[str, Any]:
    """Measure so many clients at a time."""
    return await measure_clients(service, [await connect() for _ in range(clients)], seconds)


def _sample(signups: pl.DataFrame, most: int) -> list[dict[str, Any]]:
    """Choose sign-ups evenly; as bodies' objects."""
    chosen = signups.gather_every(max(signups.height // most, 1)).head(most)
    found = []
    for row in chosen.iter_rows(named=True):
        plain = {name: value for name, value in row.items() if value is not None and "." not in name}
        others = {
            name.partition(".")[2]: value for name, value in row.items() if value is not None and "." in name
        }
        if "asn" in plain:
            plain["asn"] = int(plain["asn"])
        found.append({**plain, "identifiers": others})
    return found


def _over_http(service: Service, signups: list[dict[str, Any]], size: int) -> Connect:
    """Return what connects a client that sends calls of `size` sign-ups."""
    groups = [[signups[(at + i) % len(signups)] for i in range(size)] for at in range(0, len(signups), size)]
    bodies = [json.dumps({"signups": group}).encode() for group in groups]

    async def connect() -> Ask:
        reader, writer = await asyncio.open_connection(service.host, service.port, limit=1 << 24)
        head = (
            f"POST /v1/score HTTP/1.1\r\nHost: {service.host}:{service.port}\r\nAuthorization: Bearer {service.key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

        async def ask(number: int) -> None:
            body = bodies[number % len(bodies)]
            writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            said = await reader.readuntil(b"\r\n\r\n")
            length = int(said.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            if not said.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"score: {answer[:500]!r}")

        return ask

    return connect


def _over_driver(service: Service, book: Book, signups: list[dict[str, Any]]) -> Connect:
    """Return what connects a client that looks the tokens of each sign-up up, made before."""
    frame = pl.DataFrame([{**each, "identifiers": None} for each in signups], infer_schema_length=None)
    of: dict[int, list[str]] = {}
    for each in read_signups(frame.cast(pl.String, strict=False), load_or_create_key(book.settings)).keys:
        of.setdefault(each.account, []).append(each.key)
    where = service.database

    async def connect() -> Ask:
        # A driver a client: it belongs to the event loop that it is first used in.
        driver = neo4j.AsyncGraphDatabase.driver(
            where.uri, auth=(where.user, where.password.get_secret_value())
        )

        async def ask(number: int) -> None:
            async def work(tx: neo4j.AsyncManagedTransaction) -> None:
                result = await tx.run(
                    load_statement("bench/look_up").text, keys=of.get(number % len(signups), [])
                )
                [record.data() async for record in result]

            async with driver.session(
                database=where.database, default_access_mode=neo4j.READ_ACCESS
            ) as session:
                await session.execute_read(work)

        return ask

    return connect


async def _measure_first(service: Service, signups: list[dict[str, Any]]) -> float:
    """Measure the first answer after the start, which maps the index; ms."""
    ask = await _over_http(service, signups, 1)()
    began = time.perf_counter()
    await ask(0)
    return (time.perf_counter() - began) * 1e3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.score", description="Speed and quality of scores at sign-up."
    )
    parser.add_argument("--accounts", type=int, default=100_000, help="accounts of the world for speed")
    parser.add_argument(
        "--clients", type=_numbers, default=(1, 8, 32), metavar="N,N", help="concurrent clients"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument(
        "--workers", type=_numbers, default=(1, 2), metavar="N,N", help="processes of the service, in turn"
    )
    parser.add_argument("--world", default="days:41:20000", help="world for quality: scenario:seed:accounts")
    parser.add_argument("--days", type=int, default=7, help="days that are replayed")
    parser.add_argument("--only", choices=("speed", "quality"), help="measure this alone")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir(), "graphsvc-bench-score"),
        help="directory of world and database",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the report")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    main()
