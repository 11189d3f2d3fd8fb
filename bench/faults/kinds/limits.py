"""Take from commands what they need: room on a disk, the right time, file descriptors, memory."""

import random
import threading
import time
from pathlib import Path

from bench.faults.check import Change
from bench.faults.commands import Commands, Done
from bench.faults.disks import NoDisk
from bench.faults.kinds.kills import ACCOUNTS, change_while, must_end_well
from bench.faults.plan import Fault
from bench.faults.result import SKIPPED, Report, build_report
from bench.faults.service import Service
from bench.faults.site import Site
from graphsvc import server
from graphsvc.api.auth import keys
from graphsvc.errors import GraphsvcError
from graphsvc.settings import Settings


def fill_disk(site: Site, fault: Fault) -> Report:
    """Run a command while its disk is full, or nearly so; give the room back and run it again."""
    if fault.variant == "database":
        return _fill_database(site, fault)
    try:
        disk = site.get_small_disk()
    except NoDisk as error:
        return Report(SKIPPED, note=str(error))
    disk.fill(int(40_000 * fault.amount**2))
    report = _run_on_disk(site, fault, disk.place, disk.free)
    disk.free()
    return report


def lock_disk(site: Site, fault: Fault) -> Report:
    """Run a command while its disk is read-only; make it writable and run it again."""
    try:
        disk = site.get_small_disk()
        disk.set_writable(False)
    except NoDisk as error:
        return Report(SKIPPED, note=str(error))
    try:
        return _run_on_disk(site, fault, disk.place, lambda: disk.set_writable(True))
    finally:
        disk.set_writable(True)


def _run_on_disk(site: Site, fault: Fault, place: Path, heal: "object") -> Report:
    """Run the target of a fault in an installation on a disk that fails, then on the same disk healed."""
    act = Act(site, fault, site.commands, site.by_address(place), place)
    faults = act.run()
    broken = act.done.status != 0
    if callable(heal):
        heal()
    if broken:
        faults += act.check_untouched() + act.repeat()
    return build_report(broken, faults + act.check_end(), act.said)


class Act:
    """A command that a fault of its surroundings may break: run, judged, and run again."""

    def __init__(
        self, site: Site, fault: Fault, commands: Commands, settings: dict[str, str], data: Path
    ) -> None:
        """Prepare the target of a fault.

        Args:
            site: where the database is.
            fault: names the target.
            commands: that run it.
            settings: variables that name the installation.
            data: the installation's directory.
        """
        self._site, self._target, self._data = site, fault.target, data
        site.require(fresh="load" in fault.target)
        self._commands, self._settings = commands, {**site.variables, **settings}
        self._before, self._wanted = site.published, site.published
        self._keys = {key.id for key in keys.read_keys(data / "keys")}
        self._out = data / f"out-{fault.number}.csv"
        self._note = f"fault {fault.number}"
        if fault.target == "detect":
            self._wanted, self._argv = site.get_detect()
        else:
            victim = sorted(self._keys)[0]
            self._argv = {
                "load": ["load", str(site.later)],
                "load with rejected rows": ["load", str(site.later)],
                "keys create": ["keys", "create", "--role", "viewer"],
                "keys revoke": ["keys", "revoke", victim],
                "keys rotate": ["keys", "rotate", victim],
                "export members": ["export", "members", "--out", str(self._out)],
                "audit export": ["audit", "export", "--out", str(self._out)],
                "decide": ["decide", "--account", ACCOUNTS[0], "monitoring", "--note", self._note],
                "serve": ["serve", "--port", "0"],
            }[fault.target]
        self._change = Change("account", ACCOUNTS[0], "disposition", "monitoring", self._note)
        self.done = Done(0, "", "", 0.0)

    @property
    def said(self) -> str:
        """Its error, if it had one."""
        return self.done.said

    def run(self, limits: dict[str, int] | None = None) -> list[str]:
        """Run it; list what is not as promised. `limits`: of the system, see `Commands.run_apart`."""
        if limits is None:
            self.done = self._commands.run(self._argv, self._settings)
        else:
            self.done = self._commands.run_apart(
                self._argv, self._settings, limits, ends="GraphiQL: " if self._target == "serve" else ""
            )
        self._enter()
        return self.done.list_faults()

    def check_untouched(self) -> list[str]:
        """List what a command that failed has changed although it may not."""
        faults = []
        if self._site.find_published() not in (self._before, self._wanted):
            faults.append("what is published is neither the result before nor the new one")
        if (
            self._target.startswith("keys")
            and {key.id for key in keys.read_keys(self._data / "keys")} != self._keys
        ):
            faults.append("keys changed although the command failed")
        if "export" in self._target and self._out.exists():
            faults.append("half of an export is left under its name")
        return faults

    def repeat(self) -> list[str]:
        """Run it again, now that nothing is in its way."""
        if self._target == "serve":
            return []
        done = self._site.commands.run(self._argv, self._settings)
        self.done, failed = done, self.done
        self._enter()
        self.done = failed
        return must_end_well(done)

    def check_end(self) -> list[str]:
        """Compare with an unbroken run."""
        site = self._site
        faults = []
        if "export" in self._target and not self._out.exists():
            faults.append("the export is missing")
        self._out.unlink(missing_ok=True)
        graphs = ("later",) if "load" in self._target else ()
        return faults + site.find_faults(graphs, (self._wanted,))

    def _enter(self) -> None:
        if self._target == "decide":
            ledger = self._site.ledger
            (ledger.answered if self.done.status == 0 else ledger.lost).append(self._change)


