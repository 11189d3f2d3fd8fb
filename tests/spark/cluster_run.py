"""Find the graph and the links of a bundle on a cluster, and print hashes of both: `cluster_run.py URL BUNDLE WORK`."""

import hashlib
import sys
from pathlib import Path

from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.pairs import MEMORY
from graphsvc.linkage.signals import Incidence
from graphsvc.loading.spark import SparkSource
from graphsvc.model.links import Links
from graphsvc.signals.tokens import Tokeniser
from graphsvc.spark.session import Work, open_session

TOKENS = Tokeniser(b"k" * 32, "cluster")


def hash_links(links: Links) -> str:
    digest = hashlib.sha256()
    for name in ("source", "target", "bits", "values"):
        digest.update(getattr(links, name).tobytes())
    return digest.hexdigest()


def report(stage: str, done: int, total: int) -> None:
    sys.stdout.write(f"{stage} {done} {total}\n")
    sys.stdout.flush()


def main(url: str, bundle: str, work: str) -> None:
    config = {
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "4",
        "spark.driver.host": "127.0.0.1",
    }
    config |= {"spark.executor.memory": "1g", "spark.ui.enabled": "false"}
    if url.startswith("sc://"):
        session = open_session(None, {"spark.sql.shuffle.partitions": "4"}, url)
    else:
        session = open_session(url, config)
    source = SparkSource(bundle, TOKENS, None, Work(session, work))
    graph = source.read(report)
    incidence = Incidence.of(with_levels(graph))
    links = source.link(incidence, min_values=2, memory=MEMORY, progress=report)
    sys.stdout.write(f"found {graph.fingerprint()} {hash_links(links)} {len(links)}\n")
    source.close()


if __name__ == "__main__":
    Path(sys.argv[3]).mkdir(parents=True, exist_ok=True)
    main(*sys.argv[1:])
