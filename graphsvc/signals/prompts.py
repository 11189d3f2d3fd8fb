"""Fingerprints of prompts: the common part of two fillings of one template, not readable.

Slots are masked by their form. The rest is cut into shingles (Broder 1997, "On the resemblance and
containment of documents", section 2). A few of them are sampled by their hash, in every text alike, so that
texts with common shingles tend to sample the same ones. Each sampled shingle is a band. The sample is a
weighted bottom-k sketch (Cohen and Kaplan 2007, "Summarizing data using bottom-k sketches") with the ranks of
priority sampling (Duffield, Lund and Thorup 2007). A shingle weighs more near the beginning and the end,
where instructions stand. It weighs less if its words are short, as in common phrases. `bench/prompt_bands.py`
measures the choice.
"""

import hashlib
import unicodedata
from functools import cache

import numpy as np
import polars as pl
import regex
from numpy.typing import NDArray

from graphsvc.types import Flags, Floats, Ints

U64 = NDArray[np.uint64]

BANDS = 6
"""Bands a prompt at most."""

_SHINGLE = 3  # words
_CHUNK = 20_000  # texts at a time: bounds the memory for their words
_CHARACTERS = 6  # a shingle where words are not spaced
_NEAR = 8  # words from either end at which the weight is down to a half
_LETTERS_ENOUGH = 14  # letters of a shingle of full weight
_FOLDED_OTHERWISE = "İ"  # `regex` takes it for an i where case does not matter, the columns do not
_LONGEST_RUN = 64  # characters: links and paths are mostly shorter

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


def compute_bands(texts: pl.Series) -> pl.DataFrame:
    """Compute the bands of prompts.

    Args:
        texts: String, n rows; nulls have no bands.

    Returns:
        `row` (UInt32, place in `texts`) and `band` (String, 16 hex digits), at most `BANDS` a row, each once;
        ordered by row and band. A text without any letter has none. Equal on every machine and in every
        process.
    """
    parts = []
    for start in range(0, len(texts), _CHUNK):
        found = extract_words(texts.slice(start, _CHUNK))
        lengths = found.list.len().fill_null(0).to_numpy().astype(np.int64)
        words = found.explode(empty_as_null=False, keep_nulls=False)
        rows, hashes = _sample_bands(lengths, *_measure_words(words))
        parts.append(pl.DataFrame({"row": rows + start, "band": hashes}))
    bands = pl.concat([pl.DataFrame(schema={"row": pl.Int64, "band": pl.UInt64}), *parts]).sort("row", "band")
    return bands.select(pl.col("row").cast(pl.UInt32), _format_hex(bands["band"]).alias("band"))


def extract_words(texts: pl.Series) -> pl.Series:
    """Extract the words of each text in lower case, slots masked (List of String).

    In scripts without spaces these are characters.
    """
    masked = texts.str.normalize("NFKC")
    for pattern in _MASKS:
        masked = masked.str.replace_all(pattern, f" {_SLOT} ")
    return masked.str.to_lowercase().str.extract_all(_WORD)


def compute_bands_of_text(text: str) -> list[str] | None:
    """Compute the bands of one prompt, the same as `compute_bands` finds; sorted.

    Returns:
        None where the columns read it faster: scripts that do not space their words, and texts with long runs of
        characters, on which a backtracking engine would try patterns from each.
    """
    masks, pattern_of_words, unspaced = _list_patterns()
    masked = unicodedata.normalize("NFKC", text)
    if max(map(len, masked.split()), default=0) > _LONGEST_RUN or unspaced.search(masked):
        return None
    for pattern in masks:
        masked = pattern.sub(f" {_SLOT} ", masked)
    words = pattern_of_words.findall(masked.lower())
    lengths = np.array([len(words)])
    hashes = np.array([_hash_word(word) for word in words], dtype=np.uint64)
    letters = np.array([0 if word == _SLOT else len(word) for word in words], dtype=np.int64)
    _, found = _sample_bands(lengths, hashes, letters, np.zeros(len(words), dtype=np.bool_))
    return sorted(f"{band:016x}" for band in found.tolist())


@cache
def _list_patterns() -> tuple[list["regex.Pattern[str]"], "regex.Pattern[str]", "regex.Pattern[str]"]:
    """Return the patterns of slots, of words, and of a character that only columns read, for one text."""
    masks = [regex.compile(each.replace("|$)", r"|\Z)")) for each in _MASKS]
    return masks, regex.compile(_WORD, regex.V1), regex.compile(f"[{_UNSPACED}{_FOLDED_OTHERWISE}]")


