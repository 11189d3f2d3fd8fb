"""Record what several people decide at once, and check that it is linearizable."""

import random
import threading
import time
from collections.abc import Callable

from bench.faults.check import Change
from bench.faults.kinds.network import poison
from bench.faults.linearizability import Operation, Outcome, find_violations
from bench.faults.plan import Fault
from bench.faults.proxy import Toxic
from bench.faults.result import Report, build_report
from bench.faults.service import CERTAIN, Service
from bench.faults.site import Site

READ = """query Read($id: String!) { cluster(id: $id) { version
  decisions(first: 1) { note } } }"""
DECIDE = """mutation Decide($id: ID!, $to: Disposition!, $note: String!, $version: Int!) {
  setClusterDisposition(id: $id, disposition: $to, note: $note, expectedVersion: $version) { version } }"""
PEOPLE, TURNS = 4, 5


def check_history(site: Site, fault: Fault) -> Report:
    """Let people read and decide on two clusters at once, disturb them, and check the history of each cluster."""
    site.require()
    by_proxy = fault.variant in ("reset", "timeout", "down")
    services = [site.serve("proxied" if by_proxy else "direct")]
    if "two services" in fault.variant:
        services.append(site.serve("second"))
    clusters = sorted({row[0] for row in site.members[site.published]})
    chosen = random.Random(fault.key).sample(clusters, 2)
    recorder = Recorder(services, chosen, site, f"h{fault.number}")
    recorder.run(_choose_disturbance(site, fault, services))
    for service in services:
        if not service.running.ended.is_set():
            service.wait()
    recorder.read_last()
    faults = [*recorder.faults]
    for cluster in find_violations(recorder.history):
        shown = [each for each in recorder.history if each.register == cluster]
        faults.append(f"the history of {cluster} is not linearizable: {shown}")
    made = sum(each.outcome is Outcome.DONE and each.expected is not None for each in recorder.history)
    unknown = sum(each.outcome is Outcome.UNKNOWN for each in recorder.history)
    note = f"{len(recorder.history)} operations, {made} changes, {unknown} lost answers"
    return build_report(False, faults + site.find_faults(), note)


def _choose_disturbance(site: Site, fault: Fault, services: list[Service]) -> Callable[[], None]:
    """Return what happens meanwhile."""
    if fault.variant.endswith("killed"):

        def kill() -> None:
            time.sleep(0.2 + 0.8 * fault.moment)
            services[-1].kill()

        return kill
    if fault.variant in ("reset", "timeout", "down"):
        # A reset of what is open, not one after a number of bytes: this one loses answers.
        toxic = Toxic(
            fault.variant, 0.4 * fault.amount if fault.variant == "reset" else fault.amount, fault.key
        )

        def spoil() -> None:
            for _ in range(4):
                time.sleep(0.05 + 0.2 * fault.moment)
                poison(site, toxic, 0.05 + 0.3 * fault.amount)

        return spoil

    def stop() -> None:
        time.sleep(0.1 + 0.3 * fault.moment)
        jvm = site.find_jvm()
        jvm.suspend()
        time.sleep(0.2 + 1.5 * fault.amount)
        jvm.resume()

    return stop if fault.variant.startswith("SIGSTOP") else lambda: None


class Recorder:
    """Records what people read and decide.

    A cluster's register holds the note of its last decision, which no other decision has. A decision asks for the
    version that its person has read, and so for the note that this version came with.
    """

    def __init__(self, services: list[Service], clusters: list[str], site: Site, name: str) -> None:
        """Prepare to record; the clusters' values now are those of their first reading."""
        self.history: list[Operation] = []
        self.faults: list[str] = []
        self._services, self._clusters, self._site, self._name = services, clusters, site, name
        self._versions: dict[tuple[str, int], str] = {}
        for cluster in clusters:
            _, first = self._read(services[0], cluster)
            # The register starts empty: its value now is written first.
            self.history = [each for each in self.history if each.register != cluster]
            if first:
                self.history.append(Operation(cluster, -2.0, -1.0, Outcome.DONE, first, ""))

    def run(self, disturb: Callable[[], None]) -> None:
        """Let people read and decide while something happens."""
        threads = [threading.Thread(target=self._act, args=(person,)) for person in range(PEOPLE)]
        for thread in threads:
            thread.start()
        try:
            disturb()
        finally:
            for thread in threads:
                thread.join()

    def read_last(self) -> None:
        """Read each cluster once more: what lost answers did shows now."""
        for cluster in self._clusters:
            self._read(self._services[0], cluster)

    def _act(self, person: int) -> None:
        draw = random.Random(f"{self._name}/{person}")
        service = self._services[person % len(self._services)]
        for turn in range(TURNS):
            cluster = draw.choice(self._clusters)
            version, value = self._read(service, cluster)
            if version is not None:
                self._decide(service, cluster, version, value, f"{self._name} {person}.{turn}", draw)

    def _read(self, service: Service, cluster: str) -> tuple[int | None, str]:
        began = time.monotonic()
        answer = service.ask(READ, id=cluster)
        ended = time.monotonic()
        self.faults += answer.list_faults()
        if answer.data is None or answer.data["cluster"] is None:
            return None, ""
        found = answer.data["cluster"]
        value = found["decisions"][0]["note"] if found["decisions"] else ""
        self.history.append(Operation(cluster, began, ended, Outcome.DONE, value))
        known = self._versions.setdefault((cluster, found["version"]), value)
        if known != value:
            self.faults.append(f"version {found['version']} of {cluster} is {known!r} and {value!r}")
        return found["version"], value

    def _decide(
        self, service: Service, cluster: str, version: int, before: str, note: str, draw: random.Random
    ) -> None:
        to = draw.choice(["OPEN", "CONFIRMED", "DISMISSED", "MONITORING", "ACTIONED", "APPEALED"])
        change = Change("cluster", cluster, "disposition", to.lower(), note)
        began = time.monotonic()
        answer = service.ask(DECIDE, id=cluster, to=to, note=note, version=version)
        ended = time.monotonic()
        self.faults += answer.list_faults()
        outcome = Outcome.UNKNOWN
        if answer.data is not None:
            outcome = Outcome.DONE
            self._site.ledger.answered.append(change)
        elif "conflict" in answer.codes:
            outcome = Outcome.REFUSED
        elif set(answer.codes) & CERTAIN:
            outcome = Outcome.FAILED
        if outcome is Outcome.UNKNOWN:
            self._site.ledger.lost.append(change)
        self.history.append(Operation(cluster, began, ended, outcome, note, before))
