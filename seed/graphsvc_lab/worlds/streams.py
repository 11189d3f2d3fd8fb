"""Random streams by name, so that adding a population leaves the draws of all others as they were."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
U64: TypeAlias = npt.NDArray[np.uint64]


def hash_names(*names: str) -> int:
    """Return a 32-bit number for a path of names, the same on every machine."""
    return int.from_bytes(blake2b("/".join(names).encode(), digest_size=4).digest(), "big")


class Streams:
    """Independent generators derived from one seed and a path of names (numpy `SeedSequence` spawn keys)."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def rng(self, *names: str) -> np.random.Generator:
        """Return the generator of this path. The same path gives the same numbers again."""
        sequence = np.random.SeedSequence(self.seed, spawn_key=(hash_names(*names),))
        return np.random.Generator(np.random.PCG64(sequence))

    def draw_integer(self, *names: str) -> int:
        """Return one 32-bit number of this path, for generators that take an integer seed."""
        return int(self.rng(*names).integers(2**32))


def mix_bits(values: Ints | U64, salt: int) -> U64:
    """Scatter integers over 64 bits, one to one for a given salt (SplitMix64; Steele et al., OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        z = values.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: U64 = z ^ (z >> np.uint64(31))
    return mixed


def draw_between(rng: np.random.Generator, bounds: tuple[float, float], size: int) -> Floats:
    """Draw uniformly between two bounds, shape (size,)."""
    return bounds[0] + (bounds[1] - bounds[0]) * rng.random(size)


def pick_indices(rng: np.random.Generator, shares: Mapping[Any, float], size: int) -> Ints:
    """Draw indices into the keys of `shares`, in proportion to its values, shape (size,)."""
    return _draw_weighted(rng, np.fromiter(shares.values(), dtype=float), size)


def draw_zipf(rng: np.random.Generator, values: int, size: int, exponent: float = 1.0) -> Ints:
    """Draw ranks 0 … values-1, rank r with weight (r+1)^-exponent, shape (size,)."""
    return _draw_weighted(rng, np.arange(1, values + 1, dtype=float) ** -exponent, size)


def _draw_weighted(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    cumulative = np.cumsum(weights)
    drawn: Ints = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right").astype(
        np.int64
    )
    # Rounding can carry a draw to the end of the last interval.
    return np.minimum(drawn, len(weights) - 1)
