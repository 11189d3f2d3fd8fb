"""Author identities in the history of SymPy (repository sympy/sympy) as a bundle.

An account is a pair of author name and e-mail address. The project's `.mailmap` says which pairs are one person.
Signals are the name, the address, the files that commits changed (`path`) and their top two folders (`folder`).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from bench.realdata.git import run_git
from bench.realdata.pseudonyms import Pseudonyms

HEAD = "%x1e%an%x1f%ae%x1f%aN%x1f%aE%x1f%at"
"""Author's name and address, both as the mailmap has them, and seconds since 1970."""
FOLDER_ACCOUNTS = (2, 200)
"""Accounts of a folder that is a signal: one that a single account changed says no more than its files."""
TIME = pl.Datetime("us", "UTC")

Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: identity of its author as written, as the mailmap has it, seconds since 1970, and paths it changed."""

    author: Identity
    person: Identity
    moment: int
    paths: tuple[str, ...]


def convert(repository: Path, pseudonyms: Pseudonyms) -> dict[str, pl.DataFrame]:
    """Return the tables accounts, identifiers and truth, each sorted. People with one identity are in no group.

    Args:
        repository: a git directory of sympy/sympy.
    """
    log = run_git(
        repository,
        "-c",
        "mailmap.blob=HEAD:.mailmap",
        "log",
        "HEAD",
        "--no-merges",
        f"--format={HEAD}",
        "--name-only",
    )
    return tables_of(list(read_commits(log)), pseudonyms)


def read_commits(log: str) -> Iterator[Commit]:
    """Yield the commits of a log in the format `HEAD`, with names of files."""
    for block in log.split("\x1e")[1:]:
        head, *paths = block.split("\n")
        name, email, real_name, real_email, moment = head.split("\x1f")
        changed = tuple(path for path in paths if path)
        yield Commit((name, email.lower()), (real_name, real_email.lower()), int(moment), changed)


def tables_of(commits: list[Commit], pseudonyms: Pseudonyms) -> dict[str, pl.DataFrame]:
    """Return accounts, identifiers and truth of commits, whose order makes no difference to who is one."""
    person: dict[Identity, Identity] = {}
    moments: dict[Identity, list[int]] = defaultdict(list)
    people: dict[Identity, set[Identity]] = defaultdict(set)
    for commit in commits:
        person.setdefault(commit.author, commit.person)
        moments[commit.author].append(commit.moment)
    for author, real in person.items():
        people[real].add(author)
    authors = sorted(person)
    ids = {author: pseudonyms.replace_value(" | ".join(author), "acc_") for author in authors}
    accounts = pl.DataFrame(
        {
            "account_id": [ids[author] for author in authors],
            "created_at": [min(moments[author]) for author in authors],
            "email": [pseudonyms.replace_email(email) or None for _, email in authors],
            "display_name": [pseudonyms.replace_tokens(name) or None for name, _ in authors],
        }
    ).with_columns((pl.col("created_at") * 1_000_000).cast(TIME), status=pl.lit("active"))
    numbers = {real: number for number, real in enumerate(sorted(people))}
    several = [len(people[person[author]]) > 1 for author in authors]
    truth = pl.DataFrame(
        {
            "account_id": [ids[author] for author in authors],
            "campaign_id": [
                f"p{numbers[person[author]]:04d}" if many else None
                for author, many in zip(authors, several, strict=True)
            ],
            "role": ["operator" if many else "single" for many in several],
        },
        schema={"account_id": pl.String, "campaign_id": pl.String, "role": pl.String},
    ).with_columns(decoy=pl.lit(None, dtype=pl.String))
    return {
        "accounts": accounts.sort("account_id"),
        "identifiers": _identifiers(commits, ids, pseudonyms),
        "truth": truth.sort("account_id"),
    }


def _identifiers(commits: list[Commit], ids: dict[Identity, str], pseudonyms: Pseudonyms) -> pl.DataFrame:
    """The files and folders that each account changed, with first and last time and number of changes."""
    rows = [(ids[c.author], path, c.moment) for c in commits for path in c.paths]
    changed = pl.DataFrame(
        rows, schema={"account_id": pl.String, "path": pl.String, "moment": pl.Int64}, orient="row"
    )
    folder = pl.col("path").str.split("/").list.head(2).list.join("/")
    few = pl.col("account_id").n_unique().over("value").is_between(*FOLDER_ACCOUNTS)
    parts = [
        changed.select("account_id", "moment", kind=pl.lit("path"), value="path"),
        changed.select("account_id", "moment", kind=pl.lit("folder"), value=folder).filter(few),
    ]
    uses = (
        pl.concat(parts)
        .group_by("account_id", "kind", "value")
        .agg(
            first_seen=pl.col("moment").min(), last_seen=pl.col("moment").max(), count=pl.len().cast(pl.Int64)
        )
    )
    named = pl.Series(
        [pseudonyms.replace_value(f"{kind} {value}") for kind, value in uses.select("kind", "value").rows()]
    )
    times = (pl.col("first_seen", "last_seen") * 1_000_000).cast(TIME)
    return uses.with_columns(times, value=named).sort("account_id", "kind", "value")
