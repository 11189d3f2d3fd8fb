"""Kill what runs, or let the database stand still."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from bench.faults.check import Ledger
from bench.faults.commands import Done
from bench.faults.plan import Fault
from bench.faults.result import Report, build_report
from bench.faults.service import Answer, Service
from bench.faults.site import Site
from graphsvc.store.audit import HEAD_FILE

ACCOUNTS = ("ring1-01", "ring3-01", "single-0003", "single-0004")
"""Accounts that changes are about."""


def kill_load(site: Site, fault: Fault) -> Report:
    """Kill a load, and run it again."""
    fresh = fault.target == "load fresh"
    if fresh:
        empty(site)
        graph, results, bundle = "fresh", ("none",), site.bundle
    else:
        site.require(fresh=True)
        graph, results, bundle = "later", (site.published,), site.later
    running = site.commands.start(["load", bundle], site.variables)
    time.sleep(fault.moment * 1.05 * site.times[fault.target])
    broken = running.kill()
    done = running.wait()
    faults = [] if broken else done.list_faults()
    if not broken:
        site.times[fault.target] = done.seconds  # statements are planned by now: it is faster than the first
    if not fresh and not site.find_published():
        faults.append("what was published changed while a load was broken off")
    faults += must_end_well(site.run("load", bundle))
    faults += site.find_faults((graph,), results)
    if fresh:
        site.graph = ""
    return build_report(broken, faults)


def kill_bulk(site: Site, fault: Fault) -> Report:
    """Kill a bulk load, and run it again."""
    empty(site)
    site.stop_services()
    running = site.commands.start(["load", "--bulk", site.bundle], site.variables)
    time.sleep(fault.moment * site.times.get("bulk load", 40.0))
    broken = running.kill()
    done = running.wait()
    faults = done.list_faults() if not broken else []
    again = site.run("load", "--bulk", site.bundle)
    faults += must_end_well(again)
    site.times["bulk load"] = again.seconds if broken else done.seconds
    site.revive()
    faults += site.find_faults(("fresh",), ("none",))
    site.graph = ""
    return build_report(broken, faults)


def kill_detect(site: Site, fault: Fault) -> Report:
    """Kill a detection, and run it again."""
    site.require()
    return break_detection(site, fault.moment * 1.05 * site.times["detect"])


def kill_publisher(site: Site, fault: Fault) -> Report:
    """Kill a detection while it publishes, and run it again."""
    site.require()
    return break_detection(site, None, die_in=fault.moment * 1.1 * site.times["publish"])


def break_detection(site: Site, seconds: float | None, die_in: float | None = None) -> Report:
    """Kill a detection some seconds after its start, or after it began to publish; see what is published; run it again.

    What is published in between is the result before or the new one, in full.
    """
    before = site.published
    wanted, argv = site.get_detect()
    running = site.commands.start(argv, site.variables, die_in)
    if seconds is not None:
        time.sleep(seconds)
        running.kill()
    done = running.wait()
    broken = done.status == -signal.SIGKILL
    faults = [] if broken else done.list_faults()
    if not broken and seconds is not None:
        site.times["detect"] = done.seconds
    now = site.find_published()
    if now not in (before, wanted):
        faults.append("what is published is neither the result before nor the new one")
    if now != wanted:
        faults += must_end_well(site.run(*argv))
    return build_report(broken, faults + site.find_faults(results=(wanted,)))


def kill_service(site: Site, fault: Fault) -> Report:
    """Kill the service under people who decide."""
    site.require()
    service = site.serve("doomed")
    faults = change_while(
        service, site.ledger, lambda: (time.sleep(0.1 + fault.moment), service.kill()), str(fault.number)
    )
    answers = site.serve("doomed").note(ACCOUNTS[0], f"after {fault.number}", site.ledger)
    faults += [] if answers[-1].data else [f"a new service answers {answers[-1]}"]
    return build_report(True, faults + site.find_faults())


def kill_database(site: Site, fault: Fault) -> Report:
    """Kill the database under a load, a detection or people who decide; start it again."""

    def kill(seconds: float) -> None:
        time.sleep(seconds)
        jvm = site.find_jvm()
        jvm.kill()
        with suppress(psutil.TimeoutExpired):
            jvm.wait(20)

    return _disturb_database(site, fault, kill)


def stop_database(site: Site, fault: Fault) -> Report:
    """Let the database stand still for up to three seconds."""

    def stop(seconds: float) -> None:
        time.sleep(seconds)
        jvm = site.find_jvm()
        jvm.suspend()
        time.sleep(0.2 + 2.8 * fault.amount)
        jvm.resume()

    return _disturb_database(site, fault, stop)


def _disturb_database(site: Site, fault: Fault, disturb: Callable[[float], None]) -> Report:
    if fault.target == "changes":
        site.require()
        service = site.serve()
        faults = change_while(service, site.ledger, lambda: disturb(fault.moment), str(fault.number))
        site.revive()
        try:
            service.wait()
        except TimeoutError as error:
            faults.append(str(error))
        faults += [fault for each in service.note(ACCOUNTS[1], f"after {fault.number}", site.ledger)
                   for fault in each.list_faults()]  # fmt: skip
        return build_report(False, faults + site.find_faults())
    site.require(fresh=fault.target == "load")
    return break_command(site, fault.target, lambda: disturb(fault.moment * site.times[fault.target]))


def break_command(
    site: Site, target: str, disturb: Callable[[], None], settings: dict[str, str] | None = None
) -> Report:
    """Run a load or a detection while something is disturbed; if it fails, run it again.

    Args:
        site: of it.
        target: `load` or `detect`.
        disturb: what happens meanwhile.
        settings: more variables of the command.
    """
    before = site.published
    wanted, argv = (before, ["load", site.later]) if target == "load" else site.get_detect()
    running = site.commands.start(argv, {**site.variables, **(settings or {})})
    disturb()
    done = running.wait()
    faults = done.list_faults()
    site.revive()
    if site.find_published() not in (before, wanted):
        faults.append("what is published is neither the result before nor the new one")
    if done.status:
        faults += must_end_well(site.run(*argv))
    graphs = ("later",) if target == "load" else ()
    return build_report(done.status != 0, faults + site.find_faults(graphs, (wanted,)), done.said)


def change_while(
    service: Service,
    ledger: Ledger,
    disturb: Callable[[], object],
    name: str,
    workers: int = 2,
    least: int = 2,
) -> list[str]:
    """Let people note something on accounts, again and again, until what disturbs them is over.

    Args:
        service: that they use.
        ledger: that the notes are entered into.
        disturb: what happens meanwhile.
        name: for the notes.
        workers: how many people.
        least: notes of each of them.

    Returns:
        What is not as promised.
    """
    over = threading.Event()
    answers: list[list[Answer]] = [[] for _ in range(workers)]

    def work(worker: int) -> None:
        turn = 0
        while turn < least or not over.is_set():
            note = f"{name} of {worker}, {turn}"
            got = service.note(ACCOUNTS[(worker + turn) % len(ACCOUNTS)], note, ledger)
            answers[worker] += got
            turn += 1
            if not got[-1].status:  # nothing listens
                time.sleep(0.05)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    try:
        disturb()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return [fault for each in answers for answer in each for fault in answer.list_faults()]


def empty(site: Site) -> None:
    """Empty the installation as it was before its first bundle."""
    site.revive()
    site.store.run_autocommit("bench/wipe")
    (site.settings.keys_dir / HEAD_FILE).unlink(missing_ok=True)
    site.ledger = Ledger()
    site.graph, site.published = "", "none"


def must_end_well(done: Done) -> list[str]:
    """List what is wrong with a command that must end well."""
    return (
        [*done.list_faults(), f"run again it failed: {done.said or done.err[-200:]}"] if done.status else []
    )
