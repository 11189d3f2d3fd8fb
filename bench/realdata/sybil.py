"""The sybil list of the Hop airdrop (repository hop-protocol/hop-airdrop) as a bundle.

Accounts are addresses that used the bridge, signed up at their first use of it. Their only signal is the addresses
they exchanged transfers with (`counterparty`), and their own, which others may have as a counterparty. True groups are
those that people reported in an issue. The project's own blacklists are left out: they name hubs.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from bench.realdata.git import list_files, read_file
from bench.realdata.pseudonyms import Pseudonyms

DATA = "src/data"
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
GROUP = re.compile(r"\n  \{\n")
NOTE = re.compile(r"note:\s*['\"`](.*?)['\"`]", re.DOTALL)
MEMBERS = re.compile(r"preliminaryAddresses:\s*\[(.*?)\]", re.DOTALL)
FIRST_USE = re.compile(r"'(0x[0-9a-fA-F]{40})':\s*(\d+)")
TIME = pl.Datetime("us", "UTC")


def convert(repository: Path, pseudonyms: Pseudonyms) -> dict[str, pl.DataFrame]:
    """Return the tables accounts, identifiers and truth, each sorted.

    `truth` holds who is in a group and who passed the project's review as eligible; of the others it is not known.

    Args:
        repository: a git directory of hop-protocol/hop-airdrop.
    """
    group = read_groups(read_file(repository, f"{DATA}/customGroups.ts"))
    candidates = read_addresses(read_file(repository, f"{DATA}/preliminaryAddresses.ts"))
    eligible = set(read_file(repository, f"{DATA}/eligibleAddresses.txt").lower().split())
    first_use = {
        address.lower(): int(moment)
        for address, moment in FIRST_USE.findall(read_file(repository, f"{DATA}/hopUserTimestamps.ts"))
    }
    accounts = sorted(candidates | group.keys())
    known = set(accounts)
    uses: Counter[tuple[str, str]] = Counter()
    paths, absent = list_files(repository, f"{DATA}/transfers")
    if absent:
        print(
            f"{len(absent)} of {len(absent) + len(paths)} files of transfers are not in the snapshot",
            file=sys.stderr,
        )
    for path in paths:
        for sender, receiver in read_transfers(read_file(repository, path)):
            uses.update(pair for pair in ((sender, receiver), (receiver, sender)) if pair[0] in known)
    uses.update((address, address) for address in accounts)
    ids = [pseudonyms.replace_value(address, "acc_") for address in accounts]
    earliest = min(first_use.values())
    created = dict(zip(accounts, (first_use.get(address, earliest) for address in accounts), strict=True))
    by_address = dict(zip(accounts, ids, strict=True))
    people = pl.DataFrame({"account_id": ids, "created_at": list(created.values())})
    pairs = sorted(uses)
    identifiers = pl.DataFrame(
        {
            "account_id": [by_address[address] for address, _ in pairs],
            "value": [pseudonyms.replace_value(other, "x_") for _, other in pairs],
            "first_seen": [created[address] for address, _ in pairs],
            "count": [uses[pair] for pair in pairs],
        }
    ).with_columns(kind=pl.lit("counterparty"), last_seen="first_seen")
    truth = pl.DataFrame(
        {
            "account_id": ids,
            "campaign_id": [group.get(address) for address in accounts],
            "role": [
                "operator" if address in group else "eligible" if address in eligible else None
                for address in accounts
            ],
        },
        schema={"account_id": pl.String, "campaign_id": pl.String, "role": pl.String},
    ).drop_nulls("role")
    return {
        "accounts": people.with_columns(_as_time("created_at"), status=pl.lit("active")).sort("account_id"),
        "identifiers": identifiers.with_columns(_as_time("first_seen", "last_seen")).sort(
            "account_id", "value"
        ),
        "truth": truth.with_columns(decoy=pl.lit(None, dtype=pl.String)).sort("account_id"),
    }


def read_groups(text: str) -> dict[str, str]:
    """Return the group of each address, as a number by order of the file; an address in two is of the first.

    A group counts if it has two addresses or more and its note names the issue in which it was reported.
    """
    found: dict[str, str] = {}
    number = 0
    for block in GROUP.split(text)[1:]:
        note, members = NOTE.search(block), MEMBERS.search(block)
        addresses = read_addresses(members.group(1)) if members else set()
        if len(addresses) >= 2 and note and "issue" in note.group(1).lower():
            for address in sorted(addresses):
                found.setdefault(address, f"h{number:03d}")
            number += 1
    return found


def read_addresses(text: str) -> set[str]:
    """Return all addresses in a text, in lower case."""
    return {address.lower() for address in ADDRESS.findall(text)}


def read_transfers(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield sender and receiver of each line of a CSV after its head; those to oneself are left out.

    Addresses begin with 0x, or with \x as PostgreSQL writes bytes.
    """
    for line in text.splitlines()[1:]:
        cells = [cell.lower() for cell in line.strip().split(",")[:2]]
        ends = ["0x" + cell[2:] if cell.startswith("\\x") else cell for cell in cells]
        if len(ends) == 2 and ends[0] != ends[1]:
            yield ends[0], ends[1]


def _as_time(*columns: str) -> pl.Expr:
    return (pl.col(*columns) * 1_000_000).cast(TIME)
