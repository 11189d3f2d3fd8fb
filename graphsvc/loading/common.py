"""Both ways of loading begin and end alike: read a bundle, keep its rejected rows, report, and close the load."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from graphsvc.errors import LoadError
from graphsvc.files import lock_in_turn, lock_or_fail
from graphsvc.host import read_memory
from graphsvc.intake import read_parts, write_dead_letters
from graphsvc.intake.acceptance import check_loaded
from graphsvc.intake.files import BundleFiles, estimate_rows, find_files
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.schemas import SCHEMAS
from graphsvc.intake.spool import Spool
from graphsvc.measure import MemoryNeed
from graphsvc.model.columns import BundleParts, CellReport, Hub, TableReport
from graphsvc.signals.tokens import Tokeniser
from graphsvc.types import Progress

FORMAT = "4"
"""Part of a load's id: raised when the same bundle would be written differently."""
READING, A_ROW, AN_HOUR = 300 << 20, 600, 80
"""Memory that reading a small bundle takes at its peak, a row, and an hour of traffic; bytes."""
MOST, AN_ACCOUNT = 2 << 30, 400
"""Memory that reading a large bundle takes, since most goes to files, and an account; bytes. Of an account 15 are kept.
The rest is a margin: the process grew so from one million to two, most likely by what allocators keep."""

SPOOL = "intake-"
"""Prefix of the directories that hold what does not fit into memory while a bundle is loaded."""
_LOCK = "lock"
"""File that the process of such a directory holds; without it the process was killed."""
_TURN = ".intake-lock"
"""File that a process holds while it makes such a directory."""

