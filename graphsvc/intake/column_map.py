"""Column maps: under which names a source has the columns and tables of the contract."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from graphsvc.errors import BundleError

_NEAR = 0.55
"""How alike a name is (difflib's ratio) to be named as a candidate; `signup_time` and `signup_at` are 0.8."""
_MOST = 3  # candidates that an error names


class Entry(NamedTuple):
    """One line of a map: the column `ours` of `table` is called `theirs`. Without a table it holds for all tables."""

    table: str | None
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The names of a source: of columns, and of tables as (ours, theirs)."""

    columns: tuple[Entry, ...] = ()
    tables: tuple[tuple[str, str], ...] = ()

    def list_entries(self, table: str, columns: Collection[str]) -> list[Entry]:
        """List the entries for the columns of a table, one a column. One for this table goes before one for all."""
        chosen: dict[str, Entry] = {}
        for entry in self.columns:
            if entry.table in (table, None) and entry.ours in columns:
                before = chosen.get(entry.ours)
                if before is None or before.table is None:
                    chosen[entry.ours] = entry
        return list(chosen.values())

    def find_table(self, name: str) -> str:
        """Return the table that a source calls `name`, compared without case; `name` itself without an entry."""
        return next((ours for ours, theirs in self.tables if theirs.lower() == name.lower()), name)


def list_source_columns(columns: Sequence[str], entries: Sequence[Entry]) -> list[str]:
    """List the names to look for in a source, each once, in the order of `columns`."""
    by_ours = {entry.ours: entry for entry in entries}
    names: dict[str, None] = {}
    for name in columns:
        entry = by_ours.get(name)
        if entry is not None:
            names[entry.theirs] = None
        # An entry for all tables leaves those alone that have the column under its own name.
        if entry is None or entry.table is None:
            names[name] = None
    return list(names)


def rename_columns(
    frame: pl.DataFrame, found: frozenset[str], columns: Sequence[str], entries: Sequence[Entry]
) -> tuple[pl.DataFrame, frozenset[str], frozenset[str]]:
    """Give the columns of a source the names of the contract.

    Args:
        frame: with the names of `list_source_columns`.
        found: all columns of the source.
        columns: of the contract.
        entries: of the table.

    Returns:
        The frame with columns of the contract, all columns of the source under their new names, and the columns of
        the contract that an entry gave.
    """
    by_ours = {entry.ours: entry for entry in entries if entry.theirs in found}
    own = set(columns) - set(by_ours) - {entry.ours for entry in entries if entry.table is not None}
    chosen = [
        pl.col(entry.theirs).alias(ours) for ours, entry in by_ours.items() if entry.theirs in frame.columns
    ]
    chosen += [pl.col(name) for name in frame.columns if name in own]
    taken = {entry.theirs for entry in by_ours.values()}
    # A name that an entry gives to another column is no longer a column of the contract.
    rest = {name for name in found if name in own or (name not in taken and name not in columns)}
    return frame.select(chosen), frozenset(rest | set(by_ours)), frozenset(by_ours)


def name_candidates(name: str, candidates: Collection[str]) -> list[str]:
    """Return the nearest of `candidates`, the most alike first; at most three."""
    folded = {each.lower(): each for each in sorted(candidates)}
    return [folded[near] for near in difflib.get_close_matches(name.lower(), folded, _MOST, _NEAR)]


def suggest_candidates(name: str, candidates: Collection[str]) -> str:
    """Return a sentence with the nearest of `candidates`; without a near one with all, where they are few."""
    near = name_candidates(name, candidates) or (sorted(candidates) if len(candidates) <= 8 else [])
    return f"Did you mean {' or '.join(near)}?" if near else ""


def build_missing_error(place: str | None, entry: Entry, found: Collection[str]) -> BundleError:
    """Return the error for an entry whose column a source does not have. `place` names the file; None: all tables."""
    ours = f"{entry.table}.{entry.ours}" if entry.table else entry.ours
    return BundleError(
        f"{f'{place} has no' if place else 'No table has a'} column {entry.theirs}, which {ours} is mapped to.",
        f"{suggest_candidates(entry.theirs, found)} Correct the mapping; "
        "`graphsvc load --explain` shows the columns that are there.".strip(),
    )
