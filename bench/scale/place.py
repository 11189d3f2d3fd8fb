"""Where a bench keeps what it makes: worlds as bundles, the graph that peers read, one database at a time."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.scale.plan import World
from bench.worlds import KEY

DAY_SHARE = 0.01
"""Of the accounts, those that a day's bundle has: half of them new, half known ones with what they did last."""
_SPANS = ("sessions", "payments", "prompts")


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one world."""

    root: Path

    @classmethod
    def of(cls, work: Path, world: World) -> "Place":
        """The directory of `world` below `work`."""
        return cls(work / f"{world.scenario}-{world.seed}-{world.accounts}")

    @property
    def whole(self) -> Path:
        """The world as one bundle, with its truth."""
        return self.root / "whole"

    @property
    def truth(self) -> Path:
        """The truth of the whole."""
        return self.whole / "truth.parquet"

    @property
    def base(self) -> Path:
        """All but the last day."""
        return self.root / "base"

    @property
    def day(self) -> Path:
        """The last day."""
        return self.root / "day"

    @property
    def graph(self) -> Path:
        """The graph as a run reads it, pickled."""
        return self.root / "graph.pickle"

    @property
    def imports(self) -> Path:
        """The files of the bulk load, for the admin tool."""
        return self.root / "import"

    @property
    def arguments(self) -> Path:
        """How the admin tool is told of them."""
        return self.root / "import.json"

    @property
    def links(self) -> Path:
        """The links between accounts, as arrays."""
        return self.root / "links.npz"

    @property
    def ready(self) -> Path:
        """Written last: all of the above is there."""
        return self.root / "ready"

    @property
    def log(self) -> Path:
        """What the last step said."""
        return self.root / "step.log"

    @property
    def result(self) -> Path:
        """What the last step found out itself."""
        return self.root / "step.json"

    def data(self, chain: str) -> Path:
        """Data directory of a chain's database."""
        return self.root / f"data-{chain}"

    def fresh(self, chain: str) -> None:
        """An empty installation for a chain, with the key of the bench."""
        data = self.data(chain)
        shutil.rmtree(data, ignore_errors=True)
        keys = data / "keys"
        keys.mkdir(mode=0o700, parents=True)
        key = keys / "token.key"
        key.touch(mode=0o600)
        key.write_text(KEY.hex() + "\n", encoding="ascii")


def split(whole: Path, base: Path, day: Path) -> dict[str, int]:
    """Cuts a bundle in two: `day` has the newest accounts with all they did, and what some known ones did last.

    Half of `DAY_SHARE` of the accounts are new, half are spread evenly over the known ones: of each of their tables
    with a span the latest row, and the latest hour of traffic. Loaded one after the other, the two make the graph
    of the whole. Returns rows of `day` by table.
    """
    accounts = pl.read_parquet(whole / "accounts.parquet").sort("created_at", "account_id")
    half = max(1, round(accounts.height * DAY_SHARE / 2))
    new = accounts.tail(half)["account_id"]
    known = accounts["account_id"][: accounts.height - half]
    again = known.gather(np.linspace(0, len(known) - 1, half).astype(np.int64)).unique()
    rows = {}
    for path in (base, day):
        path.mkdir(parents=True, exist_ok=True)
    for file in sorted(whole.glob("*.parquet")):
        table = pl.read_parquet(file)
        if file.stem == "truth":
            continue
        if file.stem == "networks":
            late = pl.Series([True]).new_from_index(0, table.height)
            early = late
        else:
            late = table["account_id"].is_in(new.implode())
            latest = "hour" if file.stem == "activity" else "last_seen"
            if file.stem in (*_SPANS, "activity"):
                # Of equal moments one row, so that a day does not take all that an account had.
                rows_of = table.select("account_id", latest).with_row_index("row")
                last = rows_of.sort(latest, "row").unique("account_id", keep="last")["row"]
                is_last = rows_of["row"].is_in(last.implode())
                late = late | (is_last & table["account_id"].is_in(again.implode()))
            early = ~late
        table.filter(early).write_parquet(base / file.name)
        part = table.filter(late)
        part.write_parquet(day / file.name)
        rows[file.stem] = part.height
    return rows
