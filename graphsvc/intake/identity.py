"""Identify rows that came from no file: what would be written of them, hashed."""

import hashlib

from graphsvc.model.columns import BundleParts, Parts


def hash_parts(parts: BundleParts) -> str:
    """Compute SHA-256, hex, of what would be written: rows of a query have no bytes of their own, and no order."""
    whole = hashlib.sha256(parts.id.encode())
    tables = {
        "accounts": parts.accounts, "networks": Parts.of(parts.networks), "activity": parts.activity,
        **{f"values {kind}": each for kind, each in parts.values.items()},
        **{f"edges {kind}": each for kind, each in parts.edges.items()},
    }  # fmt: skip
    for name, table in tables.items():
        whole.update(f"\0{name}\0".encode())
        columns = [column for column in table.schema if column not in ("account", "signal")]
        for frame in table.read(*columns):
            # As text, so that it does not matter where one part ends and the next begins.
            whole.update(frame.write_csv(None, include_header=False).encode())
    return whole.hexdigest()
