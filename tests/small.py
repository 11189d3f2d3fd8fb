"""Small graphs, evidence and clusters for tests of the detection, written down as tuples."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import Evidence
from graphsvc.linkage.bits import KindColumn
from graphsvc.linkage.signals import SignalTable
from graphsvc.linkage.timing import signup_population
from graphsvc.linkage.uses import Uses
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph


def members_of(*clusters: Iterable[int]) -> pl.DataFrame:
    """cluster, account: the accounts of clusters 0, 1, …; sorted."""
    rows = [(number, account) for number, group in enumerate(clusters) for account in sorted(group)]
    return pl.DataFrame(rows, schema={"cluster": pl.Int32, "account": pl.Int32}, orient="row")


def edges_of(rows: Collection[tuple[int, int, int]]) -> pl.DataFrame:
    """account, signal, family."""
    return pl.DataFrame(list(rows), schema=["account", "signal", "family"], orient="row").cast(pl.Int32)


def evidence(
    rows: Collection[tuple[int, int, int]],
    accounts: int,
    *,
    families: int = 3,
    levels: dict[int, int] | None = None,
    supporting: Collection[int] = (),
    everybody_has: bool = False,
    passing: Collection[tuple[int, int]] = (),
    created_at: Sequence[int] | None = None,
    names: Sequence[str] = (),
) -> Evidence:
    """Evidence of (account, signal, family) rows.

    Args:
        levels: of signals that are not values themselves.
        supporting: families that do not tie.
        everybody_has: each account has a value of each family, if nobody else's.
        passing: (account, signal) of uses in passing.
        names: of the families.
    """
    edges = edges_of(rows).with_columns(
        brief=pl.Series([row[:2] in passing for row in rows], dtype=pl.Boolean)
    )
    has = np.full((accounts, families), everybody_has)
    has[edges["account"].to_numpy(), edges["family"].to_numpy()] = True
    signals = max([*edges["signal"], *(levels or {}), 0]) + 1
    family, level = np.zeros(signals, dtype=np.int32), np.zeros(signals, dtype=np.int8)
    family[edges["signal"].to_numpy()] = edges["family"].to_numpy()
    for signal, number in (levels or {}).items():
        level[signal] = number
    used = edges.filter(pl.len().over("signal") > 1).sort("account", "signal")
    return Evidence(
        Uses.of(
            *(used[name].to_numpy() for name in ("account", "signal", "brief")),
            accounts=accounts,
            signals=signals,
        ),
        SignalTable(
            KindColumn(np.zeros(signals, dtype=np.uint8), ["ip"]),
            family,
            list(names) or [f"family {number}" for number in range(families)],
            level,
            np.bincount(edges["signal"].to_numpy(), minlength=signals),
            *(np.zeros(signals, dtype=dtype) for dtype in (np.float64, np.bool_, np.bool_)),
        ),
        np.bincount(edges.filter(~pl.col("brief"))["signal"].to_numpy(), minlength=signals),
        has,
        has.sum(axis=0),
        np.array([family not in supporting for family in range(families)]),
        None if created_at is None else signup_population(np.array(created_at, dtype=np.int64)),
    )


def graph_of(
    accounts: int,
    signals: Sequence[tuple[str, ...]],
    edges: Collection[tuple[int, int]],
    activity: Collection[tuple[int, int, str, int]] = (),
    *,
    seen: dict[tuple[int, int], tuple[int, int]] | None = None,
    **columns: Sequence[object],
) -> SignalGraph:
    """A graph of (kind, prefix, class) signals and (account, signal) edges.

    Args:
        signals: of kind; what is left out is ''.
        seen: first and last sight of edges; of all others both are at 0.
        columns: of accounts, where they are not all active, of moment 0.
    """
    ordered = sorted(edges)
    sights = [(seen or {}).get(edge, (0, 0)) for edge in ordered]
    default = {"id": [f"a{i:05}" for i in range(accounts)], "created_at": 0, "status": "active"}
    default |= {"status_changed_at": -1, "plan": "", "country": "", **columns}
    padded = [(*row, "", "")[:3] for row in signals]
    return SignalGraph(
        pl.select(
            **{
                name: pl.Series(value) if isinstance(value, list) else pl.repeat(value, accounts)
                for name, value in default.items()
            }
        ).cast(ACCOUNT_COLUMNS),  # type: ignore[arg-type]
        pl.DataFrame(
            [(f"{i:05}", kind, parent, "", group) for i, (kind, parent, group) in enumerate(padded)],
            schema=SIGNAL_COLUMNS,
            orient="row",
        ),
        np.array([account for account, _ in ordered], dtype=np.int32),
        np.array([signal for _, signal in ordered], dtype=np.int32),
        np.array([first for first, _ in sights], dtype=np.int64),
        np.array([last for _, last in sights], dtype=np.int64),
        pl.DataFrame(list(activity), schema=ACTIVITY_COLUMNS, orient="row"),
    )
