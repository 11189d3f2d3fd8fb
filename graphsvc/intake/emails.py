"""E-mail addresses and domains as people and exporters write them, checked by form and never by asking."""

import polars as pl

_LETTER = r"\p{L}\p{N}_"
_JOINERS = "\u200c\u200d"
_LABEL = rf"[{_LETTER}](?:[{_LETTER}\p{{M}}{_JOINERS}-]*[{_LETTER}\p{{M}}])?"
"""Letters, digits and marks (RFC 5892); joiners of Indic scripts and Persian; `_`, which DNS holds and hosts use."""
_DOT = r"[.。．｡]"
"""The dots that UTS 46 maps to one."""
DOMAIN = rf"{_LABEL}(?:{_DOT}{_LABEL})+"
_LITERAL = r"\[(?:[0-9.]{7,15}|IPv6:[0-9A-Fa-f:.]{2,45})\]"
"""An address in place of a domain (RFC 5321, section 4.1.3)."""
EMAIL = rf"^[^@\s<>,;]+@(?:{DOMAIN}|{_LITERAL})$"
_CLEANING = (
    (r"^[^<>]*<([^<>\s]+)>$", "$1"),  # Jane Doe <jane@example.com>
    (r"(?i)^mailto:", ""),
    (r"^[\s\"'“”‘’<]+|[\s\"'“”‘’>.。,;]+$", ""),
)


def read_emails(texts: pl.Series) -> pl.Series:
    """Return e-mail addresses without what stands round them and without the dot that ends a full domain.

    Args:
        texts: String without surrounding white space; n rows.

    Returns:
        String, n rows; null where the text is no address.
    """
    good = (texts.str.contains(EMAIL) & ~texts.str.contains("(?i)^mailto:")).fill_null(value=False)
    odd = (~good & texts.is_not_null()).arg_true()
    if odd.is_empty():
        return texts
    cleaned = texts.gather(odd)
    for pattern, replacement in _CLEANING:
        cleaned = cleaned.str.replace_all(pattern, replacement)
    cleaned = cleaned.set(~cleaned.str.contains(EMAIL).fill_null(value=False), None)
    return texts.clone().scatter(odd, cleaned)  # `scatter` writes into its own series
