"""Takes the worlds one after the other, the steps in turn, and keeps every measurement the moment it is there."""

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.quality import commit
from bench.scale.meter import DONE, OVER, measure
from bench.scale.place import Place
from bench.scale.plan import DATABASE, ONLINE, Step, World, repeats, turns
from bench.trials import say
from graphsvc.server.home import Home
from graphsvc.server.lifecycle import find_server
from graphsvc.settings import Settings

Row = dict[str, Any]

GRAPHSVC = (sys.executable, "-m", "graphsvc")
JOB = (sys.executable, "-m", "bench.scale.job")
_COLD = frozenset({"import", "bulk"})
"""Steps that find no server running."""
_LOADS = frozenset({"online", "online-again"})
_EDGES = re.compile(r"([\d,]+) edges in ([\d,.]+) s")
_DETECTS = frozenset({"detect", "detect-day", "detect-whole", "detect-gds"})


@dataclass(slots=True)
class Measured:
    """All measurements so far, in a file that is written anew after each."""

    path: Path
    rows: list[Row]

    @classmethod
    def at(cls, path: Path) -> "Measured":
        """What an interrupted bench left, or nothing."""
        return cls(path, json.loads(path.read_text(encoding="utf-8")) if path.exists() else [])

    def add(self, row: Row) -> None:
        """Keeps one measurement; an older one of the same is replaced."""
        self.rows = [*(r for r in self.rows if key(r) != key(row)), row]
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(self.rows), encoding="utf-8")
        draft.replace(self.path)

    def has(self, world: World, step: str, turn: int) -> bool:
        """Whether it was measured already."""
        return (str(world), step, turn) in {key(row) for row in self.rows}


def key(row: Row) -> tuple[str, str, int]:
    """What tells one measurement from another."""
    return row["world"], row["step"], row["turn"]


class Session:
    """One run of the bench."""

    def __init__(self, work: Path, measured: Measured, only: frozenset[str]) -> None:
        self._work = work
        self._measured = measured
        self._only = only

    def world(self, world: World, asked: int, after: Callable[[], None]) -> None:
        """All turns on a world; `after` is called after each measurement."""
        place = Place.of(self._work, world)
        many = repeats(world, asked)
        for turn, steps in turns(world, many, self._only):
            missing = [step for step in steps if self._missing(world, step, steps, turn)]
            if not missing:
                continue
            if not (place.ready.exists() and self._measured.has(world, "world", 0)):
                self._prepare(world, place)
                after()
            try:
                for step in missing:
                    self._step(world, place, step, turn)
                    after()
            finally:
                for chain in (DATABASE, ONLINE):
                    self._discard(place, chain)
        # Gigabytes, that the seed makes again.
        shutil.rmtree(place.root, ignore_errors=True)

    def _missing(self, world: World, step: Step, steps: list[Step], turn: int) -> bool:
        """Whether a step is to be done; a chain is done whole."""
        together = [other for other in steps if step.chain is not None and other.chain == step.chain] or [
            step
        ]
        return not all(self._measured.has(world, other.name, turn) for other in together)

    def _prepare(self, world: World, place: Place) -> None:
        shutil.rmtree(place.root, ignore_errors=True)
        place.root.mkdir(parents=True)
        arguments = (
            "--accounts",
            str(world.accounts),
            "--seed",
            str(world.seed),
            "--scenario",
            world.scenario,
        )
        command = (*GRAPHSVC, "seed", *arguments, "--out", str(place.whole))
        self._measure(world, place, "seed", 0, command, None, 3600.0)
        self._quiet(place, (*JOB, "prepare", str(place.root)), None)
        found = json.loads(place.result.read_text(encoding="utf-8"))
        self._measured.add({"world": str(world), "step": "world", "turn": 0, **found})
        self._quiet(place, (*JOB, "files", str(place.root)), None)
        place.result.replace(place.arguments)
        place.ready.touch()

    def _step(self, world: World, place: Place, step: Step, turn: int) -> None:
        chain = step.chain
        if chain is not None and not place.data(chain).exists():
            place.fresh(chain)
        if chain is not None and step.name not in _COLD:
            self._quiet(place, (*GRAPHSVC, "neo4j", "start"), chain)
        if step.name == "import":
            place.fresh(chain or DATABASE)
        place.result.unlink(missing_ok=True)
        row = self._measure(world, place, step.name, turn, _command(step.name, place), chain, step.limit)
        if step.name == "import":
            self._discard(place, DATABASE)
        if row["status"] == DONE and step.name in _DETECTS:
            place.result.unlink(missing_ok=True)
            self._quiet(place, (*JOB, "outcome", str(place.root)), chain)
            self._measured.add({**row, **json.loads(place.result.read_text(encoding="utf-8"))})
        if row["status"] == OVER and chain is not None:
            # What was asked of the server goes on there until it ends.
            self._quiet(place, (*GRAPHSVC, "neo4j", "stop"), chain)

    def _measure(
        self,
        world: World,
        place: Place,
        step: str,
        turn: int,
        command: tuple[str, ...],
        chain: str | None,
        limit: float,
    ) -> Row:
        reading = measure(command, _environment(place, chain), place.log, limit, _server(place, chain))
        row: Row = {
            "world": str(world),
            "step": step,
            "turn": turn,
            "commit": commit(),
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            **reading.row(),
        }
        if reading.status == DONE and step in _LOADS:
            row.update(edges_written(place.log.read_text(encoding="utf-8")))
        if reading.status == DONE and place.result.exists():
            row.update(json.loads(place.result.read_text(encoding="utf-8")))
        self._measured.add(row)
        say(line(row))
        return row

    def _quiet(self, place: Place, command: tuple[str, ...], chain: str | None) -> None:
        """What is not measured.

        Raises:
            SystemExit: it failed; without it the rest cannot be measured.
        """
        reading = measure(command, _environment(place, chain), place.log, 3600.0)
        if reading.status != DONE:
            raise SystemExit(f"{' '.join(command)} failed:\n{reading.said}")

    def _discard(self, place: Place, chain: str) -> None:
        """Stops a chain's server and removes its database."""
        if place.data(chain).exists():
            environment = _environment(place, chain)
            measure((*GRAPHSVC, "neo4j", "stop"), environment, place.root / "stop.log", 300.0)
            shutil.rmtree(place.data(chain), ignore_errors=True)


