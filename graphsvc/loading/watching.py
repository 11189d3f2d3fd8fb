"""The steps of watching a folder: look → complete drops, by name → each loaded once, by its content → wait."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from graphsvc.errors import DatabaseRefused, DatabaseUnavailable, GraphsvcError, SourceError
from graphsvc.intake.files import hash_content
from graphsvc.intake.options import ReadOptions
from graphsvc.loading.common import LONGEST_WAIT, LoadReport
from graphsvc.loading.online import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.sources.drops import Drop, State, list_drops
from graphsvc.store import Store
from graphsvc.store.sources import is_loaded
from graphsvc.types import Progress, Report, ignore_progress, ignore_report

EVERY = 5.0
"""Seconds between two looks: a drop waits ten at most, and a look at a thousand files takes milliseconds."""


@dataclass(slots=True)
class Watched:
    """Counts of a watch: drops that were loaded, that had been loaded before, and that failed."""

    loaded: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def watch_folder(
    store: Store,
    folder: Path,
    tokens: Tokeniser,
    dead_letters_dir: Path,
    stopped: Event,
    *,
    once: bool = False,
    every: float = EVERY,
    say: Report = ignore_report,
    show: Callable[[LoadReport], object] = lambda report: None,
    progress: Progress = ignore_progress,
    signer: Signer | None = None,
    options: ReadOptions | None = None,
    max_rejected: float,
) -> Watched:
    """Load each complete drop of a folder once. Killed at any time and run again, nothing is lost or loaded twice.

    What was loaded is known by its content, from the database: files may stay, move or be renamed. A load that was
    killed continues, as any load does. A drop that cannot be loaded is named and left. It is tried again when it
    changes, or when the watch starts again.

    Args:
        store: the database.
        folder: to watch; nothing in it is changed.
        tokens: of the installation's key.
        dead_letters_dir: for rejected rows.
        stopped: ends the watch after the load under way.
        once: whether to end when everything that is complete was loaded.
        every: seconds between two looks.
        say: called with lines of progress.
        show: called with the report of each load.
        progress: called with stage, done and total.
        signer: knows forgotten accounts; None means that none is forgotten.
        options: how to read the files.
        max_rejected: share of a table's rows that may be rejected, 0–1.

    Raises:
        SourceError: the folder cannot be listed.
        DatabaseRefused: the database answers that it will not do this.
    """
    options, watched = options or ReadOptions(), Watched()
    seen: dict[Path, State] = {}
    done: dict[Path, State] = {}
    tries = 0

    def load_drop(drop: Drop) -> None:
        files = drop.list_tables(options.names)
        if is_loaded(store, hash_content(files, tokens.key_id, options.compute_digest())):
            watched.known.append(drop.name)
            say(f"{drop.name} was loaded before.")
            return
        say(f"loading {drop.name}")
        report = load_bundle(
            store, files, tokens, dead_letters_dir, progress=progress, signer=signer, options=options,
            max_rejected=max_rejected,
        )  # fmt: skip
        watched.loaded.append(drop.name)
        show(report)

    while not stopped.is_set():
        drops = _look(folder)
        for drop in drops:
            if stopped.is_set():
                break
            # A file that still grows looks different the next time.
            if drop.path.is_file() and seen.get(drop.path) != drop.state:
                continue
            if done.get(drop.path) == drop.state:
                continue
            try:
                load_drop(drop)
            except DatabaseUnavailable as error:
                tries += 1
                say(f"{error} {drop.name} is tried again.")
                break
            # Other drops would be refused alike: it is about the database, not about this one.
            except DatabaseRefused:
                raise
            except GraphsvcError as error:
                # The fault is of this drop alone, so the others are loaded all the same.
                watched.failed.append(drop.name)
                say(f"{drop.name} was not loaded: {error}")
            done[drop.path], tries = drop.state, 0
        else:
            waiting = [drop for drop in drops if done.get(drop.path) != drop.state]
            if once and not waiting:
                break
        seen = {drop.path: drop.state for drop in drops}
        stopped.wait(min(every * 2**tries, LONGEST_WAIT))
    return watched


def _look(folder: Path) -> list[Drop]:
    """List the drops of a folder.

    Raises:
        SourceError: it cannot be listed.
    """
    # A file may be renamed between its listing and its look; the next look finds it.
    for last in (False, False, True):
        try:
            return list_drops(folder)
        except OSError as error:
            if last or not folder.is_dir():
                raise SourceError(
                    f"{folder} cannot be watched: {error.strerror or type(error).__name__}.",
                    "It must be a directory that is readable for you.",
                ) from None
    return []
