"""Check the addresses that webhooks may reach: only public ones, so that none looks into the service's own network."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from graphsvc.errors import WebhookError

LONGEST_URL = 2_000
TOPIC = "kafka"
"""Scheme of addresses of topics."""
_PORTS = {"https": 443, "http": 80, TOPIC: 9092}
_TOPIC_PATH = re.compile(r"/[A-Za-z0-9._-]{1,249}")
"""One topic, in the characters that brokers allow."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""Well-known prefix of RFC 6052: the last 32 bits are the address of IPv4 that is reached."""


@dataclass(frozen=True, slots=True)
class Location:
    """Parts of a webhook's address. `path` has the query, too."""

    scheme: str
    host: str
    port: int
    path: str


def parse_url(url: str, allowed: frozenset[str] = frozenset()) -> Location:
    """Parse the address of a webhook.

    Args:
        url: `https://host/path`, or `kafka://broker:port/topic`.
        allowed: hosts that an operator named (`GRAPHSVC_WEBHOOK_ALLOWED_HOSTS`); these may be reached by http, and
            only these as brokers, since a client follows a broker to whatever addresses it names.

    Raises:
        WebhookError: it is none, has a user or a fragment, or is http or a broker for another host.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:  # UnicodeError is one
        host, port = "", 0
    if not is_plain(url) or not host or not port or parts.scheme not in _PORTS:
        raise WebhookError(
            "This is no address of a webhook.",
            f"Write https://HOST/PATH, kafka://BROKER:9092/TOPIC, or an address of chat or e-mail such as slack://… or "
            f"mailtos://…, in ASCII, at most {LONGEST_URL:,} characters.",
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WebhookError(
            "The address of a webhook has no user, password or fragment.",
            "Receivers check the signature instead.",
        )
    if parts.scheme == "http" and host not in allowed:
        raise WebhookError(
            f"Webhooks are sent by https, and {host} is given by http.",
            "Write https://, or name the host in GRAPHSVC_WEBHOOK_ALLOWED_HOSTS.",
        )
    if parts.scheme == TOPIC and (
        host not in allowed or parts.query or not _TOPIC_PATH.fullmatch(parts.path)
    ):
        raise WebhookError(
            f"{host} is no broker that events may be sent to, or its topic is none.",
            "Name the host in GRAPHSVC_WEBHOOK_ALLOWED_HOSTS, and one topic: kafka://BROKER:9092/TOPIC.",
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Location(parts.scheme, host, port, path)


def is_plain(url: str) -> bool:
    """Return whether an address has only characters that one can have, and not too many of them."""
    # Control characters and spaces would let one line of a request become two.
    return url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL


def is_public(address: str) -> bool:
    """Return whether an address is of the public internet, also where it embeds one of IPv4.

    Loopback, private, link-local, shared, multicast, reserved and documentation addresses are not.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        embedded = _find_embedded(found)
        if embedded is not None:
            return is_public(str(embedded))
        # Tunnels to whoever runs the relay.
        if found.teredo is not None:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _find_embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the address of IPv4 that one of IPv6 stands for, if it does."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def parse_hosts(text: str) -> frozenset[str]:
    """Parse names of hosts with commas between them."""
    return frozenset(each.strip().lower() for each in text.split(",") if each.strip())
