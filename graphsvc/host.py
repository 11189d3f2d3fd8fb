"""Memory and cores of this machine, or of the container we are in, and memory of this process."""

import math
import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the machine or of the container we are in; bytes."""

    total: int
    available: int


def read_memory(cgroup: Path = _CGROUP) -> Memory:
    """Return the memory of this machine, limited to that of our control group and address space, if any."""
    import psutil

    machine = psutil.virtual_memory()
    total, available = machine.total, machine.available
    limit, used = _read_cgroup(cgroup)
    if limit is not None and limit < total:
        total, available = limit, min(available, max(0, limit - used))
    most, _ = resource.getrlimit(resource.RLIMIT_AS)  # a new process has as much, less what it imports
    if most != resource.RLIM_INFINITY:
        total, available = min(total, most), min(available, max(0, most - psutil.Process().memory_info().vms))
    return Memory(total, available)


def _read_cgroup(root: Path) -> tuple[int | None, int]:
    """Return the limit of the control group at `root`, and its use without reclaimable cache; version 2, then 1."""
    for folder, limit, used, cache in (
        (root, "memory.max", "memory.current", "inactive_file"),
        (root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            bound = (folder / limit).read_text().strip()
            if bound.isdecimal():
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                return int(bound), int((folder / used).read_text()) - int(stat.get(cache, 0))
        except OSError:  # no such control group: another system, or version 1
            continue
    return None, 0


def count_cores(cgroup: Path = _CGROUP) -> int:
    """Return the cores that this process may use: of the machine, and of our control group (version 2), if any."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such control group, or no limit: `max`
        quota, period = (cgroup / "cpu.max").read_text().split()
        cores = min(cores, max(1, math.ceil(int(quota) / int(period))))
    return cores


def read_peak_memory() -> int:
    """Return the peak memory of this process since the last reset, or without Linux since its start; bytes."""
    with suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    # In kilobytes on Linux and bytes on macOS; Linux is read above.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def reset_peak_memory() -> None:
    """Begin a new count of the peak memory of this process, where the system allows it."""
    # Linux starts a new count here; where that is not allowed, a stage's peak is that of all stages so far.
    with suppress(OSError):
        _RESET.write_text("5", encoding="ascii")
