"""Promise: in a cluster this process reads what it wrote, from whichever server; a replaced database ends nothing.

Community edition has no clusters. A single server behind `neo4j://` routes, takes bookmarks and refuses unknown ones.
"""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.errors import DatabaseUnavailable
from graphsvc.settings import Settings
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.store import Address, Store
from graphsvc.store.bookmarks import Bookmarks, find_bookmarks
from graphsvc.store.reader import Reader


@pytest.fixture
def routed(database: Store) -> Address:
    return replace(database.address, uri=database.address.uri.replace("bolt://", "neo4j://"))


def test_a_single_server_needs_no_bookmarks(database: Store) -> None:
    assert find_bookmarks(database.address.uri, None) is None


def test_what_was_written_is_waited_for_by_all_readers_of_the_process(
    routed: Address, installation: Settings
) -> None:
    seen = find_bookmarks(routed.uri, routed.database)
    assert seen is not None
    seen.forget()
    with Store(routed) as store:
        store.verify()
        at_first = seen.get_bookmarks()
        assert at_first  # the leader said how far it is
        store.run_autocommit("bench/wipe")
        store.write("load/begin", id="l1", bundle="b")
        written = seen.get_bookmarks()
        assert written
        assert written != at_first
        assert store.read("maintenance/count_accounts") == [{"accounts": 0}]

    async def read() -> None:
        async with Reader(routed, 30.0, load_or_create_veil(installation)) as reader:
            await reader.read_rows("maintenance/count_accounts")
            assert seen.get_bookmarks()
            seen.update_bookmarks(seen.get_bookmarks(), ["FB:nothing"])
            with pytest.raises(DatabaseUnavailable, match="Try again"):
                await reader.read_rows("maintenance/count_accounts")
            assert await reader.read_rows("maintenance/count_accounts") == [{"accounts": 0}]

    asyncio.run(read())


def test_a_bookmark_of_a_replaced_database_is_forgotten(routed: Address) -> None:
    seen = find_bookmarks(routed.uri, routed.database)
    assert seen is not None
    with Store(routed) as store:
        seen.update_bookmarks([], ["FB:nothing"])
        with pytest.raises(DatabaseUnavailable, match="took the place"):
            store.read("maintenance/count_accounts")
        assert seen.get_bookmarks() == frozenset()
        assert store.read("maintenance/count_accounts") == [{"accounts": 0}]


@given(st.lists(st.sets(st.integers(0, 9).map(str), min_size=1), max_size=6))
def test_what_follows_takes_the_place_of_what_was_before(steps: list[set[str]]) -> None:
    seen = Bookmarks()
    seen.update_bookmarks([], ["other"])  # of a transaction beside it
    previous: set[str] = set()
    for step in steps:
        seen.update_bookmarks(previous, step)
        assert seen.get_bookmarks() == {"other"} | step
        previous = step
