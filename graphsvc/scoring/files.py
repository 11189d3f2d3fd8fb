"""Keep the indexes of runs as files that processes map into memory, and switch from one to the next at once.

A directory a run holds one `.npy` file an array, the published clusters as Arrow IPC, and a manifest with the SHA-256
of each. The file `current` names the run that scores are weighed against. It is replaced by a rename, so a reader sees
either the run before or the new one. Whoever has mapped the files of a run before keeps them until it lets them go.
"""

import json
import shutil
from collections.abc import Collection
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from graphsvc.errors import ExportError, IndexDamaged, IndexMissing
from graphsvc.files import compute_digest, compute_manifest_checksum, write_atomically
from graphsvc.scoring.index import POOL, ScoreIndex
from graphsvc.succession.predecessors import Predecessors

FORM = 2
"""Version of the files' form. Raise it when the form, or the meaning of an array, changes."""
_CURRENT, _MANIFEST, _DRAFT, _PUBLISHED = "current", "manifest.json", ".draft-", "published.arrow"
_AGAIN = "~"
"""Between the run of an index that was written anew and how many times it was."""
_PLAIN = ("run", "accounts", "least", "families", "resolution")
_APART = ("pool", "published", "stopped")
_ARRAYS = tuple(each.name for each in fields(ScoreIndex) if each.name not in (*_PLAIN, *_APART))
_STOPPED_PLAIN = ("raised", "until", "joining")
_STOPPED_FRAMES = ("accounts", "signals", "inherits", "homes")
_STOPPED_ARRAYS = tuple(
    each.name for each in fields(Predecessors) if each.name not in (*_STOPPED_PLAIN, *_STOPPED_FRAMES)
)


class IndexFiles:
    """Indexes of the last runs, a directory each, and which of them is current."""

    def __init__(self, directory: Path) -> None:
        """Open the indexes in `directory`, which need not be there."""
        self._directory = directory

    def keep(self, index: ScoreIndex, name: str = "") -> None:
        """Write an index entirely or not at all. It is not current yet.

        Args:
            index: what to write.
            name: of its directory; the run's id if there is none.

        Raises:
            ExportError: the directory cannot be written.
        """
        name = name or index.run
        draft = self._directory / f"{_DRAFT}{name}"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            arrays = {name: getattr(index, name) for name in _ARRAYS}
            arrays |= {f"pool_{name}": column for name, column in index.pool.items()}
            for each, array in arrays.items():
                np.save(draft / f"{each}.npy", array, allow_pickle=False)
            # Uncompressed files can be mapped, so that all processes share one copy in memory.
            index.published.write_ipc(draft / _PUBLISHED, compression="uncompressed")
            manifest: dict[str, Any] = {
                "form": FORM,
                "stopped": _write_stopped(draft, index.stopped),
                **{each: getattr(index, each) for each in _PLAIN},
                "files": {path.name: compute_digest(path) for path in sorted(draft.iterdir())},
            }
            manifest["check"] = compute_manifest_checksum(manifest)
            (draft / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            target = self._directory / name
            # A rename cannot replace a directory that holds files.
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
        except OSError as error:
            raise ExportError(
                f"The score index cannot be kept in {self._directory}: {error.strerror or error}.",
                "Make room, and check GRAPHSVC_DATA_DIR and its owner.",
            ) from None

    def switch(self, name: str) -> None:
        """Make the index of that name current, and remove all others.

        Raises:
            ExportError: the directory cannot be written.
        """
        try:
            write_atomically(self._directory / _CURRENT, name)
        except OSError as error:
            raise ExportError(
                f"The score index in {self._directory} cannot be switched: {error.strerror or error}.",
                "Make room, check GRAPHSVC_DATA_DIR and its owner, and detect again.",
            ) from None
        # Only after the switch: until then others may still open these.
        for path in self._directory.iterdir():
            if path.is_dir() and path.name != name:
                shutil.rmtree(path, ignore_errors=True)

    def forget(self, accounts: Collection[str]) -> None:
        """Take the ids of accounts out of the current index, which is rewritten under another name.

        Raises:
            ExportError: the directory cannot be written.
        """
        name = self.find_current()
        if name is None:
            return
        try:
            index = self.load()
        except IndexDamaged:
            # Nothing can be scored against it, and it may hold the ids.
            shutil.rmtree(self._directory, ignore_errors=True)
            return
        if index.stopped is None or not index.stopped.names(accounts):
            return
        # Processes notice a new index by its name, and must not see files change that they have mapped.
        run, _, number = name.partition(_AGAIN)
        name = f"{run}{_AGAIN}{int(number or 0) + 1}"
        self.keep(replace(index, stopped=index.stopped.forget(accounts)), name)
        self.switch(name)

    def find_current(self) -> str | None:
        """Return the name of the current index, for most the id of its run; None if there is none."""
        try:
            return (self._directory / _CURRENT).read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def load(self) -> ScoreIndex:
        """Map the current index into memory, after checking every file of it.

        Raises:
            IndexMissing: no run has left one.
            IndexDamaged: it cannot be read, or is not what was written.
        """
        # A run that ends meanwhile removes what was current; then the new one is there.
        for _ in range(3):
            run = self.find_current()
            if run is None:
                break
            try:
                return self._load_run(run)
            except IndexDamaged:
                if self.find_current() == run:
                    raise
        raise IndexMissing(
            "There is no index of published clusters to score against.",
            "Run `graphsvc detect`: it writes the index when it publishes.",
        )

    def _load_run(self, run: str) -> ScoreIndex:
        directory = self._directory / run
        damaged = IndexDamaged(
            f"The score index of the run {run} cannot be read.",
            "Run `graphsvc detect` again to write a new one.",
        )
        try:
            manifest = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
            checksum = manifest.pop("check")
            if manifest["form"] != FORM or checksum != compute_manifest_checksum(manifest):
                raise damaged
            files = manifest["files"]
            if any(compute_digest(directory / name) != digest for name, digest in files.items()):
                raise damaged

            return ScoreIndex(
                **{name: manifest[name] for name in _PLAIN},
                **{name: _load_array(directory, name) for name in _ARRAYS},
                pool={name: _load_array(directory, f"pool_{name}") for name in POOL},
                published=pl.read_ipc(directory / _PUBLISHED),
                stopped=_load_stopped(directory, manifest["stopped"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError):
            raise damaged from None


def _write_stopped(directory: Path, stopped: Predecessors | None) -> dict[str, Any] | None:
    """Write the accounts that sign-ups may follow; return what the manifest says of them."""
    if stopped is None:
        return None
    for name in _STOPPED_FRAMES:
        frame: pl.DataFrame = getattr(stopped, name)
        frame.write_ipc(directory / f"stopped_{name}.arrow", compression="uncompressed")
    for name in _STOPPED_ARRAYS:
        np.save(directory / f"stopped_{name}.npy", getattr(stopped, name), allow_pickle=False)
    return {name: getattr(stopped, name) for name in _STOPPED_PLAIN}


def _load_stopped(directory: Path, plain: dict[str, Any] | None) -> Predecessors | None:
    if plain is None:
        return None
    frames: dict[str, Any] = {
        name: pl.read_ipc(directory / f"stopped_{name}.arrow") for name in _STOPPED_FRAMES
    }
    return Predecessors(
        **plain, **frames, **{name: _load_array(directory, f"stopped_{name}") for name in _STOPPED_ARRAYS}
    )


def _load_array(directory: Path, name: str) -> Any:
    # As a plain array: each look into a `memmap` makes another one, which takes longer than the look.
    return np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
