"""Ports and exits of an operator.

A port is what an account is configured with; the address behind it moves.
"""

from dataclasses import dataclass

from bench.held_out_agents.market import Market
from bench.held_out_agents.people import Person
from bench.held_out_agents.stock import Purse
from bench.held_out_agents.traits import Traits


@dataclass(slots=True, eq=False)
class Port:
    """A port with its present address."""

    address: str | None = None
    until: int = -1
    worker: Person | None = None
    """The worker whose home the port is."""


class Exits:
    """The ports of one operator and the supplier behind them."""

    def __init__(self, market: Market, traits: Traits, purse: Purse, workers: list[Person]) -> None:
        self.draws = market.draws
        self.traits = traits
        self.purse = purse
        self.workers = workers
        rng, is_residential = self.draws.random, traits.exit_kind == "resi"
        self.proxy = rng.choice(market.residential_proxies if is_residential else market.mobile_proxies)
        self.vpn = rng.choice(market.vpns)
        self.host = rng.choice(market.hosts)
        self.lot: list[str] = []
        """Rented addresses that no port has yet."""
        self.ports: list[Port] = []

    def choose_port(self, accounts: int) -> Port:
        """Return a port for an account of an operator with so many accounts."""
        uses = self.traits.uses["ip"]
        expected = max(8, min(self.traits.capacity, accounts + 20))
        if len(self.ports) < max(2, int(expected / uses + 0.5)) or uses == 1:
            self.purse.cash -= 1.0
            port = Port()
            self.ports.append(port)
            return port
        return self.ports[int(self.draws.random.random() * len(self.ports))]

    def get_address(self, port: Port, day: int) -> str:
        """Return the address of a port on a day."""
        if port.address is None or day >= port.until:
            port.address, days = self._draw_address(port, day)
            port.until = day + days
        return port.address

    def _draw_address(self, port: Port, day: int) -> tuple[str, int]:
        """Return a new address for a port and the days for which it is kept."""
        rng, kind = self.draws.random, self.traits.exit_kind
        if kind == "hosting":
            if not self.lot:
                self.lot = list(self.host.rent(rng.choice((5, 8, 13))))
            return self.lot.pop(), rng.randint(10, 45)
        if kind == "resi":
            return self.proxy.draw_exit(), rng.randint(1, 9)
        if kind == "mobile":
            return self.proxy.draw_exit(), rng.randint(1, 4)
        if kind == "vpn":
            return self.vpn.draw_exit(), rng.randint(2, 12)
        if port.worker is None:
            port.worker = rng.choice(self.workers)
        return port.worker.household.draw_address(day), rng.randint(1, 3)

    def end_lease(self) -> None:
        """Return rented addresses, which the next customer gets."""
        if self.lot:
            self.host.free.append(self.lot)
