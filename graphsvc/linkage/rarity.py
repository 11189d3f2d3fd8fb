"""Measure how rarely strangers share words of a name, alone and together, in bits."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints32

UNSEEN = 0.5
"""Accounts added to those that have a word where nothing is known (Krichevsky & Trofimov, IEEE Trans. Inf. Theory
1981)."""
STAND_IN = 3.0
"""Names' worth of a word's own frequency in how often it stands next to another."""
INITIAL_BITS = 4.0
"""Bits of sharing an initial: 26 letters, unevenly used, say as much as 16 used evenly."""


@dataclass(frozen=True, slots=True)
class Composed:
    """Tokens that are put together of words.

    `whole` has all words of an account, and `more` bits beyond what these say by themselves. `initial`, if any, has one
    of its words and the initial of another. Accounts of fewer than `least` words have none.
    """

    words: csr_array
    whole: csr_array
    more: float
    initial: csr_array | None
    least: int


def rate_tokens(
    degree: NDArray[np.int64], population: int, seldom: float, composed: Iterable[Composed]
) -> Floats:
    """Return how rarely strangers share each token, in bits; float64, (tokens,).

    A word's frequency is that among all others than the two who share it, and `seldom` accounts more. A token that is
    put together of words is at most as rare as these together. That a name was seen twice does not tell how often one
    should be: in a large population each of many combinations of common words is seen twice by chance.

    Args:
        degree: int64, accounts that have each token.
        population: other accounts than one.
        seldom: accounts added to those that have a word, above 0 (`expect_another`).
        composed: tokens that are put together of words.
    """
    rare: Floats = np.log2((coarse(population) + 1) / (coarse(np.maximum(degree - 2, 0)) + seldom))
    for each in composed:
        size = np.diff(each.words.indptr)
        row = np.repeat(np.arange(len(size)), size)
        total = np.bincount(row, rare[each.words.indices], minlength=len(size)) + each.more
        rarest = np.full(len(size), np.inf)
        np.minimum.at(rarest, row, rare[each.words.indices])
        for matrix, limit in ((each.whole, total), (each.initial, rarest + INITIAL_BITS)):
            # A token is at most as rare as the words of any account that has it.
            if matrix is not None:
                account, token = matrix.tocoo().coords
                kept = size[account] >= each.least
                np.minimum.at(rare, token[kept], limit[account[kept]])
    return rare


def expect_another(degree: NDArray[np.int64]) -> float:
    """Return how many further accounts are to be expected for a word that one account has.

    That is 2·N₂ / N₁, where N₁ words are of one account and N₂ of two (Good, Biometrika 1953). It errs towards chance,
    for among words of two accounts are those of one person with two; and it is `UNSEEN` at most.
    """
    once, twice = (int((degree == count).sum()) for count in (1, 2))
    return min((2.0 * twice + UNSEEN) / (once + 1.0), UNSEEN)


def rate_together(both: csr_array, rare: Floats, together: csr_array) -> Floats:
    """Return how rarely strangers share all words of each row of `both`, in bits; float64, (rows,).

    Words of one name depend on each other: `da` adds nothing to `Conceição`. So each word counts by how rare it is
    among the names that have a rarer one of the row (the least such figure), from the rarest on. The pair itself is
    left out of these. Where there are few others the word's own frequency stands in for them.

    Args:
        both: (rows, words) of 0 and 1, the shared words.
        rare: bits of each word by itself.
        together: in how many names and handles both of two words are. Identities of one person that have one name are
            one.
    """
    size = np.diff(both.indptr)
    row = np.repeat(np.arange(len(size)), size)
    word = both.indices[np.lexsort((both.indices, -rare[both.indices], row))]
    bits = rare[word].copy()
    place = np.arange(len(word)) - np.repeat(both.indptr[:-1], size)
    # Words are sorted from the rarest on: in each step a word meets the one so many places before it.
    for step in range(1, int(size.max(initial=0))):
        later = np.flatnonzero(place >= step)
        first, second = word[later - step], word[later]
        joint, alone = _entries(together, first, second), _entries(together, first, first)
        own = STAND_IN * np.exp2(-rare[second])
        share = (np.maximum(joint - 2, 0) + own) / (np.maximum(alone - 2, 0) + STAND_IN)
        bits[later] = np.minimum(bits[later], -np.log2(share))
    found: Floats = np.bincount(row, bits, minlength=len(size)).astype(np.float64)
    return found


def rate_rarest(first: csr_array, second: csr_array, rare: Floats, one: Ints32, other: Ints32) -> Floats:
    """Return the bits of the rarest token that one account of each pair has in `first` and the other in `second`.

    Returns:
        float64, (pairs,); 0 where there is none.
    """
    both = csr_array(first[one].multiply(second[other]))
    row = np.repeat(np.arange(len(one)), np.diff(both.indptr))
    found = np.zeros(len(one))
    np.maximum.at(found, row, rare[both.indices])
    return found


def count_beside(*names: csr_array) -> csr_array:
    """Return in how many rows of the matrices both of two words are, as a matrix of words by words."""
    found = names[0].T @ names[0]
    for each in names[1:]:
        found = found + each.T @ each
    return csr_array(found)


def to_binary(matrix: csr_array) -> csr_array:
    """Return a matrix with 1 wherever `matrix` is not 0."""
    found = csr_array(matrix)
    found.sum_duplicates()
    found.eliminate_zeros()
    found.data = np.ones(len(found.data))
    return found


def _entries(matrix: csr_array, row: Ints32, column: Ints32) -> Floats:
    found: Floats = np.asarray(matrix[row, column]).ravel().astype(np.float64) if len(row) else np.zeros(0)
    return found
