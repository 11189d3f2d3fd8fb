"""Words that exporters write for null, and wrappers that JSON exports put around values.

docs/loading/exporters.md has the lists. `graphsvc load --null-word` and `GRAPHSVC_NULL_WORDS` add to them.
"""

import base64
import binascii
import json
import uuid

import polars as pl

NULL_WORD, NESTED = "null_word", "nested_object"

WORDS = frozenset({
    "nan", "-nan", "nat", "null", "none", "nil", "n/a", "#n/a", "<na>", "unknown", "undefined", "missing", "(null)",
    "(none)", "(unknown)", "[null]", "<null>", "\\n", "-", "--", "?", "#value!", "#ref!", "#name?", "#div/0!", "#null!",
    "1.#qnan", "-1.#ind", "not set", "not available", "not provided", "(not set)", "(not provided)",
})  # fmt: skip
"""In lower case: what pandas, PostgreSQL, R, Excel, MySQL, Hive, access logs and Google Analytics write for null."""
NOT_APPLICABLE = "NA"
"""R's null, in capitals only, since Na is a name; in a column of countries it is Namibia."""
COUNTRY_WORDS = frozenset({"XX", "ZZ", "T1"})
"""No country: ISO 3166 leaves XX and ZZ to users; Cloudflare writes XX for unknown and T1 for Tor."""
DEVICE_WORDS = frozenset({
    "9774d56d682e549c",  # ANDROID_ID of a bug of Android 2.2 that gave many phones one id
    "02:00:00:00:00:00", "020000000000",  # the MAC address that Android and iOS show to apps
    "ff:ff:ff:ff:ff:ff", "ffffffffffff",
    "ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffffffffffffffffffffffffffff",
})  # fmt: skip
"""In lower case: ids that very many devices give."""

ZERO_UUID = r"^\{?0{8}-?0{4}-?0{4}-?0{4}-?0{12}\}?$"
ZEROS = r"^[+{]?0[0:.\- ]*\}?$"
LEAST_ZEROS = 4
"""Characters of zeros that are no identifier; a single 0 may be one."""
_OBJECT = r'^(?:\{\s*(?:".*)?\}|\[\s*(?:(?:"|\{|\[|null\b|true\b|false\b).*|-?\d+(?:\.\d+)?\s*(?:,.*)?)?\])$'
_WRAPPED = (
    r'^\{\s*"\$(?:oid|uuid|date|symbol|number(?:Long|Int|Double|Decimal))"\s*:\s*'
    r'(?:\{\s*"\$numberLong"\s*:\s*)?"?([^"{}]*)"?\s*\}?\s*\}$'
)
_OBJECT_ID = r'^ObjectId\("?([0-9a-fA-F]{24})"?\)$'


def are_null_words(
    texts: pl.Series, extra: frozenset[str] = frozenset(), *, keep: tuple[str, ...] = ()
) -> pl.Series:
    """Return which texts stand for nothing (Boolean, n rows, no null).

    Args:
        texts: String without surrounding white space; best distinct.
        extra: further words, in lower case.
        keep: words of the list that mean something in this column.
    """
    words = (WORDS | extra) - frozenset(word.lower() for word in keep)
    text = pl.col("text")
    found = text.str.to_lowercase().is_in(sorted(words))
    if NOT_APPLICABLE not in keep:
        found |= text == NOT_APPLICABLE
    return _select_one(texts, found.fill_null(value=False))


def are_no_identifiers(texts: pl.Series, *, device: bool) -> pl.Series:
    """Return which texts are zeros or ids that very many devices give (Boolean, n rows, no null)."""
    text = pl.col("text")
    zeros = text.str.contains(ZEROS)
    if not device:
        return _select_one(texts, (zeros & (text.str.len_bytes() >= LEAST_ZEROS)).fill_null(value=False))
    words = text.str.to_lowercase().is_in(sorted(DEVICE_WORDS))
    return _select_one(texts, (zeros | words).fill_null(value=False))


def are_zero_uuids(texts: pl.Series) -> pl.Series:
    """Return which texts are the UUID of zeros (Boolean, n rows, no null)."""
    return _select_one(texts, pl.col("text").str.contains(ZERO_UUID).fill_null(value=False))


def are_objects(texts: pl.Series) -> pl.Series:
    """Return which texts are a JSON object or array (Boolean, n rows, no null)."""
    # The pattern is tried only where one can begin; most columns have no such text.
    text = pl.col("text")
    opens = text.str.starts_with("{") | text.str.starts_with("[")
    opened = _select_one(texts, opens.fill_null(value=False))
    return (opened & texts.str.contains(_OBJECT)).fill_null(value=False) if opened.any() else opened


def unwrap_scalars(texts: pl.Series) -> pl.Series:
    """Return texts without what MongoDB's extended JSON puts round ids, dates and numbers.

    `{"$oid": "65a…"}`, `{"$date": {"$numberLong": "1704448800000"}}`, `ObjectId(65a…)`, and binary UUIDs.
    """
    text = pl.col("text")
    if not _select_one(texts, text.str.starts_with("{") | text.str.starts_with("Obj")).any():
        return texts
    plain = texts.str.extract(_WRAPPED)
    plain = plain.zip_with(plain.is_not_null(), texts.str.extract(_OBJECT_ID))
    values = plain.zip_with(plain.is_not_null(), texts)
    binary = values.str.starts_with('{"$binary"').fill_null(value=False).arg_true()
    return values.scatter(
        binary, pl.Series([_parse_binary_uuid(text) for text in values.gather(binary)], dtype=pl.String)
    )


def _select_one(texts: pl.Series, found: pl.Expr) -> pl.Series:
    """Evaluate an expression over the column `text`.

    Each operation on a series is a query of its own, which costs more than what it does to a few thousand values.
    """
    return texts.to_frame("text").select(found).to_series()


def _parse_binary_uuid(text: str) -> str:
    """Return the UUID of a binary of subtype 04, else the text as it is."""
    try:
        binary = json.loads(text)["$binary"]
        if binary["subType"] != "04":
            return text
        return str(uuid.UUID(bytes=base64.b64decode(binary["base64"], validate=True)))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return text