LONGEST_WAIT = 60.0
"""Seconds between tries while the database is away; each try doubles the wait up to this."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The report of a load.

    `tables`: rows a table. `rejected`: rejected rows by (table, reason). `written`: rows a step; `edges` of
    them are edges of signals, written in `edge_seconds`. `cells`: cells that became null. `notes`: how files
    were read. `hubs`: values that too many accounts share.
    """

    id: str
    tables: tuple[TableReport, ...]
    rejected: dict[tuple[str, str], int]
    written: dict[str, int]
    dead_letters: Path | None
    already_loaded: bool
    edges: int = 0
    edge_seconds: float = 0.0
    cells: tuple[CellReport, ...] = ()
    notes: tuple[str, ...] = ()
    hubs: tuple[Hub, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadBundle:
    """A bundle that was read and may be loaded: its columns, the load's id, and the file of its rejected rows."""

    columns: BundleParts
    id: str
    dead_letters: Path | None

    def build_report(
        self, written: dict[str, int], *, already_loaded: bool, edges: int = 0, edge_seconds: float = 0.0
    ) -> LoadReport:
        """Return the report of loading it."""
        columns = self.columns
        return LoadReport(
            self.id, columns.tables, count_rejected(columns), written, self.dead_letters, already_loaded, edges,
            edge_seconds, columns.cells, columns.notes, columns.hubs,
        )  # fmt: skip


@contextmanager
def read_for_load(
    bundle: Path | BundleFiles,
    tokens: Tokeniser,
    dead_letters_dir: Path,
    known: Callable[[pl.Series], pl.Series],
    forgotten: Callable[[pl.Series], pl.Series],
    progress: Progress,
    options: ReadOptions,
    max_rejected: float,
    *,
    may_be_empty: bool = False,
) -> Iterator[ReadBundle]:
    """Read a bundle, keep its rejected rows, and check that enough of it is left. Both ways of loading begin so.

    What does not fit into memory is in files of a directory next to `dead_letters_dir` until the block ends.

    Args:
        bundle: directory, or the tables themselves.
        tokens: of the installation's key.
        dead_letters_dir: for rejected rows.
        known: as `read_parts` takes it.
        forgotten: as `read_parts` takes it.
        progress: called with stage, done and total.
        options: how to read the files.
        max_rejected: share of a table's rows that may be rejected, 0–1.
        may_be_empty: whether no row at all is no fault.

    Raises:
        BundleError: the bundle cannot be read.
        NothingLoaded: too many rows are rejected.
        ResourceError: there is too little memory to read it, or too little room on the disk.
    """
    estimate_memory(bundle, options).check()
    with open_workspace(dead_letters_dir.parent) as directory:
        columns = read_parts(
            bundle, tokens, Spool(directory), known, lambda table, done, total: progress(f"read {table}", done, total),
            forgotten, options,
        )  # fmt: skip
        load_id = compute_load_id(columns, tokens)
        # Before the check, whose error names the file of rejected rows.
        dead_letters = keep_dead_letters(columns, load_id, dead_letters_dir)
        check_loaded(columns, max_rejected, dead_letters, may_be_empty=may_be_empty)
        yield ReadBundle(columns, load_id, dead_letters)


@contextmanager
def open_workspace(home: Path) -> Iterator[Path]:
    """Yield an empty directory for as long as the block runs, and remove those of processes that were killed."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        # In turn: a directory that is not locked yet looks like one of a process that was killed.
        with lock_in_turn(home / _TURN):
            for left in home.glob(f"{SPOOL}*"):
                with suppress(OSError), lock_or_fail(left / _LOCK):
                    shutil.rmtree(left)
            directory = Path(stack.enter_context(TemporaryDirectory(prefix=SPOOL, dir=home)))
            stack.enter_context(lock_or_fail(directory / _LOCK))
        yield directory


def estimate_memory(bundle: Path | BundleFiles, options: ReadOptions | None = None) -> MemoryNeed:
    """Estimate the memory of this process while it reads a bundle; of tables that are no files nothing is known.

    Raises:
        BundleError: it is no bundle.
    """
    names = options.names if options else None
    found = bundle if isinstance(bundle, BundleFiles) else find_files(bundle, list(SCHEMAS), names)
    files = found.tables
    hours = estimate_rows(files.get("activity", ()))
    # Hours are numbers, and take far less than rows of text.
    rows = sum(map(estimate_rows, files.values())) - hours
    accounts = estimate_rows(files.get("accounts", ()))
    return MemoryNeed(
        min(READING + A_ROW * rows + AN_HOUR * hours, MOST + AN_ACCOUNT * accounts),
        read_memory().available,
        doing="Loading this bundle",
        instead="Close other programs, or load it in parts, each of some accounts with all their rows.",
    )


def keep_dead_letters(columns: BundleParts, load_id: str, directory: Path) -> Path | None:
    """Write the dead letters of a load, if it has any; return where they are.

    Raises:
        LoadError: they cannot be written.
    """
    if not columns.dead_letters.height:
        return None
    path = directory / f"{load_id}.ndjson"
    try:
        write_dead_letters(columns.dead_letters.read(), path)
    except OSError as error:
        raise LoadError(
            f"The rejected rows of this bundle cannot be written to {directory}: "
            f"{error.strerror or type(error).__name__}. Nothing was loaded.",
            "It must be a directory that is writable for you, with room on its disk.",
        ) from None
    return path


def count_rejected(columns: BundleParts) -> dict[tuple[str, str], int]:
    """Count rejected rows by (table, reason)."""
    counts = columns.rejections.group_by("table", "reason").agg(pl.col("count").sum()).sort("table", "reason")
    return {(table, reason): n for table, reason, n in counts.rows()}


def compute_load_id(columns: BundleParts, tokens: Tokeniser) -> str:
    """Compute the id of a load: the same for the same bundle, token key and accepted rows."""
    # Rows of unknown accounts are part of the id, because an earlier bundle may bring those accounts later.
    # So are rows of forgotten accounts, because these may be allowed again.
    whole = hashlib.sha256(f"{FORMAT}/{tokens.key_id}/{columns.id}/".encode())
    for letters in columns.dead_letters.read():
        unknown = letters.filter(pl.col("reason").is_in(("unknown_account", "forgotten_account")))
        whole.update(unknown.select("table", "file", "row").write_csv(include_header=False).encode())
    return whole.hexdigest()[:24]
