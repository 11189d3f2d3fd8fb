"""Keyed pseudonyms: the same value has the same pseudonym under one key, and nothing leads back without the key."""

import hashlib
import hmac
import re
import unicodedata

CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
SYLLABLES = 4
"""90⁴ words of four syllables: among a few thousand names hardly two become one."""
DIGITS = 8
# fmt: off
PUBLIC_DOMAINS = frozenset((
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com",
    "yahoo.co.in", "yahoo.de", "icloud.com", "me.com", "aol.com", "protonmail.com", "proton.me",
    "qq.com", "163.com", "126.com", "mail.ru", "yandex.ru", "gmx.de", "gmx.net", "web.de",
    "rediffmail.com", "users.noreply.github.com",
))
# fmt: on
"""Mail providers of very many people: their names tell nothing about any of them, so they stay."""
LOCAL_ENDINGS = frozenset({"local", "lan"})
LETTERS, NUMBER = r"[^\W\d_]+", r"\d+"
TOKEN = re.compile(rf"{LETTERS}|{NUMBER}|[\W_]+")


class Pseudonyms:
    """Pseudonyms under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def replace_value(self, value: str, prefix: str = "") -> str:
        """Return `prefix` and fourteen hex digits for a value."""
        return prefix + self._digest(f"value {value}").hex()[:14]

    def replace_word(self, word: str) -> str:
        """Return a word that can be pronounced; upper case and accents of `word` make no difference."""
        digest = self._digest(f"word {fold(word)}")
        pairs = zip(digest[::2], digest[1::2], strict=True)
        syllables = [CONSONANTS[a % len(CONSONANTS)] + VOWELS[b % len(VOWELS)] for a, b in pairs]
        return "".join(syllables[:SYLLABLES])

    def replace_tokens(self, text: str) -> str:
        """Return a text with every word and number replaced. Order, separators, initials and capitals stay."""
        return "".join(self._replace_token(token) for token in TOKEN.findall(text))

    def replace_email(self, address: str) -> str:
        """Return an e-mail address with its handle replaced, and its domain unless that is a public provider's."""
        handle, at, domain = address.partition("@")
        return (
            f"{self.replace_tokens(handle)}@{self.replace_domain(domain)}"
            if at
            else self.replace_tokens(handle)
        )

    def replace_domain(self, domain: str) -> str:
        """Return a domain whose name is replaced and whose ending stays; a public provider's as it is."""
        if domain in PUBLIC_DOMAINS:
            return domain
        _, dot, ending = domain.rpartition(".")
        real = dot and len(ending) <= 4 and ending not in LOCAL_ENDINGS
        return f"{self.replace_word(f'domain {domain}')}.{ending if real else 'local'}"

    def _replace_token(self, token: str) -> str:
        if re.fullmatch(NUMBER, token):
            number = int.from_bytes(self._digest(f"number {token}")[:4], "big")
            return str(number)[: min(len(token), DIGITS)]
        if not re.fullmatch(LETTERS, token):
            return token
        # An initial stays one letter, or it would agree with a word.
        word = self.replace_word(f"initial {token}")[0] if len(token) == 1 else self.replace_word(token)
        return word.capitalize() if token[0].isupper() else word

    def _digest(self, text: str) -> bytes:
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()


def fold(text: str) -> str:
    """Return a text in lower case without accents; as it is in lower case, if nothing of it is Latin."""
    lowered = text.lower()
    plain = unicodedata.normalize("NFKD", lowered).encode("ascii", "ignore").decode()
    return plain or lowered