def _sample_bands(lengths: Ints, hashes: U64, letters: Ints, unspaced: Flags) -> tuple[Ints, U64]:
    """Return rows and hashes of the sampled shingles of texts.

    Args:
        lengths: (texts,) number of words of each.
        hashes: (words,) of all texts, one after another.
        letters: (words,) letters of each, 0 for a slot.
        unspaced: (words,) whether each is of a script without spaces.
    """
    row = np.repeat(np.arange(len(lengths)), lengths)
    # Slots in a row are one slot: how many there are is part of the filling.
    slot = letters == 0
    keep = ~(slot & np.roll(slot, 1) & (row == np.roll(row, 1)))
    keep[:1] = True
    row, hashes, letters, unspaced = row[keep], hashes[keep], letters[keep], unspaced[keep]
    size = np.bincount(row, minlength=len(lengths))
    spelled = np.bincount(row, weights=letters, minlength=len(lengths))
    characters = np.bincount(row, weights=unspaced, minlength=len(lengths)) > size / 2
    shingle = np.minimum(size, np.where(characters, _CHARACTERS, _SHINGLE))
    shingle[spelled == 0] = 0
    return _sample_smallest(*_build_shingles(row, hashes, letters, size, shingle))


def _hash_word(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


def _measure_words(words_: pl.Series) -> tuple[U64, Ints, Flags]:
    """Hash each word (UInt64), count its letters (0 for a slot), and flag scripts without spaces."""
    known = words_.unique().alias("word")
    hashes = [_hash_word(word) for word in known]
    about = pl.DataFrame(
        {
            "word": known,
            "hash": pl.Series(hashes, dtype=pl.UInt64),
            "letters": known.replace(_SLOT, "").str.len_chars().cast(pl.Int64),
            "unspaced": known.str.contains(f"^[{_UNSPACED}]$"),
        }
    )
    each = words_.to_frame("word").join(about, on="word", how="left", maintain_order="left")
    return each["hash"].to_numpy(), each["letters"].to_numpy(), each["unspaced"].to_numpy()


def _build_shingles(
    row: Ints, hashes: U64, letters: Ints, size: Ints, shingle: Ints
) -> tuple[Ints, U64, Floats]:
    """Build all runs of `shingle[row]` words: rows (ascending), hashes and weights."""
    first = np.cumsum(size) - size
    rows, found = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    weights = [np.zeros(0)]
    for length in np.unique(shingle[shingle > 0]):
        starts = np.arange(len(row) - length + 1)
        starts = starts[(shingle[row[starts]] == length) & (row[starts] == row[starts + length - 1])]
        value = np.full(len(starts), length, dtype=np.uint64)
        spelled = np.zeros(len(starts))
        for step in range(length):
            value = _mix_bits(value + hashes[starts + step])
            spelled += np.maximum(letters[starts + step], 1)
        before = starts - first[row[starts]]
        after = size[row[starts]] - length - before
        distance = np.minimum(before, after) / _NEAR
        share = np.minimum(spelled / _LETTERS_ENOUGH, 1.0)
        rows.append(row[starts])
        found.append(value)
        # Products and quotients only: they are the same to the last bit on every machine.
        weights.append(share * share * share * share / (1.0 + distance * distance))
    everywhere = np.concatenate(rows)
    order = np.argsort(everywhere, kind="stable")
    return everywhere[order], np.concatenate(found)[order], np.concatenate(weights)[order]


def _mix_bits(value: U64) -> U64:
    """Mix the bits of hashes: the finaliser of SplitMix64 (Steele, Lea and Flood 2014, figure 19)."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _sample_smallest(row: Ints, hashes: U64, weights: Floats) -> tuple[Ints, U64]:
    """Return the `BANDS` distinct shingles of smallest rank of each row; rows ascend."""
    ranks = (hashes >> np.uint64(11)) / weights
    rows, found = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    for _ in range(BANDS):
        if not len(row):
            break
        first = np.flatnonzero(np.diff(row, prepend=-1))
        width = np.diff(first, append=len(row))
        least = np.flatnonzero(ranks == np.repeat(np.minimum.reduceat(ranks, first), width))
        least = least[np.flatnonzero(np.diff(row[least], prepend=-1))]  # one a row
        rows.append(row[least])
        found.append(hashes[least])
        left = hashes != np.repeat(hashes[least], width)
        row, hashes, ranks = row[left], hashes[left], ranks[left]
    return np.concatenate(rows), np.concatenate(found)


def _format_hex(numbers: pl.Series) -> pl.Series:
    packed = numbers.to_numpy().astype(">u8").tobytes()
    return pl.Series([packed[i : i + 8] for i in range(0, len(packed), 8)], dtype=pl.Binary).bin.encode("hex")
