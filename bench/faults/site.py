"""The installation that faults are injected into: its database, its results, and what it is to hold."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.faults import world
from bench.faults.check import Change, Ledger, Members, State, read_published, read_state
from bench.faults.commands import Commands, Done
from bench.faults.disks import Disk, NoDisk
from bench.faults.proxy import Proxy
from bench.faults.service import Service
from graphsvc import server
from graphsvc.api.auth import keys
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.database import open_store
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.model.decisions import On, Topic
from graphsvc.server.home import Home
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.signing import load_or_create_signer
from graphsvc.store import Store
from graphsvc.store.audit import HEAD_FILE, Auditor
from graphsvc.store.decisions import DecisionRequest, record_decision
from graphsvc.store.snapshots import Snapshots

ROOT = Path(__file__).parents[2]
DISK = 3 << 30
"""Bytes of the file system of the database: its log of transactions alone takes half a gigabyte."""
SMALL_DISK = 24 << 20
"""Bytes of the file system for keys, snapshots and rejected rows."""
LARGE_ONLY = ("--min-size", "10")
"""Options of a detection that publishes the large rings alone."""
LIBRARIES = ("usr/lib/*", "usr/lib", "usr/local/lib")
"""Where libfaketime may be."""
MOST_DECISIONS = 300
"""Decisions after which the installation starts again: each decision reads all of them."""


class Site:
    """One installation with its database, in `work`."""

    def __init__(self, work: Path, say: Callable[[str], None]) -> None:
        """Make the installation, start its database, and measure an unbroken run."""
        self.work, self.say = work, say
        work.mkdir(parents=True, exist_ok=True)
        self.disk: Disk | None = None
        self.no_disk = ""
        self.data = work / "data"
        try:
            self.disk = Disk(work / "data.image", self.data, DISK)
        except NoDisk as error:
            self.no_disk = str(error)
            shutil.rmtree(self.data, ignore_errors=True)
        os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"  # a JVM of minutes earns no more
        self.commands = Commands(work / "printed", ROOT)
        self.settings = Settings(data_dir=self.data, neo4j_uri=None)
        self.home = Home.from_settings(self.settings)
        self.variables = {
            "GRAPHSVC_DATA_DIR": str(self.data),
            "GRAPHSVC_CACHE_DIR": str(self.settings.cache_dir),
            # Faults are done to the process that answers.
            "GRAPHSVC_WORKERS": "1",
        }
        self.bundle = world.write_bundle(work / "bundle", world.make_world())
        self.later = world.write_bundle(work / "later", world.make_later())
        server.ensure_running(self.settings, say)
        self.tokens = load_or_create_key(self.settings)
        self.signer = load_or_create_signer(self.settings)
        self.key = keys.create_key(self.settings.keys_dir, keys.Role.ANALYST, "campaign")
        self.store: Store = open_store(self.settings)
        self.proxy = Proxy(int(self.store.address.uri.rpartition(":")[2]))
        self.services: dict[str, Service] = {}
        self.other_keys: dict[str, str] = {}
        self._small: Disk | None = None
        self._shifted: Commands | None = None
        self.ledger = Ledger()
        self.graph, self.published = "", ""
        self.graphs: dict[str, tuple[int, int, str]] = {}
        self.members: dict[str, Members] = {}
        self.times: dict[str, float] = {}
        self._measure()

    # What it is to hold

    def reset(self) -> None:
        """Begin again: an empty database, the bundle, a detection, three decisions."""
        self.store.run_autocommit("bench/wipe")
        (self.settings.keys_dir / HEAD_FILE).unlink(missing_ok=True)
        shutil.rmtree(self.settings.runs_dir, ignore_errors=True)
        load_bundle(self.store, self.bundle, self.tokens, self.settings.dead_letters_dir, signer=self.signer)
        detect(self.store, InProcessDetector(), Parameters(), signer=self.signer,
               snapshots=Snapshots(self.settings.runs_dir, self.settings.keep_runs))  # fmt: skip
        self.graph, self.published = "base", "all"
        self.ledger = Ledger()
        auditor = Auditor(self.signer, "campaign", "admin")
        for account in ("ring0-00", "ring1-00", "single-0000"):
            record_decision(self.store, auditor, DecisionRequest(On.ACCOUNT, account, Topic.NOTE, "", "first"),
                            datetime.now(UTC))  # fmt: skip
            self.ledger.answered.append(Change("account", account, "note", "", "first"))

    def require(self, fresh: bool = False) -> None:
        """See to it that the installation holds the first bundle and a result, and is not too full of decisions.

        Args:
            fresh: nothing was loaded since the first bundle.
        """
        self.revive()
        full = len(self.ledger.answered) + len(self.ledger.lost) > MOST_DECISIONS
        if not self.graph or full or (fresh and self.graph != "base"):
            self.reset()

    def find_faults(self, graphs: tuple[str, ...] = (), results: tuple[str, ...] = ()) -> list[str]:
        """Compare what is there with what is to be.

        Args:
            graphs: names of graphs that may be there; none: the one that is.
            results: names of published results that may be there; none: the one that is.

        Returns:
            What differs. Names of graph and result are those found from now on.
        """
        state = self.read_state()
        found = [*state.faults, *self.ledger.find_faults(state.decisions)]
        if not found:
            self.ledger.settle(state.decisions)
        fitting = [name for name in graphs or (self.graph,) if self.graphs[name] == state.graph]
        if fitting:
            self.graph = fitting[0]
        else:
            found.append(f"the graph has {state.graph[:2]} and is none of {graphs or self.graph}")
        fitting = [name for name in results or (self.published,) if self.members[name] == state.members]
        if fitting:
            self.published = fitting[0]
        else:
            found.append(f"{len(state.members)} members are published, none of {results or self.published}")
        if found:
            self.graph = ""  # the next fault starts from the beginning
        return found

    def read_state(self) -> State:
        """Read what it holds now."""
        return read_state(self.store, self.signer)

    def find_published(self) -> str:
        """Return the name of the result that is published now; '' if it is none that is known."""
        now = read_published(self.store)
        return next((name for name, members in self.members.items() if members == now), "")

    # What runs

    def run(self, *argv: object, **settings: str) -> Done:
        """Run a command on it."""
        return self.commands.run(argv, {**self.variables, **settings})

    def get_detect(self) -> tuple[str, list[str]]:
        """Return the name of the result that the next detection publishes, which is another, and its arguments."""
        wanted = "large" if self.published.endswith("all") else "all"
        name = wanted if self.graph == "base" else f"later {wanted}"
        return name, ["detect", *(LARGE_ONLY if wanted == "large" else ())]

    def serve(self, name: str = "direct") -> Service:
        """Return the running service of a name: `direct`, `proxied`, or another of its own; start it if need be."""
        service = self.services.get(name)
        if service is None or service.running.ended.is_set():
            settings = self.variables | (self.by_proxy() if name == "proxied" else {})
            service = self.services[name] = Service(self.commands, settings, self.key)
        return service

    def by_proxy(self) -> dict[str, str]:
        """Return the settings that name the database by the proxy."""
        return {
            "GRAPHSVC_NEO4J_URI": f"bolt://127.0.0.1:{self.proxy.port}",
            "GRAPHSVC_NEO4J_PASSWORD": self.home.get_password().get_secret_value(),
        }

    def by_address(self, data: Path) -> dict[str, str]:
        """Return the settings of an installation in `data` that names the database by its address."""
        return {
            "GRAPHSVC_DATA_DIR": str(data),
            "GRAPHSVC_NEO4J_URI": self.store.address.uri,
            "GRAPHSVC_NEO4J_PASSWORD": self.home.get_password().get_secret_value(),
        }

    def get_small_disk(self) -> Disk:
        """Return the small file system, with the keys of the installation and nothing else on it.

        Raises:
            NoDisk: there can be none here.
        """
        if self._small is None:
            self._small = Disk(self.work / "small.image", self.work / "small", SMALL_DISK)
        disk = self._small
        disk.set_writable(True)
        disk.free()
        self.copy_keys(disk.place)
        return disk

    def copy_keys(self, data: Path) -> Path:
        """Make `data` an installation that has copies of the keys and nothing else; return its folder of keys."""
        for left in data.glob("*"):
            if left.name != "lost+found":
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        return Path(shutil.copytree(self.settings.keys_dir, data / "keys"))

    def get_shifted(self) -> Commands:
        """Return commands whose clock is the one of the file `clock` (libfaketime's form, such as `+5y`).

        Raises:
            FileNotFoundError: there is no libfaketime here.
        """
        if self._shifted is None:
            libraries = [
                path for place in LIBRARIES for path in Path("/").glob(f"{place}/faketime/libfaketime.so.1")
            ]
            if not libraries:
                raise FileNotFoundError("libfaketime is not installed (Debian: the package libfaketime)")
            self.clock.write_text("+0")
            self._shifted = Commands(
                self.work / "shifted", ROOT,
                {"LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
                 "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"},
            )  # fmt: skip
        return self._shifted

    @property
    def clock(self) -> Path:
        """The file that says how far the clock of `get_shifted` is off."""
        return self.work / "clock"

    def find_jvm(self) -> psutil.Process:
        """Return the process of the database.

        Raises:
            RuntimeError: it does not run.
        """
        state = self.home.read_state()
        if state is None or state.pid is None:
            raise RuntimeError("the database does not run")
        return psutil.Process(state.pid)

    def revive(self) -> None:
        """Start the database unless it runs and answers."""
        with suppress(psutil.Error, RuntimeError):
            self.find_jvm().resume()
        server.ensure_running(self.settings)
        endpoint = server.find_running(self.settings)
        if endpoint is not None and endpoint.uri != self.store.address.uri:
            self.store.close()
            self.store = open_store(self.settings)
            self.proxy.target = int(endpoint.uri.rpartition(":")[2])
            self.stop_services()
        deadline = time.monotonic() + 90
        while True:
            try:
                self.store.verify()
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def stop_services(self) -> None:
        """Kill all services."""
        for service in self.services.values():
            service.kill()
        self.services.clear()

    def close(self) -> None:
        """Stop all of it and remove it."""
        self.stop_services()
        self.proxy.close()
        self.store.close()
        server.stop_server(self.settings)
        for commands in (self.commands, self._shifted):
            if commands is not None:
                commands.close()
        for disk in (self.disk, self._small):
            if disk is not None:
                disk.unmount()

    def _measure(self) -> None:
        """Do all that faults will break once, unbroken, and remember what comes of it and how long it takes."""
        self.say("an unbroken run")
        self.reset()
        self._remember("base", "all")
        for name in ("large", "all", "large", "all"):
            wanted, argv = self.get_detect()
            done = self.expect(self.run(*argv))
            self.times["detect"] = done.seconds
            self.published = wanted
            if name in self.members and self.members[name] != read_published(self.store):
                raise RuntimeError("two unbroken runs over one graph publish different members")
            self._remember("base", name)
        self.times["publish"] = 0.4 * self.times["detect"]
        self.times["load"] = self.expect(self.run("load", self.later)).seconds
        self._remember("later", "all")
        self.graph = "later"
        for name in ("later large", "later all"):
            wanted, argv = self.get_detect()
            self.expect(self.run(*argv))
            self.published = wanted
            self._remember("later", name)
        self.store.run_autocommit("bench/wipe")
        self.times["load fresh"] = self.expect(self.run("load", self.bundle)).seconds
        self._remember("fresh", "none")
        self.reset()
        self.say("seconds unbroken: " + ", ".join(f"{name} {took:.1f}" for name, took in self.times.items()))

    @staticmethod
    def expect(done: Done) -> Done:
        """Return how a command ended that must end well.

        Raises:
            RuntimeError: it did not.
        """
        if done.status:
            raise RuntimeError(f"an unbroken command failed: {done.err[-500:]}")
        return done

    def _remember(self, graph: str, result: str) -> None:
        state = self.read_state()
        self.graphs[graph], self.members[result] = state.graph, state.members
