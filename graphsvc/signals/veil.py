"""Redaction of addresses: pseudonyms replace keys with an address, and networks replace values.

Other personal values are tokens before they are stored. Addresses are stored readable, because detection
needs their networks. So they are redacted on output: `ip:203.0.113.7` becomes `ip:~…`, AES-SIV (RFC 5297) of
the address. One address always has the same pseudonym, which is an id that works wherever a key does. Only
the key of this installation can reverse it.
"""

import base64
import binascii
import hashlib
import re
import socket
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from types import NoneType
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from graphsvc.errors import Forbidden
from graphsvc.keyfile import load_or_create
from graphsvc.settings import Settings

_FILE = "veil.key"
_KIND = "ip:"
_HANDLE = "ip:~"
_MAPPED = bytes(10) + b"\xff\xff"  # before the four bytes of IPv4 in IPv6
_PLAIN = frozenset((int, float, bool, NoneType, datetime))
_KEYS = re.compile(
    r"(?<!\w)ip:([0-9A-Fa-f.:]{2,46})|(?<![0-9a-f])((?:[0-9a-f]{1,4}:){0,3}[0-9a-f]{1,4})?::/64(?!\d)"
)


class Veil:
    """Hides addresses in output, and resolves pseudonyms in input."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """Initialize with `key`, 32 secret bytes."""
        self._cipher = AESSIV(hashlib.sha512(b"graphsvc veil\0" + key).digest())

    def __repr__(self) -> str:
        return "Veil()"

    def hide(self, key: str) -> str:
        """Return the pseudonym for the key of an address in any spelling; any other key unchanged."""
        packed = _pack_address(key[len(_KIND) :]) if key.startswith(_KIND) else None
        if packed is None:
            return key
        sealed = self._cipher.encrypt(packed, None)
        return _HANDLE + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, handle: str) -> str:
        """Return the key for a pseudonym.

        Text that is no pseudonym of this installation stays, and finds nothing.
        """
        if not handle.startswith(_HANDLE):
            return handle
        text = handle[len(_HANDLE) :]
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            key = _KIND + _unpack_address(self._cipher.decrypt(sealed, None))
        except (InvalidTag, binascii.Error, ValueError):
            return handle
        return key if self.hide(key) == handle else handle  # base64 has spare bits; a handle has one spelling

    def hide_named(self, key: str) -> str:
        """Return the pseudonym for a key that the caller named; any other key unchanged."""
        return self.hide(key)

    def redact_text(self, text: str) -> str:
        """Return a text with pseudonyms for all addresses in it, and /64 networks of IPv6 as their /48."""
        if _KIND not in text and "/64" not in text:
            return text
        whole = self.hide(text)  # mostly it is nothing but a key
        return _KEYS.sub(self._hide_match, text) if whole is text else whole

    def redact_rows(self, value: Any) -> Any:
        """Redact the result of a statement or an analysis at any depth: lists, tuples, dataclasses and maps.

        Keys and texts get pseudonyms. In a map with the `key` of an address, its `value` becomes the network
        of the address.
        """
        kind = type(value)
        if kind is str:
            return self.redact_text(value)
        if kind is list:
            return [self.redact_rows(item) for item in value]
        if kind is dict:
            veiled = {}
            # Every value of every row passes here: what holds nothing to hide costs no call.
            for name, item in value.items():
                kind = type(item)
                plain = kind in _PLAIN or (kind is str and _KIND not in item and "/64" not in item)
                shown = self.redact_text(name) if isinstance(name, str) and _KIND in name else name
                veiled[shown] = item if plain else self.redact_rows(item)
            if "value" in value and str(value.get("key", "")).startswith(_KIND):
                veiled["value"] = find_network(str(value["value"]))
            return veiled
        return value if kind in _PLAIN else self._redact_record(value)

    def open_handles(self, value: Any) -> Any:
        """Resolve the pseudonyms in arguments, at any depth of lists and maps."""
        if isinstance(value, str):
            return self.open(value)
        if isinstance(value, (list, tuple)):
            return [self.open_handles(item) for item in value]
        if isinstance(value, dict):
            return {name: self.open_handles(item) for name, item in value.items()}
        return value

    def _redact_record(self, value: Any) -> Any:
        if isinstance(value, tuple):
            items = [self.redact_rows(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(
                value, **{f.name: self.redact_rows(getattr(value, f.name)) for f in fields(value) if f.init}
            )
        return value

    def _hide_match(self, found: re.Match[str]) -> str:
        address = found[1]
        if address is None:
            return find_network(found[0].removesuffix("/64"))
        shown = address
        while shown and _pack_address(shown) is None:
            if shown[-1] not in ".:":  # else what ends the sentence
                return found[0]
            shown = shown[:-1]
        return self.hide(_KIND + shown) + address[len(shown) :] if shown else found[0]


class OpaqueVeil(Veil):
    """Redaction for callers who may see pseudonyms only. They cannot look up an address.

    Otherwise 256 lookups would reveal the address behind a pseudonym of a known /24.
    """

    __slots__ = ()

    def __init__(self, veil: Veil) -> None:
        """Use the key of `veil`."""
        self._cipher = veil._cipher

    def open(self, handle: str) -> str:
        """Return the key for a pseudonym, as `Veil.open`.

        Raises:
            Forbidden: it is the key of an address.
        """
        if handle.startswith(_KIND) and _pack_address(handle[len(_KIND) :]) is not None:
            raise Forbidden(
                "An address is looked for by the role analyst and above.",
                "Name its handle `ip:~…`, or the /24 or /48 it is in.",
            )
        return super().open(handle)

    def hide_named(self, key: str) -> str:
        """Return the pseudonym as `Veil.hide_named`; raise as `open`."""
        return self.hide(self.open(key))


def find_network(address: str) -> str:
    """Return the /24 (IPv4) or /48 (IPv6) of an address as CIDR text; `hidden` for any other text."""
    packed = _pack_address(address)
    if packed is None:
        return "hidden"
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed[:3] + bytes(1)) + "/24"
    return socket.inet_ntop(socket.AF_INET6, packed[:6] + bytes(10)) + "/48"


def load_or_create_veil(settings: Settings) -> Veil:
    """Return the redaction of this installation. Its key is in `keys_dir/veil.key`, created at first use.

    Without the key, all pseudonyms given out are worthless; nothing else is lost.

    Raises:
        SettingsError: the key file cannot be read or written, is damaged, or others can read it.
    """
    return Veil(load_or_create(settings.keys_dir / _FILE, "key of the veil"))


def _pack_address(address: str) -> bytes | None:
    """Return the 4 or 16 bytes of an address, or None. IPv4 written as IPv6 has 4, as in the graph."""
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        return None
    return packed.removeprefix(_MAPPED) if len(packed) == 16 else packed


def _unpack_address(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6 if len(packed) == 16 else socket.AF_INET, packed)
