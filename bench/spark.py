"""`make bench-spark`: time, rows and bytes of each step of the engine spark on this machine, next to one process."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.worlds import graph_of_bundle
from graphsvc.host import read_peak_memory
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.pairs import MEMORY, enumerate_links
from graphsvc.linkage.signals import Incidence
from graphsvc.loading.spark import SparkSource
from graphsvc.signals.tokens import Tokeniser
from graphsvc.spark.session import Work, open_session
from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.world import create_world

TOKENS = Tokeniser(b"k" * 32, "bench")


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.spark", description=__doc__)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--scenario", default="book")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--partitions", default="4")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bundle, work = Path(temporary) / "bundle", Path(temporary) / "work"
        bundle.mkdir()
        for name, frame in create_world(
            scenario.load_scenario(given.scenario), given.accounts, 1
        ).iter_tables():
            frame.write_parquet(bundle / f"{name}.parquet")
        config = {"spark.driver.memory": "2g", "spark.sql.shuffle.partitions": given.partitions}
        session = open_session(given.master, config)
        # The first tasks pay for workers that import their libraries.
        began, steps = time.monotonic(), []

        def report(stage: str, done: int, _total: int) -> None:
            steps.append((f"{stage} {done}", round(time.monotonic() - began, 1)))

        source = SparkSource(str(bundle), TOKENS, None, Work(session, str(work)))
        graph = source.read(report)
        incidence = Incidence.of(with_levels(graph))
        links = source.link(incidence, min_values=2, memory=MEMORY, progress=report)
        sizes = {path.name: measure_bytes(path) for path in sorted(work.iterdir())}
        rows = {path.name: session.read.parquet(str(path)).count() for path in sorted(work.iterdir())}
        source.close()
        began = time.monotonic()
        same = graph_of_bundle(bundle, TOKENS)
        read = time.monotonic() - began
        own = enumerate_links(incidence, min_values=2)
        seconds = {"read": round(read, 1), "links": round(time.monotonic() - began - read, 1)}
    equal = {
        "graph": same.fingerprint() == graph.fingerprint(),
        "bits": own.bits.tobytes() == links.bits.tobytes(),
    }
    found = {
        "accounts": given.accounts,
        "links": len(links),
        "equal": equal,
        "steps": steps,
        "in process": seconds,
    }
    found |= {"peak of this process": read_peak_memory(), "bytes": sizes, "rows": rows}
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def measure_bytes(directory: Path) -> int:
    """Return the bytes of a table."""
    return sum(path.stat().st_size for path in directory.glob("*.parquet"))


if __name__ == "__main__":
    main()
