"""Data that is not of our own generator: a bundle of an independent one, and two public data sets."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench.baselines import Baseline, two_rare_values
from bench.groups import count_found, count_unmixed_clusters, score_pairs
from bench.realdata.__main__ import SETS, write_bundle
from bench.realdata.pseudonyms import Pseudonyms, fold
from bench.sources import explain_absence
from bench.trials import OURS, Name, Trial, Trials, say
from bench.worlds import KEY, World, graph_of_bundle, tokens
from graphsvc_lab.evaluation.truth import read_truth

TWO_LINE_RULE = "two shared values of ≤ 10 accounts, components"
EQUALITY = "equal e-mail or name, components"


def market(trials: Trials, _worlds: list[Name]) -> list[dict[str, Any]]:
    """One row: all figures on the bundle of the independent generator; or why there is none."""
    if trials.sources.market is None:
        return [{"skipped": explain_absence("market"), "set": "market"}]
    world = read_bundle_world("market", trials.sources.market)
    trial = trials.ours(world)
    return [
        _row("market", world, trial),
        _row("market", world, trials.baseline(world, TWO_LINE_RULE, two_rare_values)),
    ]


def real(trials: Trials, _worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a data set and method: all figures with those of pairs; or why there is none."""
    rows = []
    for name in SETS:
        repository = getattr(trials.sources, name)
        if repository is None:
            rows.append({"skipped": explain_absence(name), "set": name})
            continue
        with TemporaryDirectory() as directory:
            bundle = Path(directory)
            world = read_converted(name, repository, bundle)
            accounts = pl.read_parquet(bundle / "accounts.parquet")
        if name == "sybil":
            ours = trials.ours(world)
            theirs = trials.baseline(world, TWO_LINE_RULE, two_rare_values)
        else:
            ours = trials.ours(world, min_size=2)
            theirs = trials.baseline(world, EQUALITY, _joining_equal(accounts))
        rows += [_row(name, world, ours), _row(name, world, theirs)]
    return rows


def read_bundle_world(name: str, bundle: Path) -> World:
    """A bundle with truth as a world."""
    world = World(name, graph_of_bundle(bundle, tokens()), read_truth(_truth_of(bundle)))
    say(f"{name}: {len(world.graph.account):,} edges")
    return world


def read_converted(name: str, repository: Path, bundle: Path) -> World:
    """A public data set as a world, converted into the directory `bundle`.

    The bundle is removed after use, so its pseudonyms come from the bench's known key, and figures can be repeated.
    """
    write_bundle(SETS[name](repository, Pseudonyms(KEY)), bundle)
    return read_bundle_world(name, bundle)


def _joining_equal(accounts: pl.DataFrame) -> Baseline:
    return lambda _graph: join_equal(accounts)


def join_equal(accounts: pl.DataFrame) -> pl.DataFrame:
    """Members of groups of accounts with equal e-mail addresses or names, joined where they meet.

    Upper case makes no difference; of names only letters count, without accents.

    Args:
        accounts: account_id, email, display_name.
    """
    email = accounts.select("account_id", value=pl.lit("email ") + pl.col("email").str.to_lowercase())
    letters = [
        "".join(c for c in fold(name or "") if c.isalpha()) or None for name in accounts["display_name"]
    ]
    name = accounts.select("account_id", value=pl.lit("name ") + pl.Series(letters, dtype=pl.String))
    numbered = accounts.select("account_id").with_row_index("account")
    uses = pl.concat([email, name]).drop_nulls().join(numbered, on="account_id")
    value = uses["value"].rank("dense").to_numpy().astype(np.int64) - 1
    size = accounts.height + uses["value"].n_unique()
    ends = (uses["account"].to_numpy(), accounts.height + value)
    adjacency = coo_array((np.ones(uses.height, dtype=np.int8), ends), shape=(size, size))
    component = connected_components(adjacency, directed=False)[1][: accounts.height]
    return (
        accounts.select("account_id", cluster_id=pl.Series(component).cast(pl.String))
        .filter(pl.len().over("cluster_id") > 1)
        .with_columns(membership=pl.lit(1.0), cluster_score=pl.lit(1.0))
        .sort("cluster_id", "account_id")
    )


def _row(name: str, world: World, trial: Trial) -> dict[str, Any]:
    pairs = score_pairs(world.truth, trial.members)
    found = count_found(world.truth, trial.members, 1)
    unmixed = count_unmixed_clusters(world.truth, trial.members)
    rates = {
        "pair_precision": pairs.precision,
        "pair_recall": pairs.recall,
        "found": found,
        "unmixed": unmixed,
    }
    say(f"{name}, {trial.method}: found {found.hits} of {found.of}, pair F {pairs.f:.3f}")
    return {
        "set": name,
        **trial.row(),
        **{key: {"hits": rate.hits, "of": rate.of, "rate": rate.rate} for key, rate in rates.items()},
        "pair_f": pairs.f,
        "ours": trial.method == OURS,
    }


def _truth_of(bundle: Path) -> Path:
    """The bundle's truth, whatever it is written in."""
    found = sorted(bundle.glob("truth.*"))
    if not found:
        raise FileNotFoundError(f"There is no truth in {bundle}. Give a bundle with its truth.")
    return found[0]
