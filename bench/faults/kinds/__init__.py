"""The injection of each kind of fault."""

from collections.abc import Callable

from bench.faults.kinds import clients, crowds, files, histories, kills, limits, network
from bench.faults.plan import Fault
from bench.faults.result import Report
from bench.faults.site import Site

INJECT: dict[str, Callable[[Site, Fault], Report]] = {
    "kill-load": kills.kill_load,
    "kill-bulk": kills.kill_bulk,
    "kill-detect": kills.kill_detect,
    "kill-publish": kills.kill_publisher,
    "kill-serve": kills.kill_service,
    "kill-jvm": kills.kill_database,
    "stop-jvm": kills.stop_database,
    "proxy": network.disturb,
    "disk-full": limits.fill_disk,
    "disk-read-only": limits.lock_disk,
    "clock": limits.shift_clock,
    "descriptors": limits.limit_descriptors,
    "memory": limits.limit_memory,
    "damaged-keys": files.damage_keys,
    "damaged-snapshots": files.damage_snapshots,
    "damaged-cache": files.damage_cache,
    "damaged-bundles": files.damage_bundles,
    "two-at-once": crowds.run_two,
    "clients": clients.misbehave,
    "history": histories.check_history,
}
"""By the name of the kind: inject a fault into a site, let it recover, and report what is not as promised."""
