"""Options for reading files whose form is not the contract's and cannot be detected."""

import codecs
import hashlib
import json
from dataclasses import asdict, dataclass, field

from graphsvc.errors import SettingsError
from graphsvc.intake.column_map import ColumnMap
from graphsvc.intake.times import DAY_FIRST, MONTH_FIRST

_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Statements of the caller about the files. What is None or empty is detected.

    - `null_words`: further words, in lower case, that mean null.
    - `delimiter`: of CSV.
    - `encoding`: of text.
    - `dates`: `day-first` or `month-first`, the order of dates such as 05/01/2024.
    - `names`: what the files call the columns and tables of the contract.
    """

    null_words: frozenset[str] = frozenset()
    delimiter: str | None = None
    encoding: str | None = None
    dates: str | None = None
    names: ColumnMap = field(default_factory=ColumnMap)

    def compute_digest(self) -> str:
        """Return a hash of the options, empty without any. Files read in another way are another bundle."""
        if self == ReadOptions():
            return ""
        said = asdict(self) | {"null_words": sorted(self.null_words)}
        if self.names == ColumnMap():
            del said["names"]  # loads of before there were maps keep their ids
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def make_options(
    null_words: list[str], delimiter: str | None = None, encoding: str | None = None, dates: str | None = None,
    names: ColumnMap | None = None,
) -> ReadOptions:  # fmt: skip
    """Build options from what a person typed.

    Raises:
        SettingsError: a delimiter of more than one character, or an unknown encoding or order of dates.
    """
    if delimiter is not None:
        delimiter = _NAMED_DELIMITERS.get(delimiter.lower(), delimiter)
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n':
            raise SettingsError(
                "The delimiter is not one character.", 'Pass for example --delimiter ";" or tab.'
            )
    if encoding is not None:
        try:
            encoding = codecs.lookup(encoding).name
            b"a".decode(encoding)
        except (LookupError, UnicodeError):
            raise SettingsError(
                "There is no such encoding of text.", "Pass for example --encoding cp1252 or utf-16."
            ) from None
    if dates not in (None, DAY_FIRST, MONTH_FIRST):
        raise SettingsError("There is no such order of dates.", f"Pass --dates {DAY_FIRST} or {MONTH_FIRST}.")
    words = frozenset(word.strip().lower() for word in null_words if word.strip())
    return ReadOptions(words, delimiter, encoding, dates, names or ColumnMap())
