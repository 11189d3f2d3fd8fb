"""Keep the graph that a run read, as files outside the database.

Later loads change the graph, but a run must stay provable. The next run reads only what loads wrote since.
"""

import json
import secrets
import shutil
from collections.abc import Collection
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from graphsvc.errors import ExportError
from graphsvc.files import compute_digest, compute_manifest_checksum
from graphsvc.model.graph import ACTIVITY_COLUMNS, SignalGraph, Watermark
from graphsvc.store.graph import KeptGraph

FORM = 4
"""Version of the files' form. Raise it when the form changes."""
_DRAFT = ".draft-"
_MANIFEST = "manifest.json"
_CLUSTERS = "clusters"
_FRAMES = ("accounts", "signals", "uses", "activity")


class Snapshots:
    """Graphs of the last runs, one directory a run.

    A directory has Arrow files, read and written at the speed of the disk, and a manifest. The manifest names
    the form, the program's version, the load up to which the graph was read, and the SHA-256 of each file and of
    itself: some damage makes the reader of Arrow files panic, and a wrong watermark would hide loads. The files hold
    what the database holds, tokens and addresses included. Only their owner can read them.
    """

    def __init__(self, directory: Path, most: int) -> None:
        """Open the snapshots in `directory`; `most`: number kept, 0 for none."""
        self._directory = directory
        self.most = most

    def keep(
        self,
        run: str,
        graph: SignalGraph,
        watermark: Watermark | None = None,
        *,
        fingerprint: str | None = None,
        kept: KeptGraph | None = None,
    ) -> None:
        """Keep the graph of a run entirely or not at all, and remove all but the last `most`.

        Args:
            run: id of the run, or of the load that made the graph.
            graph: as it read it.
            watermark: load up to which it was read; without one the next run cannot continue from it.
            fingerprint: of the graph, if it is known.
            kept: the same graph, kept before. Its files are linked, not written again.

        Raises:
            ExportError: the directory cannot be written.
        """
        if not self.most:
            return
        # Write into a draft directory, then rename it: a killed run leaves a draft, never half a snapshot.
        draft = self._directory / f"{_DRAFT}{run}"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            # Now: a directory made later would make the run look newer than it is.
            (draft / _CLUSTERS).mkdir(mode=0o700)
            if kept is None or not _link_frames(self._directory / kept.name, draft):
                for name, frame in _build_frames(graph).items():
                    frame.write_ipc(draft / f"{name}.arrow", compression="lz4")
            manifest: dict[str, Any] = {
                "form": FORM,
                "graphsvc": version("graphsvc"),
                "fingerprint": fingerprint or graph.fingerprint(),
                "watermark": None if watermark is None else asdict(watermark),
                "files": {name: compute_digest(draft / f"{name}.arrow") for name in _FRAMES},
            }
            manifest["check"] = compute_manifest_checksum(manifest)
            (draft / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            # A load that was killed as it finished keeps its graph again.
            shutil.rmtree(self._directory / run, ignore_errors=True)
            draft.rename(self._directory / run)
            self._prune()
        except OSError as error:
            raise ExportError(
                f"The graph of the run cannot be kept in {self._directory}: {error.strerror or error}.",
                "Make room, check GRAPHSVC_DATA_DIR and its owner, or set GRAPHSVC_KEEP_RUNS=0.",
            ) from None

    def find_clusters(self, run: str) -> Path:
        """Return the directory of what is kept of a run's clusters; it is there while the graph of the run is."""
        return self._directory / run / _CLUSTERS

    def load(self, run: str, *, activity: bool = True) -> SignalGraph | None:
        """Load the graph of a run, with or without the accounts' activity; None if it is not kept.

        Raises:
            ExportError: it cannot be read, or an earlier version kept it in another form.
        """
        directory = self._directory / run
        if not directory.is_dir():
            return None
        manifest = _read_manifest(directory)
        damaged = ExportError(f"The graph kept of the run {run} is damaged.", f"Remove {directory}.")
        if manifest is None:
            raise damaged
        if manifest.get("form") != FORM:
            raise ExportError(
                f"The graph of the run {run} was kept by another version of graphsvc, in a form that this one does not"
                " read.",
                f"Use the version that the run records, or detect again; {directory} can be removed.",
            )
        names = [name for name in _FRAMES if activity or name != "activity"]
        try:
            if not all(_is_sound(directory, name, manifest) for name in names):
                raise damaged
            frames = {name: pl.read_ipc(directory / f"{name}.arrow") for name in names}
        except (OSError, pl.exceptions.PolarsError):
            raise damaged from None
        uses = frames["uses"]
        return SignalGraph(
            accounts=frames["accounts"],
            signals=frames["signals"],
            account=uses["account"].to_numpy(),
            signal=uses["signal"].to_numpy(),
            first_seen=uses["first_seen"].to_numpy(),
            last_seen=uses["last_seen"].to_numpy(),
            activity=frames.get("activity", pl.DataFrame(schema=ACTIVITY_COLUMNS)),
        )

    def latest(self) -> KeptGraph | None:
        """Load the newest undamaged graph of this version with a watermark, for the next reading."""
        for directory in self._list_newest_first():
            manifest = _read_manifest(directory)
            if manifest is None:
                continue
            # Another version may derive columns differently, so what it kept is not continued.
            if manifest.get("graphsvc") != version("graphsvc") or not manifest.get("watermark"):
                continue
            try:
                graph = self.load(directory.name)
            # Damaged: the one before may be sound. Without any, everything is read again.
            except ExportError:
                continue
            if graph is not None:
                mark = Watermark(**manifest["watermark"])
                return KeptGraph(graph, mark, directory.name, manifest["fingerprint"])
        return None

    def drop(self, accounts: Collection[str] | None = None) -> int:
        """Remove all graphs, or those that hold one of `accounts` or cannot be read, and return their number."""
        held = [
            path for path in self._list_newest_first() if accounts is None or _has_account(path, accounts)
        ]
        for path in held:
            # Under another name first: another process may be about to keep something of a cluster in it.
            shutil.rmtree(path.rename(path.with_name(f"{_DRAFT}{secrets.token_hex(8)}")))
        return len(held)

    def drop_clusters(self) -> None:
        """Remove what is kept of clusters. Until the next run the database is read instead."""
        # The oldest first: each removal makes a run look newer, and their order tells which one is pruned.
        for path in reversed(self._list_newest_first()):
            if (clusters := path / _CLUSTERS).is_dir():
                shutil.rmtree(clusters.rename(path / f"{_DRAFT}{secrets.token_hex(8)}"))

    def count_holding(self, account: str) -> int:
        """Count the graphs that hold an account or cannot be read."""
        return sum(_has_account(path, (account,)) for path in self._list_newest_first())

    def _list_newest_first(self) -> list[Path]:
        """List the directories, newest first."""
        # Drafts of killed runs are listed too, so that they age out like any other.
        runs = [path for path in self._directory.glob("*") if path.is_dir()]
        # Names decide between equal times, so that the order does not depend on the file system.
        return sorted(runs, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)

    def _prune(self) -> None:
        """Remove all but the last `most`."""
        for path in self._list_newest_first()[self.most :]:
            shutil.rmtree(path, ignore_errors=True)


def _link_frames(source: Path, target: Path) -> bool:
    """Link the files of a graph into another directory; return whether that is possible."""
    try:
        for name in _FRAMES:
            (target / f"{name}.arrow").hardlink_to(source / f"{name}.arrow")
    except OSError:
        # Pruned meanwhile, or a disk without links. What was linked is written over, in a file of its own.
        for name in _FRAMES:
            (target / f"{name}.arrow").unlink(missing_ok=True)
        return False
    return True


def _has_account(directory: Path, accounts: Collection[str]) -> bool:
    """Return whether a graph holds one of the accounts, or cannot be read."""
    manifest = _read_manifest(directory)
    try:
        if manifest is None or ("files" in manifest and not _is_sound(directory, "accounts", manifest)):
            return True
        ids = pl.read_ipc(directory / "accounts.arrow", columns=["id"])["id"]
    except (OSError, pl.exceptions.PolarsError):
        # Privacy first: what cannot be read may hold the account, and is removed.
        return True
    return bool(ids.is_in(list(accounts)).any())


def _read_manifest(directory: Path) -> dict[str, Any] | None:
    """Read the manifest of a kept graph.

    Returns:
        The manifest; empty if there is none, as of graphs kept before there were manifests; None if it is damaged.
    """
    try:
        found = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    # Forms before checksums have none. A changed name of the form must not pass for one of these.
    if "check" not in found and found.get("form") != FORM:
        return found
    return found if found.pop("check", "") == compute_manifest_checksum(found) else None


def _is_sound(directory: Path, name: str, manifest: dict[str, Any]) -> bool:
    """Return whether the file of a frame is the one that was written.

    Raises:
        OSError: it cannot be read.
    """
    return bool(manifest["files"].get(name) == compute_digest(directory / f"{name}.arrow"))


def _build_frames(graph: SignalGraph) -> dict[str, pl.DataFrame]:
    """Build the frames of a graph, by file name."""
    uses = {name: getattr(graph, name) for name in ("account", "signal", "first_seen", "last_seen")}
    return {
        "accounts": graph.accounts,
        "signals": graph.signals,
        "uses": pl.DataFrame(uses),
        "activity": graph.activity,
    }
