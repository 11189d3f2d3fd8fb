"""Read what happened since the last run: accounts that signed up, and accounts that were stopped."""

from graphsvc.campaigns.traits import STOPPED
from graphsvc.scoring.recent import MOST_ACCOUNTS, RecentAccount
from graphsvc.store.connection import Store


def read_recent(store: Store, after: int, since: int) -> tuple[list[RecentAccount], int]:
    """Read new accounts that loads wrote to after a given one.

    Args:
        store: the database.
        after: number of the load, 0 = none.
        since: ms since 1970; accounts that signed up later are new.

    Returns:
        The newest of them, and the number of the last load before any that is still open.
    """
    rows = store.read("detect/watermark")
    last = int(rows[0]["number"]) if rows else 0
    if last <= after:
        return [], after
    found = store.read("load/recent_accounts", after=after, since=since, most=MOST_ACCOUNTS)
    return [RecentAccount(*(row[name] for name in _COLUMNS)) for row in found], last


def read_ends(store: Store, since: int) -> dict[str, int]:
    """Read which accounts were stopped, or are no longer stopped, since a moment: when each was, -1 = it is not.

    Args:
        store: the database.
        since: ms since 1970.
    """
    asked = {"since": since, "statuses": list(STOPPED), "most": MOST_ACCOUNTS}
    return {row["account"]: row["ended"] for row in store.read("load/status_changes", **asked)}


_COLUMNS = ("account", "at", "key", "kind", "class", "users")
