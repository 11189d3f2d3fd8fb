"""Share tests out to the processes that run them side by side (pytest-xdist), a file at a time.

xdist's own `--dist loadgroup` names a group in the id of a test, which pytest 9.2 no longer lets it change: groups fall
apart, and what a module or the session makes once is made in each process.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

DATABASE = re.compile(
    r"\b(installation: Settings|database: Store|open_database|cli_environment)\b|mark\.neo4j\b"
)
"""How a file of tests names what needs the session's Neo4j."""
FIRST = (
    "test_managed_server",
    "test_backup",
    "test_bulk_load",
    "test_detection_run",
    "test_score_scalars",
    "test_api_canaries",
    "test_lineage_published",
    "test_bursts",
    "test_api_decisions",
    "test_days",
    "test_certificate",
    "test_seed_determinism",
    "test_seed_random",
    "test_explanations",
    "test_api_around",
    "test_api_hostile",
    "test_decisions_published",
    "test_token_rotation",
    "test_intake_times",
    "test_lineage",
    "test_api_record",
    "test_seed_campaigns",
    "test_succession_worlds",
    "test_operations",
    "test_reading_days",
    "test_api_subscriptions",
)
"""Files that take longest, the longest first: begun last, one of them would keep one process busy while the others
wait."""
ORDER = {name: place for place, name in enumerate(FIRST)}


@cache
def asks_for_database(path: Path) -> bool:
    """Return whether tests of a file use the session's Neo4j."""
    return DATABASE.search(path.read_text(encoding="utf-8")) is not None


class FileScheduling(LoadScopeScheduling):
    """Gives files that use the session's Neo4j to half of the processes, and to others when nothing else is left.

    Each process that runs such a file pays for a server and for planning all statements once.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Assign the next file of the kind that `node` runs, or of the other kind if there is none."""
        wants = self.nodes.index(node) < max(1, len(self.nodes) // 2)
        ordered = sorted(self.workqueue, key=lambda name: ORDER.get(Path(name).stem, len(FIRST)))
        of_kind = (name for name in ordered if asks_for_database(self._path(name)) == wants)
        self.workqueue.move_to_end(next(of_kind, ordered[0]), last=False)
        super()._assign_work_unit(node)

    def _path(self, name: str) -> Path:
        return self.config.rootpath / name


def check_names(items: list[pytest.Item]) -> None:
    """Check that files of tests are known to use the database, if they do.

    Raises:
        pytest.UsageError: a file is not; it would run where it costs another server.
    """
    for item in items:
        uses = "installation" in getattr(item, "fixturenames", ()) or item.get_closest_marker("neo4j")
        if uses and not asks_for_database(item.path):
            raise pytest.UsageError(f"{item.path} uses the session's Neo4j by a name that {__name__} lacks.")