def _fill_database(site: Site, fault: Fault) -> Report:
    """Load while the disk of the database is full."""
    if site.disk is None:
        return Report(SKIPPED, note=site.no_disk)
    site.require(fresh=True)
    site.disk.fill(int((64 << 10) * fault.amount))
    try:
        done = site.run("load", site.later)
    finally:
        site.disk.free()
    faults = done.list_faults()
    again = done if not done.status else site.run("load", site.later)
    note = done.said
    if again.status:  # Neo4j may refuse writes until it is started again
        server.stop_server(site.settings)
        site.revive()
        note += " (the database had to be started again)"
        faults += must_end_well(site.run("load", site.later))
    return build_report(done.status != 0, faults + site.find_faults(("later",)), note)


SHIFTS = {"years back": ("-5y", "-20y", "-1y"), "years ahead": ("+10y", "+1y", "+12y")}
"""How far the clock is off, in libfaketime's words."""


def shift_clock(site: Site, fault: Fault) -> Report:
    """Run a command whose clock is wrong, or jumps while it runs."""
    try:
        shifted = site.get_shifted()
    except FileNotFoundError as error:
        return Report(SKIPPED, note=str(error))
    draw = random.Random(fault.key)
    site.require(fresh=fault.target == "load")
    stop = threading.Event()

    def jump() -> None:
        while not stop.wait(0.05 + 0.2 * fault.moment):
            site.clock.write_text(f"{draw.choice('+-')}{draw.randrange(1, 4_000)}d")

    jumper = threading.Thread(target=jump)
    if fault.variant == "jumps":
        site.clock.write_text("+0")
        jumper.start()
    else:
        site.clock.write_text(draw.choice(SHIFTS[fault.variant]))
    try:
        if fault.target == "changes":
            service = Service(shifted, site.variables, site.key)
            try:
                faults = change_while(service, site.ledger, lambda: time.sleep(0.5), str(fault.number))
            finally:
                service.kill()
            return build_report(False, faults + site.find_faults())
        act = Act(site, fault, shifted, {}, site.data)
        faults = act.run()
    finally:
        stop.set()
        if jumper.is_alive():
            jumper.join()
        site.clock.write_text("+0")
    broken = act.done.status != 0
    if broken:
        faults += act.check_untouched() + act.repeat()
    return build_report(broken, faults + act.check_end(), act.said)


def limit_descriptors(site: Site, fault: Fault) -> Report:
    """Run a command that may open few files."""
    return _limit(site, fault, {"n": 16 + int(120 * fault.amount)})


def limit_memory(site: Site, fault: Fault) -> Report:
    """Run a command with little address space: 150 MB to 4 GB."""
    return _limit(site, fault, {"v": int(150_000 * 27**fault.amount)})


def _limit(site: Site, fault: Fault, limits: dict[str, int]) -> Report:
    shown = ", ".join(f"ulimit -{letter} {most}" for letter, most in limits.items())
    if fault.target == "neo4j start":
        return _start_apart(site, limits, shown)
    act = Act(site, fault, site.commands, {}, site.data)
    faults = act.run(limits)
    # A service that serves is stopped by us, see `Act.run`.
    broken = act.done.status != 0 and not (fault.target == "serve" and "GraphiQL: " in act.done.err)
    if broken:
        faults += act.check_untouched() + act.repeat()
    return build_report(broken, faults + act.check_end(), f"{shown}: {act.said or 'did'}")


def _start_apart(site: Site, limits: dict[str, int], shown: str) -> Report:
    """Start another database, of an installation of its own."""
    other = site.work / "other"
    settings = {**site.variables, "GRAPHSVC_DATA_DIR": str(other)}
    done = site.commands.run_apart(["neo4j", "start"], settings, limits)
    faults = done.list_faults()
    if not done.status:
        try:
            server.stop_server(Settings(data_dir=other, neo4j_uri=None))
        except GraphsvcError as error:
            faults.append(str(error))
    site.require()
    return build_report(
        done.status != 0, faults + site.find_faults(), f"{shown}: {done.said or 'did'}", again=False
    )
