"""Let the network between service and database fail."""

import threading
import time

from bench.faults.kinds.kills import break_command, change_while
from bench.faults.plan import Fault
from bench.faults.proxy import Toxic
from bench.faults.result import Report, build_report
from bench.faults.service import STATS
from bench.faults.site import Site

MOST_SECONDS = 5.0
"""Time within which the service answers again once its network is well."""


def disturb(site: Site, fault: Fault) -> Report:
    """Let connections to the database fail under changes, questions, a load or a detection; then heal them."""
    toxic = Toxic(fault.variant, fault.amount, fault.key)
    if fault.target in ("load", "detect"):
        site.require(fresh=fault.target == "load")

        def spoil() -> None:
            time.sleep(fault.moment * site.times[fault.target])
            poison(site, toxic, 0.5 + 2 * fault.amount)

        return break_command(site, fault.target, spoil, site.by_proxy())
    site.require()
    service = site.serve("proxied")
    lasting = 0.3 + 1.2 * fault.moment
    if fault.target == "changes":
        faults = change_while(
            service, site.ledger, lambda: poison(site, toxic, lasting), str(fault.number), workers=2, least=1
        )
    else:
        healer = threading.Thread(target=poison, args=(site, toxic, lasting))
        healer.start()
        answers = [service.ask(STATS) for _ in range(3)]
        healer.join()
        faults = [each for answer in answers for each in answer.list_faults()]
    seconds = service.wait(30)
    if seconds > MOST_SECONDS:
        faults.append(f"the service answered {seconds:.1f} s after its network was well again")
    return build_report(False, faults + site.find_faults())


def poison(site: Site, toxic: Toxic, seconds: float) -> None:
    """Set a toxic for some seconds."""
    site.proxy.set_toxic(toxic)
    try:
        time.sleep(seconds)
    finally:
        site.proxy.heal()
