"""Worlds of the two generators that know nothing of the detection, with tables taken away, as exports have them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from bench.groups import count_found
from bench.measures.independent import GENERATORS, NUMBERS, run_method
from bench.measures.outside import read_bundle_world
from bench.measures.random_worlds import COMPARED, LEAST
from bench.trials import OURS, Name, Trials, say
from bench.worlds import World

SEED = 101
"""Nothing was chosen on worlds of this seed. Weights of scores were fitted with seeds 1 to 3, and with all tables."""
ALWAYS = ("account_id", "created_at", "status", "status_changed_at", "country")
"""Columns of accounts that every export has."""
SUBSETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "prompts": ((), ("prompts",)),
    "prompts, requests": ((), ("prompts", "activity")),
    "sessions": (("signup_ip",), ("sessions", "networks")),
    "sessions, prompts": (("signup_ip",), ("sessions", "networks", "prompts")),
    "sessions, payments": (("signup_ip",), ("sessions", "networks", "payments")),
    "payments, e-mail": (("email",), ("payments",)),
    "accounts alone": (
        ("signup_ip", "signup_device", "user_agent", "email", "display_name", "organization", "phone"),
        ("networks",),
    ),
}
"""Columns of accounts beyond `ALWAYS`, and the other tables, of each subset. Sessions name no device."""


def subsets(trials: Trials, _worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a subset of tables and method: campaigns found and innocents flagged in all worlds."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for world, tables in _make_worlds():
        for method in (OURS, *COMPARED):
            trial = run_method(trials, world, method)
            found, flagged = count_found(world.truth, trial.members, LEAST), trial.figures["false_positives"]
            count = counts.setdefault(
                (tables, method), dict.fromkeys(("worlds", "found", "campaigns", "flagged", "innocents"), 0)
            )
            for name, value in (
                ("worlds", 1), ("found", found.hits), ("campaigns", found.of),
                ("flagged", flagged["hits"]), ("innocents", flagged["of"]),
            ):  # fmt: skip
                count[name] += value
        say(f"{world.name}, {tables}")
    order = list(SUBSETS)
    return [
        {"tables": tables, "method": method, **count}
        for (tables, method), count in sorted(counts.items(), key=lambda item: order.index(item[0][0]))
    ]


def _make_worlds() -> Iterator[tuple[World, str]]:
    """Yield each world with each subset that leaves it a table of signals."""
    for generator, write in GENERATORS.items():
        for number in NUMBERS:
            with TemporaryDirectory() as directory:
                whole = Path(directory) / "whole"
                write(number, SEED, whole)
                for place, (tables, (columns, others)) in enumerate(SUBSETS.items()):
                    part = Path(directory) / str(place)
                    if take_tables(whole, part, columns, others):
                        yield read_bundle_world(f"{generator}:{SEED}:{number}", part), tables


def take_tables(whole: Path, part: Path, columns: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Write a bundle with some columns of accounts and some other tables of another.

    Returns:
        False where the bundle lacks one of the tables that carry signals, or all of the columns if no table does.
    """
    accounts = pl.read_parquet(whole / "accounts.parquet")
    carrying = [name for name in others if name not in ("networks", "activity")]
    if not all((whole / f"{name}.parquet").exists() for name in carrying):
        return False
    known = [
        name for name in columns if name in accounts.columns and accounts[name].null_count() < accounts.height
    ]
    if not carrying and not known:
        return False
    part.mkdir()
    accounts.select([name for name in ALWAYS if name in accounts.columns] + known).write_parquet(
        part / "accounts.parquet"
    )
    for name in (*others, "truth"):
        source = whole / f"{name}.parquet"
        if source.exists():
            table = pl.read_parquet(source)
            if "device" in table.columns:
                table = table.with_columns(pl.lit(None, dtype=table.schema["device"]).alias("device"))
            table.write_parquet(part / source.name)
    return True
