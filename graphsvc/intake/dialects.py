"""The dialect of a text file: compression, encoding, delimiter, and names of columns."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphsvc.errors import BundleError
from graphsvc.intake.files import BundleFile
from graphsvc.intake.options import ReadOptions

GZIP_MAGIC = b"\x1f\x8b"
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", "\x01": "Hive's ^A"}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_SAMPLE_RECORDS = 50
"""Records after the header that show how many columns the rows have."""
_WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŠšŽžŒœŸ€’‘“”–—…•«»°§©®™·¿¡ºª£´\xa0"
)
"""Characters above ASCII that western European text is made of."""
_MOST_ABOVE_ASCII = 0.5
"""Of the letters of a word with one: in western text most are ASCII; Cyrillic or Greek read as it has none."""
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?(?:\n|$)", re.IGNORECASE)

_ESCAPED_QUOTE = re.compile(r'(?<!\\)\\"[^",;|\t\r\n]')
"""A quote behind a backslash that ends no field. A field that ends in a backslash is followed by a delimiter."""

_DATA = re.compile(r"@|\d{4}")
"""A cell that no column is named like: an address of e-mail, a year, an id."""


class Encoding(NamedTuple):
    """The codec of a file, and a sentence on it for the summary where it is not the contract's UTF-8."""

    codec: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a CSV file.

    - `skip`: characters up to the first record.
    - `names`: one unique name a column; known ones as the contract has them.
    - `found`: the names of the present columns, unknown ones unchanged.
    - `seen`: the dialect in words.
    - `escaped`: whether a backslash precedes quotes within quotes (Spark, MySQL).
    - `spaced`: whether quotes may follow a space.
    """

    delimiter: str
    skip: int
    names: tuple[str, ...]
    found: frozenset[str]
    seen: str
    notes: tuple[str, ...]
    escaped: bool = False
    spaced: bool = False


def find_encoding(head: bytes, options: ReadOptions) -> Encoding:
    """Find the encoding of a text by its first bytes.

    A byte order mark decides; then zeros between characters; then whether it is UTF-8. Other text is cp1252
    if that gives western words. Anything else is left to the person, since detectors guess wrong on short
    columns (docs/decisions/intake.md).
    """
    if options.encoding is not None:
        return Encoding(options.encoding, f"in {options.encoding}, as asked")
    for bom, codec in _BOMS:
        if head.startswith(bom):
            return Encoding(codec, "" if codec == "utf-8" else f"in {codec.upper()}")
    # In UTF-16 most western text has a zero in every second byte.
    even, odd = head[:4096:2].count(0), head[1:4096:2].count(0)
    # Not half: names in other scripts have no zeros.
    least = len(head[:4096]) // 5
    if max(even, odd) > least > 0 and min(even, odd) < least // 4 + 1:
        return Encoding("utf-16-le" if odd > even else "utf-16-be", "in UTF-16 without a byte order mark")
    # Incremental, because the head may end within a character.
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(head)
    # `surrogateescape` marks each byte that is not UTF-8 in this range.
    if text.isascii() or not re.search("[\udc80-\udcff]", text):
        return Encoding("utf-8")
    if not re.search("[^\x00-\x7f\udc80-\udcff]", text) and _is_western(head):
        return Encoding("cp1252", "in cp1252 (not UTF-8; --encoding if it is another)")
    return Encoding("utf-8", "with bytes that are not UTF-8 (--encoding says what they are)")


def _is_western(head: bytes) -> bool:
    try:
        text = head.decode("cp1252")
    except UnicodeDecodeError:
        return False
    above = [character for character in text if not character.isascii()]
    if not set(above) <= _WESTERN:
        return False
    words = [word for word in re.findall(r"\w+", text) if not word.isascii()]
    letters = sum(map(len, words))
    return (
        not words
        or sum(character in _WESTERN for word in words for character in word) <= _MOST_ABOVE_ASCII * letters
    )


def read_header(file: BundleFile, start: str, columns: Sequence[str], options: ReadOptions) -> Header:
    """Read the header of a CSV file, and find its dialect.

    The delimiter is the one that yields most of the table's columns.

    Args:
        file: the file.
        start: its decoded beginning, as long as a header may be.
        columns: of the contract.
        options: what the caller says of the file.

    Raises:
        BundleError: two columns have one name of the contract, or the header is no CSV.
    """
    begin = len(start) - len(start.lstrip("\ufeff\r\n"))
    said = _SEPARATOR_LINE.match(start, begin)
    notes = []
    if said:
        begin = said.end()
    candidates = [options.delimiter] if options.delimiter else [said[1]] if said else list(_DELIMITERS)
    parsed = []
    # All are tried, since a header in one column fits no contract with a wrong delimiter.
    for delimiter in candidates:
        names, length = _read_first_record(file, start[begin:], delimiter)
        known = len(set(match_columns(names, columns, file.table).values()))
        parsed.append((known, names, length, delimiter))
    known, names, length, delimiter = max(parsed, key=lambda each: each[0])
    # No column is known: the file may still be rejected with a useful message, for which the delimiter
    # counts.
    if known == 0 and len(candidates) > 1:
        delimiter = _sniff_delimiter(start[begin : begin + 4096])
        names, length = _read_first_record(file, start[begin:], delimiter)
    if delimiter != ",":
        notes.append(f"separated by {_DELIMITERS.get(delimiter, repr(delimiter))}")
    # Exports often end each line with a delimiter, in rows, the header, or both.
    names = _fit_header(names, start[begin + length :], delimiter)
    matched = match_columns(names, columns, file.table)
    check_doubled(file, matched)
    renamed = [
        f"{names[at].strip()!r} as {name}" for at, name in matched.items() if names[at].strip() != name
    ]
    if renamed:
        notes.append(f"column {', '.join(renamed)}")
    unique = tuple(matched.get(place, f"\0{place}") for place in range(len(names)))
    unknown = {name.strip() for place, name in enumerate(names) if place not in matched} - {""}
    seen = f"as separated by {_DELIMITERS.get(delimiter, repr(delimiter))}"
    if not matched and any(_DATA.search(name) for name in names):
        seen += ", with a first record that looks like a row and no header"
    # With `\N` for null the backslash escapes letters, too, and is left as it is.
    escaped = bool(_ESCAPED_QUOTE.search(start)) and "\\N" not in start
    spaced = f'{delimiter} "' in start and any(name.startswith(" ") for name in names)
    return Header(
        delimiter, begin + length, unique, frozenset(matched.values()) | unknown, seen, tuple(notes), escaped, spaced
    )  # fmt: skip


def _read_first_record(file: BundleFile, text: str, delimiter: str) -> tuple[list[str], int]:
    """Return the fields of the first record with fields, and the characters up to its end."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        fields = next((record for record in reader if record), [])
    except csv.Error:
        raise BundleError(f"{file.name} has no header that is CSV.", "Export it again.") from None
    # A record may span lines; the reader counts those that it took.
    lines = io.StringIO(text, newline="")
    return fields, sum(len(lines.readline()) for _ in range(reader.line_num))


