"""Write small bundles by hand, as exporters would, and read them back."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from graphsvc.intake import read_bundle
from graphsvc.intake.options import ReadOptions
from graphsvc.model.columns import BundleColumns
from graphsvc.signals.tokens import Tokeniser

TOKENS = Tokeniser(b"k" * 32, "test")
Content = str | bytes | pa.Table


def write(folder: Path, files: dict[str, Content]) -> Path:
    """Write files, by their path within the bundle; a table is written as Parquet."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pa.Table):
            pa_parquet.write_table(content, path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder: Path, files: dict[str, Content], options: ReadOptions | None = None) -> BundleColumns:
    """Write a bundle and read it; accounts that only other tables name are kept."""
    return read_bundle(write(folder, files), TOKENS, options=options)


def nulls(columns: BundleColumns) -> dict[tuple[str, str], int]:
    """Return how many cells became null, by column and reason."""
    return {(cell.column, cell.reason): cell.count for cell in columns.cells}


def holders(columns: BundleColumns, kind: str) -> list[set[str]]:
    """Return the accounts of each value of a kind, largest first, then by name."""
    if kind not in columns.edges:
        return []
    groups = columns.edges[kind].group_by("key").agg("account_id")["account_id"].to_list()
    return sorted(map(set, groups), key=lambda group: (-len(group), sorted(group)))


def addresses(columns: BundleColumns) -> dict[str, str]:
    """Return the address of each account that has one."""
    if "ip" not in columns.edges:
        return {}
    rows = columns.edges["ip"].select("account_id", "key").rows()
    return {account: key.removeprefix("ip:") for account, key in rows}


def assert_same_bundles(one: BundleColumns, other: BundleColumns) -> None:
    """Assert that two bundles were read as the same columns."""
    assert one.accounts.equals(other.accounts)
    assert one.networks.equals(other.networks)
    assert one.activity.equals(other.activity)
    assert one.edges.keys() == other.edges.keys()
    for kind in one.edges:
        assert one.edges[kind].equals(other.edges[kind]), kind
        assert one.values[kind].equals(other.values[kind]), kind