def warm_up(work: Path) -> None:
    """Starts a server once, so that jars are there and the JVM has learnt to start fast before anything is measured."""
    place = Place(work / "warm-up")
    place.root.mkdir(parents=True, exist_ok=True)
    place.fresh(DATABASE)
    environment = _environment(place, DATABASE)
    started = measure((*GRAPHSVC, "neo4j", "start"), environment, place.log, 1200.0)
    if started.status != DONE:
        raise SystemExit(f"Neo4j did not start:\n{started.said}")
    trainer = Home.from_settings(Settings(data_dir=place.data(DATABASE))).trainer
    waited = time.monotonic()
    while _lives(trainer) and time.monotonic() - waited < 180:
        time.sleep(1)
    measure((*GRAPHSVC, "neo4j", "stop"), environment, place.log, 300.0)
    shutil.rmtree(place.root, ignore_errors=True)


def _lives(note: Path) -> bool:
    """Whether the process whose id is noted in a file lives."""
    try:
        return Path("/proc", note.read_text(encoding="ascii").strip()).exists()
    except OSError:
        return False


def _command(step: str, place: Place) -> tuple[str, ...]:
    commands: dict[str, tuple[str, ...]] = {
        "bulk": ("load", "--bulk", str(place.base)),
        "detect": ("detect", "--engine", "inprocess"),
        "load-day": ("load", str(place.day)),
        "detect-day": ("detect", "--engine", "inprocess"),
        "detect-whole": ("detect", "--whole", "--engine", "inprocess"),
        "detect-gds": ("detect", "--whole", "--engine", "gds"),
        "online": ("load", str(place.whole)),
        "online-again": ("load", "--again", str(place.whole)),
    }
    if step in commands:
        return (*GRAPHSVC, *commands[step])
    return (*JOB, step, str(place.root))


def _environment(place: Place, chain: str | None) -> dict[str, str]:
    return {"GRAPHSVC_DATA_DIR": str(place.data(chain or "none")), "PYTHONHASHSEED": "0"}


def _server(place: Place, chain: str | None) -> Callable[[], int | None]:
    if chain is None:
        return lambda: None
    home = Home.from_settings(Settings(data_dir=place.data(chain), neo4j_uri=None))

    def pid() -> int | None:
        found = find_server(home)
        return found.pid if found is not None else None

    return pid


def edges_written(said: str) -> Row:
    """What a load says of its edges: how many, and in how many seconds."""
    found = _EDGES.search(said)
    if found is None:
        return {}
    return {"edges": int(found[1].replace(",", "")), "edge_seconds": float(found[2].replace(",", ""))}


def line(row: Row) -> str:
    """A measurement for people who watch."""
    took = f"{'over ' if row['status'] == OVER else ''}{row['seconds']:,.1f} s"
    alone = f" ({row['seconds_alone']:,.1f} s alone)" if "seconds_alone" in row else ""
    memory = f"{row['peak'] / 2**30:.2f} GiB"
    if row["server_peak"]:
        memory += f" + server {row['server_peak'] / 2**30:.2f}"
    worth = "" if "bcubed_f" not in row else f", B-cubed F {row['bcubed_f']:.3f}"
    failed = "" if row["status"] in {DONE, OVER} else f" FAILED: {row['said'].strip()[-300:]}"
    return (
        f"{row['world']:<20} {row['step']:<15} {took}{alone}, CPU {row['cpu'] + row['server_cpu']:,.0f} s, {memory}, "
        f"load {row['load']:.1f}{worth}{failed}"
    )
