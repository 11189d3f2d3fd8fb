"""Read roles from a token's claims, in the forms that identity providers use. Pure functions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PART = re.compile(
    r"""
      " (?P<double> (?: [^"\\] | \\. )+ ) "
    | ' (?P<single> (?: [^'\\] | \\. )+ ) '
    | (?P<plain> (?: [^."'\\] | \\. ) (?: [^.\\] | \\. )* )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SCOPES = frozenset(("scope", "scp"))
"""Claims whose text is a list with spaces between (RFC 8693, section 4.2; `scp` is Entra's and Okta's name for it)."""


@dataclass(frozen=True, slots=True)
class RoleClaim:
    """The place of the roles in a token: a claim's whole name, or a path of names."""

    text: str
    path: tuple[str, ...]

    def read(self, claims: Mapping[str, Any]) -> Iterator[str]:
        """Yield the values at this place; none if there is no such claim, or it holds no text.

        An e-mail address counts only if the provider has verified it, else people choose their roles themselves. A
        text of a scope claim is split at spaces. Any other text is one value, for the name of a group can hold
        spaces: in "not admin" there is no "admin".

        Args:
            claims: what a verified token says.
        """
        # A claim's name may contain dots, as a URL does. The exact name wins over the path.
        path = (self.text,) if self.text in claims else self.path
        if path == ("email",) and claims.get("email_verified") not in (True, "true"):  # Google writes both
            return
        value: Any = claims
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            yield from value.split() if path[-1] in _SCOPES else (value,)
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))


def parse_role_claim(text: str) -> RoleClaim:
    r"""Parse the place of the roles: `roles`, `realm_access.roles`, `resource_access."my.app".roles`.

    A name that holds dots stands in quotes, or its dots are written `\.` as in Keycloak's mappers. The whole text is
    tried as a claim's name first, so that `https://example.com/roles` needs no quotes.

    Raises:
        ValueError: it is empty, or a quote is not closed.
    """
    text = text.strip()
    path: list[str] = []
    at = 0
    while True:
        found = _PART.match(text, at)
        if found is None:
            raise ValueError("a name is empty, or a quote is not closed")
        path.append(_ESCAPED.sub(r"\1", found["double"] or found["single"] or found["plain"]))
        at = found.end()
        if at == len(text):
            return RoleClaim(text, tuple(path))
        if text[at] != ".":
            raise ValueError("a dot is missing after a quote")
        at += 1
