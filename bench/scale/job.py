"""One measured step that is no command of graphsvc: `python -m bench.scale.job NAME DIRECTORY`.

Each runs in a process of its own, on the graph or the database that was made ready before; what it says about itself
(seconds without start and reading, what it found, figures) goes to `step.json` in the world's directory.
"""

import json
import os
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from bench.scale.place import Place, split
from graphsvc.model.links import Links
from graphsvc_lab.evaluation.metrics import evaluate
from graphsvc_lab.evaluation.truth import read_truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from graphsvc.model.graph import SignalGraph
    from graphsvc.store import Store

Row = dict[str, Any]
GIB = 1 << 30
FIGURES = ("precision", "recall", "false_positives", "campaigns_found")


def figures(truth: Path, members: pl.DataFrame) -> Row:
    """What a result is worth: some of `evaluation`'s figures, rates as numbers."""
    found = evaluate(read_truth(truth), members).to_dict()
    kept: Row = {name: found[name]["rate"] for name in FIGURES}
    return {
        **kept,
        "bcubed_f": found["bcubed_f"],
        "hydra_jaccard": found["hydra_jaccard"],
        "largest_false_cluster": found["largest_false_cluster"],
        "clusters": found["clusters"],
        "flagged": found["flagged_accounts"],
    }


def prepare(place: Place) -> Row:
    """Cuts a day off the world, and makes the graph that a run would read of the whole, without a database."""
    from bench.worlds import graph_of_bundle, tokens

    day = split(place.whole, place.base, place.day)
    graph = graph_of_bundle(place.whole, tokens())
    with place.graph.open("wb") as file:
        pickle.dump(graph, file, protocol=5)
    return {
        "accounts": graph.accounts.height,
        "signals": graph.signals.height,
        "edges": len(graph.account),
        "activity": graph.activity.height,
        "day_rows": day,
    }


def files_for_import(place: Place) -> Row:
    """The files of the bulk load, as `graphsvc load --bulk` writes them for the admin tool, without loading."""
    from bench.worlds import tokens
    from graphsvc.intake import read_parts
    from graphsvc.intake.networks import assign_networks as placed
    from graphsvc.intake.spool import Spool
    from graphsvc.loading.common import compute_load_id
    from graphsvc.store.import_files import FIRST, write_files

    place.imports.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=place.imports) as directory:
        columns = read_parts(place.base, tokens(), Spool(Path(directory)), lambda ids: ids.clear())
        load = {
            "id": compute_load_id(columns, tokens()), "bundle": columns.id, "number": FIRST, "bulk": True
        }  # fmt: skip
        files = write_files(columns, load, placed, place.imports, lambda *_: None)
    return {"arguments": files.build_arguments()}


def import_alone(place: Place) -> Row:
    """`neo4j-admin database import full` of these files, with the memory that the bulk load gives it."""
    from graphsvc import server
    from graphsvc.settings import load_settings

    arguments = json.loads(place.arguments.read_text(encoding="utf-8"))["arguments"]
    # A first call sets the password of the new installation, which a start of the JVM is spent on.
    server.run_admin(load_settings(), "--version")
    began = time.monotonic()
    server.run_admin(
        load_settings(), "database", "import", "full", "neo4j", "--overwrite-destination=true", "--input-type=parquet",
        "--id-type=actual", "--path-pattern-style=none", f"--max-off-heap-memory={GIB}", *arguments, heap=GIB,
    )  # fmt: skip
    return {"seconds_alone": time.monotonic() - began}


