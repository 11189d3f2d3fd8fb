"""Leave out what was shared long ago: it holds no accounts together now."""

import numpy as np

from graphsvc.linkage.bits import by_kind
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import kind_of

DAY_MS = 86_400_000


def recent(graph: SignalGraph, days: int) -> SignalGraph:
    """Return the graph without the uses that were last seen more than `days` before the newest moment in it.

    Addresses change hands and operators part ways; evidence that was not renewed for long is about the past. The data
    that an account was registered with (e-mail, phone, name) last as long as the account is seen at all. Accounts and
    signals keep their row numbers. Uses whose time is not known stay.

    Args:
        graph: as `SignalGraph` says.
        days: at least 1.
    """
    newest = max(int(graph.last_seen.max(initial=-1)), int(graph.activity["hour"].max() or 0) * 3_600_000)  # type: ignore[arg-type]
    # Counted from the newest moment of the data, not from the clock: an old export gives the same result at any time.
    least = newest - days * DAY_MS
    fresh = (graph.last_seen >= least) | (graph.last_seen < 0)
    seen = np.zeros(graph.accounts.height, dtype=np.bool_)
    seen[graph.account[fresh]] = True
    seen[graph.activity["account"].to_numpy()[graph.activity["hour"].to_numpy() * 3_600_000 >= least]] = True
    kept = fresh | (by_kind(graph.signals["kind"], _registered, np.bool_)[graph.signal] & seen[graph.account])
    return SignalGraph(
        graph.accounts,
        graph.signals,
        graph.account[kept],
        graph.signal[kept],
        graph.first_seen[kept],
        graph.last_seen[kept],
        graph.activity,
    )


def _registered(kind: str) -> bool:
    return all(source.table == "accounts" for source in kind_of(kind).sources)
