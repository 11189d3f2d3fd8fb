"""Run two of everything at once."""

import threading
import time
from collections.abc import Callable

from bench.faults.check import Change
from bench.faults.commands import Done, Running
from bench.faults.kinds.kills import ACCOUNTS, must_end_well
from bench.faults.plan import Fault
from bench.faults.result import Report, build_report
from bench.faults.site import Site
from graphsvc.api.auth import keys


def run_two(site: Site, fault: Fault) -> Report:
    """Run two commands at once, or one a moment after the other."""
    return {
        "load": _load_twice,
        "detect": _detect_twice,
        "load and detect": _load_and_detect,
        "keys create": _create_keys,
        "decide": _decide_twice,
        "serve on one port": _serve_twice,
    }[fault.target](site, fault)


def _start(site: Site, fault: Fault, *both: list[object], most: float = 1.0) -> list[Done]:
    """Start two commands; `most`: seconds after which the second starts, at most."""
    first = site.commands.start(both[0], site.variables)
    if fault.variant != "the same moment":
        time.sleep(fault.moment * most)
    second = site.commands.start(both[1], site.variables)
    return [first.wait(), second.wait()]


def _judge(ends: list[Done]) -> tuple[list[str], str]:
    faults = [each for done in ends for each in done.list_faults()]
    if all(done.status for done in ends):
        faults.append(f"neither of two did it: {[done.said for done in ends]}")
    return faults, "; ".join(done.said for done in ends if done.said)


def _load_twice(site: Site, fault: Fault) -> Report:
    site.require(fresh=True)
    ends = _start(site, fault, ["load", site.later], ["load", site.later], most=site.times["load"])
    faults, note = _judge(ends)
    return build_report(
        any(done.status for done in ends), faults + site.find_faults(("later",)), note, again=False
    )


def _detect_twice(site: Site, fault: Fault) -> Report:
    site.require()
    wanted, argv = site.get_detect()
    ends = _start(site, fault, [*argv], [*argv], most=site.times["detect"])
    faults, note = _judge(ends)
    return build_report(
        any(done.status for done in ends), faults + site.find_faults(results=(wanted,)), note, again=False
    )


def _load_and_detect(site: Site, fault: Fault) -> Report:
    site.require(fresh=True)
    before, (wanted, argv) = site.published, site.get_detect()
    ends = _start(site, fault, ["load", site.later], [*argv], most=site.times["load"])
    faults, note = _judge(ends)
    now = site.find_published()
    # It may have read the graph between two batches of the load: then nothing is said of it here, see below.
    if ends[1].status and now != before:
        faults.append("a detection that failed changed what is published")
    site.graph, site.published = "later", wanted
    wanted = f"later {'all' if wanted == 'large' else 'large'}"
    argv = ["detect", *(("--min-size", "10") if wanted.endswith("large") else ())]
    faults += must_end_well(site.run(*argv))
    return build_report(
        any(done.status for done in ends), faults + site.find_faults(("later",), (wanted,)), note, again=False
    )


def _create_keys(site: Site, fault: Fault) -> Report:
    site.require()
    before = {key.id for key in keys.read_keys(site.settings.keys_dir)}
    words: list[object] = ["keys", "create", "--role", "viewer"]
    ends = _start(site, fault, words, words, most=0.1)
    faults, note = _judge(ends)
    made = {done.out.partition(".")[0] for done in ends if not done.status}
    now = {key.id for key in keys.read_keys(site.settings.keys_dir)}
    if now - before != made or not before <= now:
        faults.append(f"{len(made)} keys were printed and {len(now - before)} were made")
    ring = keys.KeyRing(site.settings.keys_dir)
    faults += [
        f"the key {done.out[:12]} is not taken" for done in ends if ring.verify_key(done.out.strip()) is None
    ]
    for key in made:
        keys.revoke_key(site.settings.keys_dir, key)
    return build_report(any(done.status for done in ends), faults + site.find_faults(), note, again=False)


def _decide_twice(site: Site, fault: Fault) -> Report:
    site.require()
    notes = [f"{fault.number} first", f"{fault.number} second"]
    both: list[list[object]] = [
        ["decide", "--account", ACCOUNTS[2], "monitoring", "--note", note] for note in notes
    ]
    ends = _start(site, fault, *both, most=0.5)
    faults, said = _judge(ends)
    for note, done in zip(notes, ends, strict=True):
        change = Change("account", ACCOUNTS[2], "disposition", "monitoring", note)
        (site.ledger.lost if done.status else site.ledger.answered).append(change)
    return build_report(any(done.status for done in ends), faults + site.find_faults(), said, again=False)


def _serve_twice(site: Site, fault: Fault) -> Report:
    site.require()
    port = 20_000 + fault.key % 10_000
    words: list[object] = ["serve", "--port", port]
    first = site.commands.start(words, site.variables)
    if fault.variant != "the same moment":
        _wait_until(
            first, lambda: first.err.exists() and "GraphiQL: " in first.err.read_text(errors="replace")
        )
    second = site.commands.start(words, site.variables)
    both = (first, second)
    _wait_until(first, lambda: any(each.ended.is_set() for each in both), 30)
    time.sleep(0.2)
    refused = [each for each in both if each.ended.is_set()]
    faults = [] if len(refused) == 1 else [f"{2 - len(refused)} of two services serve one port"]
    ends = [each.wait() for each in refused]
    for each in both:
        if not each.ended.is_set():
            each.kill()
            each.wait()
    faults += [each for done in ends for each in done.list_faults()]
    note = "; ".join(done.said for done in ends)
    return build_report(bool(ends), faults + site.find_faults(), note, again=False)


def _wait_until(running: Running, holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds, at most some seconds."""
    deadline = threading.Event()
    for _ in range(int(seconds * 20)):
        if running.ended.is_set() or holds():
            return
        deadline.wait(0.05)