def outcome(place: Place) -> Row:
    """The last run's record, what it is worth, and two hashes by which results are compared: groups, and all of it."""
    from graphsvc.store.published import read_members as published

    with _store() as store:
        run = store.read("detect/runs")[0]["id"]
        record = store.read("query/run_by_id", ids=[run])[0]["run"]
        members = published(store)
    groups = members.sort("account_id").group_by("cluster_id").agg(pl.col("account_id").sort().str.join(" "))
    whole = members.sort("cluster_id", "account_id").select(
        "cluster_id", "account_id", pl.col("membership", "cluster_score").round(9).cast(pl.String)
    )
    return {
        "run": run,
        "engine": record["engine"],
        "stages": json.loads(record["stages"]),
        "groups": sha256("\n".join(groups["account_id"].sort()).encode()).hexdigest()[:16],
        "members": sha256(whole.write_csv().encode()).hexdigest()[:16],
        **figures(place.truth, members),
    }


def links_ours(place: Place) -> Row:
    """Pairs and communities by the engine `inprocess`; leaves the links for the others."""
    from graphsvc.community.components import compute_resolution
    from graphsvc.community.inprocess import InProcessDetector
    from graphsvc.linkage.bits import with_levels
    from graphsvc.linkage.pairs import enumerate_links
    from graphsvc.linkage.signals import Incidence
    from graphsvc.model.runs import Algorithm

    graph = _graph(place)
    began = time.monotonic()
    links = enumerate_links(Incidence.of(with_levels(graph)), min_values=2)
    paired = time.monotonic()
    gamma = compute_resolution(links)
    community = InProcessDetector().communities(links, Algorithm.LEIDEN, gamma=gamma, seed=42)
    ended = time.monotonic()
    np.savez(place.links, nodes=links.nodes, source=links.source, target=links.target, bits=links.bits)
    return {
        "seconds_alone": ended - began,
        "pairs_seconds": paired - began,
        "communities_seconds": ended - paired,
        "edges": len(graph.account),
        "activity": graph.activity.height,
        **_partition(links, community),
    }


def links_igraph(place: Place) -> Row:
    """igraph's Leiden on the links."""
    from bench.scale.communities import igraph_leiden

    return _on_links(place, igraph_leiden)


def links_networkx(place: Place) -> Row:
    """networkx's Louvain on the links."""
    from bench.scale.communities import networkx_louvain

    return _on_links(place, networkx_louvain)


def links_gds(place: Place) -> Row:
    """GDS Leiden on the links, by the engine `gds`: one thread, seeded."""
    from graphsvc.community.gds import GdsDetector
    from graphsvc.model.runs import Algorithm

    with _store() as store:
        detector = GdsDetector(store.driver, store.address.database)
        return _on_links(
            place,
            lambda links: detector.communities(links, Algorithm.LEIDEN, gamma=1.0, seed=42).astype(np.int64),
        )


def gds_leiden(place: Place) -> Row:
    """GDS Leiden on accounts and signals: project, Leiden with GDS's own number of threads, write."""
    return _in_gds(place, "bench/project_signals", "leiden")


def gds_louvain(place: Place) -> Row:
    """GDS Louvain on accounts, cards, devices and addresses, as in Neo4j's demo."""
    return _in_gds(place, "bench/project_infrastructure", "louvain")


def gds_demo(place: Place) -> Row:
    """Pairs by the rule of Neo4j's demo, their components, written."""
    from bench.baselines import FEW, OTHERS

    return _in_gds(place, "bench/project_demo_pairs", "wcc", few=FEW, shared=1 + OTHERS)


def igraph_signals(place: Place) -> Row:
    """igraph's Leiden on accounts and signals."""
    from bench.baselines import leiden_bipartite

    graph = _graph(place)
    began = time.monotonic()
    members = leiden_bipartite(graph)
    return {"seconds_alone": time.monotonic() - began, **figures(place.truth, members)}


def duckdb(place: Place) -> Row:
    """Self-join and components in DuckDB."""
    from bench.scale.sql import duckdb_components

    return _on_graph(place, lambda graph: duckdb_components(graph, os.cpu_count() or 1))


def splink(place: Place) -> Row:
    """Splink's clusters of records."""
    from bench.scale.sql import splink_clusters

    return _on_graph(place, splink_clusters)


