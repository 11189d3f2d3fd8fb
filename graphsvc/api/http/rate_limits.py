"""Rate limits: requests by client address before authentication, cost by principal after.

All processes of a service count together (`windows`).

Windows are fixed and begin with the first hit, so `Retry-After` is exact.
"""

import math
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import ClassVar

from limits import RateLimitItem, parse

from graphsvc.api.http.windows import Windows
from graphsvc.errors import GraphsvcError, SettingsError
from graphsvc.settings import Settings

REFUSED_COSTS = 20
"""What a refused sign-in adds to its request in the count of its address: wrong keys are tried that much slower."""

KEYED, ANONYMOUS, WEBSOCKET = "keyed", "anonymous", "websocket"
"""Requests with an `Authorization`, those without, and handshakes of WebSockets."""


class RateLimited(GraphsvcError):
    """A client asked for more in a window than it may. `seconds`: until the window ends."""

    code: ClassVar[str] = "rate_limited"
    http_status: ClassVar[int] = 429

    def __init__(self, what: str, seconds: int) -> None:
        super().__init__(what, f"Try again in {seconds} s.")
        self.seconds = seconds


class RateLimits:
    """Counts requests and cost."""

    def __init__(self, settings: Settings, shared: Path | None = None) -> None:
        """Parse the rates of the settings.

        Args:
            settings: of the installation.
            shared: directory where all processes of the service count; None: there is one process.

        Raises:
            SettingsError: a rate cannot be parsed.
        """
        self._requests = _parse_rate("GRAPHSVC_CLIENT_RATE_LIMIT", settings.client_rate_limit)
        self._cost = _parse_rate("GRAPHSVC_RATE_LIMIT", settings.rate_limit)
        # Not `limits.storage.MemoryStorage`, which starts a thread at nearly each request and is of one process.
        self._windows = Windows(shared)

    def count_request(self, client: str, kind: str = KEYED) -> None:
        """Count a request of a client address.

        Args:
            client: the address.
            kind: `KEYED`, `ANONYMOUS` or `WEBSOCKET`; each has a count of its own.

        Raises:
            RateLimited: there were too many.
        """
        self._count(
            self._requests, 1, "This address sends too many requests.", "client", kind, find_network(client)
        )

    def count_refusal(self, client: str, kind: str = KEYED) -> None:
        """Count a refused sign-in of a client address."""
        # The request was refused already; the next one is told.
        with suppress(RateLimited):
            self._count(self._requests, REFUSED_COSTS, "", "client", kind, find_network(client))

    def charge_principal(self, principal: str, cost: int) -> None:
        """Charge a principal, by its id.

        Raises:
            RateLimited: it is more than the principal may spend.
        """
        what = f"This is more than {self._cost.amount} rows in {self._cost.get_expiry()} s."
        self._count(self._cost, cost, what, "cost", principal)

    def _count(self, rate: RateLimitItem, cost: int, what: str, *who: str) -> None:
        """Count a cost in the window of `who`.

        Raises:
            RateLimited: it is more than the rate allows.
        """
        count, seconds = self._windows.count(who, cost, rate.get_expiry())
        if count > rate.amount:
            # At least a second, since `Retry-After: 0` would make clients try at once.
            raise RateLimited(what, max(1, math.ceil(seconds)))


def _parse_rate(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError:
        raise SettingsError(f"{name} is no rate.", "Write it like 60000/minute or 200/second.") from None


def find_network(client: str) -> str:
    """Return the unit that an address is counted by: for IPv6 the /64, which one host has to itself."""
    try:
        address = ip_address(client)
    except ValueError:
        # A proxy may pass a name, or `unknown`; it is counted as it is.
        return client
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else client
