"""Fingerprints of prompts: what two fillings of one template have in common, and nothing readable.

Slots are masked, the rest is cut into shingles (Broder 1997, "On the resemblance and containment of
documents", section 2), and the few shingles with the smallest hashes are kept: a bottom-k sketch
(Cohen and Kaplan 2007, "Summarizing data using bottom-k sketches"), each member of which is a band.
Two texts share a band when one shingle is among the smallest of both. At the same number of bands
this finds more pairs than the usual MinHash bands of one row, because a shingle of one text only
takes up a place in that text's sketch, not in the other's; `bench/prompt_bands.py` measures both.
"""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BANDS = 4
_SHINGLE = 4
_CHUNK = 20_000  # texts at a time: bounds the memory for their words
_CHARACTERS = 6  # a shingle where characters stand for words

_SLOT = "\u0001"
_MASKS = (
    r"(?s)```.*?(?:```|$)",  # fenced code
    r"(?m)^(?: {4}|\t).*$",  # indented code
    r"`[^`\n]*`",
    r"(?i)\b[a-z][a-z0-9+.\-]*://\S+|\bwww\.\S+",
    r"\S+@\S+\.\S+",
    r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|«[^»\n]{1,400}»|「[^」\n]{1,400}」",
    r"(?:[A-Za-z]:\\|~?/|\.{1,2}/)[\w.\-]+(?:[/\\][\w.\-]+)*[/\\]?",
    r"[\p{L}_.\-]*\p{N}[\p{L}\p{N}_.,:\-]*",  # numbers, addresses, hex, identifiers
)
"""Slots by their look, in the order in which they are masked."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTERS = rf"[[\p{{L}}\p{{M}}]--[{_UNSPACED}]]+"
_WORD = rf"[{_UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})?|{_SLOT}"


def bands(texts: pl.Series) -> pl.DataFrame:
    """The bands of prompts.

    Args:
        texts: String, n rows; nulls have no bands.

    Returns:
        `row` (UInt32, place in `texts`) and `band` (String, 16 hex digits), at most `BANDS` a row,
        each once; ordered by row and band. A text without any letter has none. Equal on every
        machine and in every process.
    """
    parts = []
    for start in range(0, len(texts), _CHUNK):
        rows, hashes = _bands(words(texts.slice(start, _CHUNK)))
        parts.append(pl.DataFrame({"row": rows + start, "band": hashes}))
    found = pl.concat([pl.DataFrame(schema={"row": pl.Int64, "band": pl.UInt64}), *parts]).sort("row", "band")
    return found.select(pl.col("row").cast(pl.UInt32), _hex(found["band"]).alias("band"))


def words(texts: pl.Series) -> pl.Series:
    """The words of each text in lower case, slots masked (List of String); characters where words
    are not spaced."""
    masked = texts.str.normalize("NFKC")
    for pattern in _MASKS:
        masked = masked.str.replace_all(pattern, f" {_SLOT} ")
    return masked.str.to_lowercase().str.extract_all(_WORD)


def _bands(found: pl.Series) -> tuple[Ints, U64]:
    """Rows and hashes of the smallest shingles of each list of words."""
    lengths = found.list.len().fill_null(0).to_numpy().astype(np.int64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    hashes, slot, unspaced = _looked_up(found.explode(empty_as_null=False, keep_nulls=False))
    # Slots in a row are one slot: how many there are is part of the filling.
    keep = ~(slot & np.roll(slot, 1) & (row == np.roll(row, 1)))
    keep[:1] = True
    row, hashes, slot, unspaced = row[keep], hashes[keep], slot[keep], unspaced[keep]
    size = np.bincount(row, minlength=len(lengths))
    spelled = np.bincount(row, weights=~slot, minlength=len(lengths))
    characters = np.bincount(row, weights=unspaced, minlength=len(lengths)) > size / 2
    shingle = np.minimum(size, np.where(characters, _CHARACTERS, _SHINGLE))
    shingle[spelled == 0] = 0
    return _smallest(*_shingles(row, hashes, shingle))


def _looked_up(words_: pl.Series) -> tuple[U64, Flags, Flags]:
    """Hash of each word (UInt64), whether it is a slot, and whether it is a character of a script
    without spaces."""
    known = words_.unique().alias("word")
    hashes = [
        int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little") for word in known
    ]
    about = pl.DataFrame(
        {
            "word": known,
            "hash": pl.Series(hashes, dtype=pl.UInt64),
            "slot": known == _SLOT,
            "unspaced": known.str.contains(f"^[{_UNSPACED}]$"),
        }
    )
    each = words_.to_frame("word").join(about, on="word", how="left", maintain_order="left")
    return each["hash"].to_numpy(), each["slot"].to_numpy(), each["unspaced"].to_numpy()


def _shingles(row: Ints, hashes: U64, shingle: Ints) -> tuple[Ints, U64]:
    """Rows and hashes of all runs of `shingle[row]` words, ordered by row."""
    rows, found = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    for length in np.unique(shingle[shingle > 0]):
        starts = np.arange(len(row) - length + 1)
        starts = starts[(shingle[row[starts]] == length) & (row[starts] == row[starts + length - 1])]
        value = np.full(len(starts), length, dtype=np.uint64)
        for step in range(length):
            value = _mixed(value + hashes[starts + step])
        rows.append(row[starts])
        found.append(value)
    everywhere = np.concatenate(rows)
    order = np.argsort(everywhere, kind="stable")
    return everywhere[order], np.concatenate(found)[order]


def _mixed(value: U64) -> U64:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014, figure 19)."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _smallest(row: Ints, hashes: U64) -> tuple[Ints, U64]:
    """The `BANDS` smallest distinct hashes of each row; rows are ordered."""
    rows, found = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    for _ in range(BANDS):
        if not len(row):
            break
        first = np.flatnonzero(np.diff(row, prepend=-1))
        least = np.minimum.reduceat(hashes, first)
        rows.append(row[first])
        found.append(least)
        left = hashes != np.repeat(least, np.diff(first, append=len(row)))
        row, hashes = row[left], hashes[left]
    return np.concatenate(rows), np.concatenate(found)


def _hex(numbers: pl.Series) -> pl.Series:
    return pl.Series([f"{number:016x}" for number in numbers], dtype=pl.String)