JOBS: dict[str, Callable[[Place], Row]] = {
    "prepare": prepare,
    "files": files_for_import,
    "outcome": outcome,
    "import": import_alone,
    "links-ours": links_ours,
    "links-igraph": links_igraph,
    "links-networkx": links_networkx,
    "links-gds": links_gds,
    "gds-leiden": gds_leiden,
    "gds-demo": gds_demo,
    "gds-louvain": gds_louvain,
    "igraph-signals": igraph_signals,
    "duckdb": duckdb,
    "splink": splink,
}


def _graph(place: Place) -> "SignalGraph":
    with place.graph.open("rb") as file:
        graph: SignalGraph = pickle.load(file)  # noqa: S301  (written by the bench itself)
    return graph


def _partition(links: Links, community: "NDArray[np.integer]") -> Row:
    from bench.scale.communities import modularity

    linked = np.unique(np.concatenate([links.source, links.target]))
    return {
        "links": len(links),
        "modularity": modularity(links, community),
        "communities": len(np.unique(community[linked])),
    }


def _on_links(place: Place, run: "Callable[[Links], NDArray[np.int64]]") -> Row:
    held = np.load(place.links)
    links = Links(
        int(held["nodes"]),
        held["source"],
        held["target"],
        held["bits"],
        np.zeros(len(held["bits"]), np.int64),
    )
    began = time.monotonic()
    community = run(links)
    return {"seconds_alone": time.monotonic() - began, **_partition(links, community)}


def _on_graph(place: Place, run: "Callable[[SignalGraph], NDArray[np.int64]]") -> Row:
    from bench.scale.communities import members

    graph = _graph(place)
    began = time.monotonic()
    group = run(graph)
    seconds = time.monotonic() - began
    return {"seconds_alone": seconds, **figures(place.truth, members(graph, group))}


def _in_gds(place: Place, projection: str, algorithm: str, **parameters: object) -> Row:
    """Projects, runs an algorithm with GDS's own defaults, seeds none (it would need one thread), and writes."""
    from uuid import uuid4

    from graphdatascience import GraphDataScience

    from bench.baselines import SMALLEST
    from graphsvc.statements import load_text

    with _store() as store:
        store.run_autocommit("bench/forget")
        gds = GraphDataScience(
            store.driver, database=store.address.database, arrow=False, show_progress=False
        )
        began = time.monotonic()
        with gds.graph.project.cypher(
            load_text(projection), graph_name=f"bench-{uuid4().hex}", **parameters
        ) as graph:
            projected = time.monotonic()
            getattr(gds, algorithm).write(graph, write_property="benchCommunity")
            nodes, edges = int(graph.node_count()), int(graph.relationship_count())
        seconds = time.monotonic() - began
        packs = store.read("bench/communities")
    found = pl.DataFrame(
        {
            "account_id": [one for pack in packs for one in pack["id"]],
            "cluster_id": [one for pack in packs for one in pack["community"]],
        },
        schema={"account_id": pl.String, "cluster_id": pl.Int64},
    )
    members = (
        found.filter(pl.len().over("cluster_id") >= SMALLEST)
        .with_columns(pl.col("cluster_id").cast(pl.String), membership=pl.lit(1.0), cluster_score=pl.lit(1.0))
        .sort("cluster_id", "account_id")
    )
    return {
        "seconds_alone": seconds,
        "project_seconds": projected - began,
        "nodes": nodes,
        "edges": edges,
        **figures(place.truth, members),
    }


@contextmanager
def _store() -> "Iterator[Store]":
    """The store that the environment names."""
    from graphsvc.database import open_store
    from graphsvc.settings import load_settings

    with open_store(load_settings()) as store:
        yield store


def main() -> None:
    """Runs the job named by the first argument in the world's directory named by the second."""
    name, directory = sys.argv[1:]
    place = Place(Path(directory))
    place.result.write_text(json.dumps(JOBS[name](place)), encoding="utf-8")


if __name__ == "__main__":
    main()
