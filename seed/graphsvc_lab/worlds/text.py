"""Opaque tokens from integers: hexadecimal digits or letters, for columns of any length."""

import numpy as np
import polars as pl
import pyarrow as pa

from graphsvc_lab.worlds.streams import U64, Ints, mix_bits

HEX = "0123456789abcdef"
LETTERS = "bcdfghjkmnpqrstv"
"""Sixteen letters: a token of these holds no digit, so it cannot be taken for a card number."""


def make_tokens(values: Ints, salt: int, alphabet: str = HEX) -> pl.Series:
    """Return sixteen characters for each integer, one to one, unlike those of another salt; shape as given."""
    return _encode_values(mix_bits(values, salt), alphabet)


def _encode_values(values: U64, alphabet: str) -> pl.Series:
    pairs = np.array([[ord(a), ord(b)] for a in alphabet for b in alphabet], dtype=np.uint8)
    characters = pairs[values.astype("<u8").view(np.uint8)].reshape(-1)
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(characters)])
    series = pl.Series(pl.from_arrow(fixed.cast(pa.binary())))
    return series.cast(pl.String)