def _sniff_delimiter(text: str) -> str:
    """Return the delimiter that the standard library detects; a comma if it detects none."""
    try:
        return csv.Sniffer().sniff(text, "".join(_DELIMITERS)).delimiter
    except csv.Error:
        return ","


def _fit_header(names: list[str], rest: str, delimiter: str) -> list[str]:
    """Return the header with as many empty columns at its end as the rows have."""
    reader = csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows += [row] if row else []
            if len(rows) > _SAMPLE_RECORDS:
                break
    except csv.Error:
        return names
    # The sample may be cut in its last record.
    widths = {len(row) for row in (rows[:-1] or rows)}
    # Rows of different widths prove nothing; each is checked when it is read.
    if len(widths) != 1:
        return names
    width = widths.pop()
    if width > len(names) and not any("".join(row[len(names) :]).strip() for row in rows):
        return names + [""] * (width - len(names))
    if width < len(names) and not "".join(names[width:]).strip():
        return names[:width]
    return names


def check_doubled(file: BundleFile, matched: Mapping[int, str]) -> None:
    """Check that no two columns of a file have the same name of the contract.

    Args:
        file: the file.
        matched: of `match_columns`.

    Raises:
        BundleError: some have; names them.
    """
    doubled = sorted(name for name, count in Counter(matched.values()).items() if count > 1)
    if doubled:
        raise BundleError(
            f"{file.name} has two columns of one name: {', '.join(doubled)}.", "Name each column once."
        )


def match_columns(names: Sequence[str], columns: Sequence[str], table: str) -> dict[int, str]:
    """Map places of a file's columns to names of the contract.

    An exact name wins. Otherwise white space, case (Snowflake writes capitals) and the table's name before a
    dot (Hive) do not matter.
    """
    exact = {place: name for place, name in enumerate(names) if name in columns}
    taken = set(exact.values())
    for place, name in enumerate(names):
        folded = name.strip("\ufeff \t\xa0\"'").lower().removeprefix(f"{table}.")
        # An exact name keeps its place even if another column folds to it.
        if place not in exact and folded in columns and folded not in taken:
            exact[place] = folded
    return exact
