"""The graph as a run read it, kept beside the database: later loads change the graph, and a run must stay provable."""

import shutil
from pathlib import Path

import polars as pl

from graphsvc.errors import ExportError
from graphsvc.model.graph import SignalGraph

_DRAFT = ".draft-"


class Snapshots:
    """The graphs of the last runs, one directory a run, in Parquet.

    They hold what the database holds, tokens and addresses included, and are readable by their owner only.
    """

    def __init__(self, directory: Path, most: int) -> None:
        """`most`: how many are kept; 0: none."""
        self._directory = directory
        self._most = most

    def keep(self, run: str, graph: SignalGraph) -> None:
        """Writes the graph of a run whole or not at all, and removes what is older than the last `most`.

        Raises:
            ExportError: the directory cannot be written.
        """
        if not self._most:
            return
        draft = self._directory / f"{_DRAFT}{run}"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            for name, frame in _frames(graph).items():
                frame.write_parquet(draft / f"{name}.parquet", compression="zstd")
            draft.rename(self._directory / run)
            self._prune()
        except OSError as error:
            raise ExportError(
                f"The graph of the run cannot be kept in {self._directory}: {error.strerror}.",
                "Make room, check GRAPHSVC_DATA_DIR and its owner, or set GRAPHSVC_KEEP_RUNS=0.",
            ) from None

    def load(self, run: str) -> SignalGraph | None:
        """The graph of a run; None where it was not kept, or no longer is.

        Raises:
            ExportError: it is there and cannot be read.
        """
        directory = self._directory / run
        if not directory.is_dir():
            return None
        try:
            frames = {
                name: pl.read_parquet(directory / f"{name}.parquet")
                for name in ("accounts", "signals", "uses", "activity")
            }
        except (OSError, pl.exceptions.PolarsError):
            raise ExportError(
                f"The graph kept of the run {run} is damaged.", f"Remove {directory}."
            ) from None
        uses = frames["uses"]
        return SignalGraph(
            accounts=frames["accounts"],
            signals=frames["signals"],
            account=uses["account"].to_numpy(),
            signal=uses["signal"].to_numpy(),
            first_seen=uses["first_seen"].to_numpy(),
            last_seen=uses["last_seen"].to_numpy(),
            activity=frames["activity"],
        )

    def _prune(self) -> None:
        runs = [path for path in self._directory.iterdir() if path.is_dir()]
        # Drafts of runs that were killed are as old as anything else.
        latest = sorted(runs, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
        for path in latest[self._most :]:
            shutil.rmtree(path, ignore_errors=True)


def _frames(graph: SignalGraph) -> dict[str, pl.DataFrame]:
    uses = {name: getattr(graph, name) for name in ("account", "signal", "first_seen", "last_seen")}
    return {
        "accounts": graph.accounts,
        "signals": graph.signals,
        "uses": pl.DataFrame(uses),
        "activity": graph.activity,
    }
