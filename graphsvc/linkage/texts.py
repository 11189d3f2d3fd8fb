"""Read names and e-mail addresses as tokens of their words, and compare accounts by them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.special import pdtrc

from graphsvc.linkage.em import Comparison, Pairs
from graphsvc.linkage.rarity import (
    INITIAL_BITS,
    Composed,
    count_beside,
    expect_another,
    rate_rarest,
    rate_together,
    rate_tokens,
    to_binary,
)
from graphsvc.linkage.sharers import Sharers
from graphsvc.model.arrays import label_components
from graphsvc.model.graph import SignalGraph
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import BY_NAME, DERIVED
from graphsvc.signals.normalise import FORM, INITIAL, MARKS, WHOLE
from graphsvc.types import Flags, Floats, Ints32

COMMONEST = 50
"""A word that more accounts have makes no candidates. Two strangers share such a one by chance, and a pair that
also shares a rarer word is a candidate by that."""
CANDIDATES = 4
"""Candidates an account, at most; where there would be more, only rarer words make them. 20 give the same
links in all but one of the worlds in docs/decisions/names.md, in four times the time."""
AT_A_TIME = 100_000
"""Pairs compared at a time: bounds the memory for what they share."""
COMMON_DOMAIN = 32
"""An e-mail domain is common if one account in so many has it: a provider's rather than an organization's."""
SEVERAL = 2.0
"""Bits beyond those of the rarest word shared from which more than one is shared."""
UNLIKELY = (5.0, 12.0)
"""Bits from which what two accounts touched in common is more than chance, and much more."""

# Levels of the comparisons, with the probabilities that learning begins with: those that it comes to on the development
# identities, rounded. They decide where there are few pairs to learn from.
# Strangers who share one word, and those who share several, which leave less to differ in.
NAME = Comparison(
    "name",  # missing, same words, same single word, part of the other, some words, none, none of two full names
    (0.05, 0.32, 0.10, 0.18, 0.04, 0.29, 0.02),
    ((0.02, 0.00, 0.02, 0.07, 0.70, 0.11, 0.08), (0.02, 0.60, 0.00, 0.18, 0.10, 0.05, 0.05)),
)
MAIL = Comparison(
    "email",  # missing, same address, same handle of several words, of one, part of the other, some words, none
    (0.02, 0.38, 0.10, 0.08, 0.06, 0.03, 0.33),
    ((0.02, 0.03, 0.00, 0.03, 0.05, 0.07, 0.80), (0.02, 0.10, 0.25, 0.05, 0.10, 0.08, 0.40)),
)
CROSS = Comparison(
    "name_and_email",  # missing, none, some words, all words of an e-mail address are in the other's name
    (0.02, 0.41, 0.09, 0.48),
    ((0.02, 0.52, 0.34, 0.12), (0.02, 0.30, 0.20, 0.48)),
)
DOMAIN = Comparison(
    "email_domain",  # not asked, differs, common, rare; asked where handles differ
    (0.58, 0.37, 0.04, 0.01),
    ((0.06, 0.58, 0.34, 0.02), (0.40, 0.38, 0.21, 0.01)),
)
TOUCHED = Comparison(
    "identifiers",  # missing, nothing in common, as much as by chance, more, much more
    (0.02, 0.35, 0.12, 0.31, 0.20),
    ((0.02, 0.80, 0.11, 0.05, 0.02),) * 2,
)
COMPARISONS = (NAME, MAIL, CROSS, DOMAIN, TOUCHED)
SAME, SAME_ONE, PART, SOME, NONE, DISAGREE = 1, 2, 3, 4, 5, 6
"""Levels of `NAME`."""
ADDRESS, HANDLE, HANDLE_ONE, MAIL_PART, MAIL_SOME, MAIL_NONE = 1, 2, 3, 4, 5, 6
"""Levels of `MAIL`."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Tokens by account: matrices of 0 and 1 of shape (accounts, tokens); those of words share their columns.

    `whole` is all words in one, `form` the first and the last in one, `initial` one of these with the initial of the
    other; the whole of an e-mail address is its handle.
    """

    name: csr_array
    name_whole: csr_array
    name_form: csr_array
    name_initial: csr_array
    mail: csr_array
    mail_whole: csr_array
    domain: csr_array
    touched: csr_array

    @property
    def accounts(self) -> int:
        """Accounts that have a name or an e-mail address."""
        return int(((self.name + self.mail + self.name_whole + self.mail_whole).sum(axis=1) > 0).sum())


@dataclass(frozen=True, slots=True)
class Compared:
    """Candidate pairs, sorted, and what `em.learn_weights` learns from."""

    source: Ints32
    target: Ints32
    pairs: Pairs


def read_texts(graph: SignalGraph) -> Texts:
    """Return the tokens of a graph's names and e-mail addresses, and what accounts touched of kinds not declared."""
    kind = graph.signals["kind"]
    words = graph.signals.select(signal=pl.int_range(pl.len(), dtype=pl.Int32), kind="kind", word="parent")
    words = words.filter(pl.col("kind").is_in(["display_name", "email_handle"]))
    words = words.with_columns(pl.col("word").str.split(" ")).explode("word").filter(pl.col("word") != "")
    mark = pl.col("word").str.extract(f"^([{MARKS}])").fill_null("")
    words = words.with_columns(mark=mark).with_columns(pl.col("word").str.strip_prefix(pl.col("mark")))
    codes = words["word"].rank("dense").cast(pl.Int64).to_numpy() - 1
    width = int(codes.max(initial=-1)) + 1

    def matrix(kind_: str, marked: str) -> csr_array:
        rows = ((words["kind"] == kind_) & (words["mark"] == marked)).to_numpy()
        of_signal = _matrix(words["signal"].to_numpy()[rows], codes[rows], (graph.signals.height, width))
        return to_binary(_uses(graph, (kind == kind_).to_numpy()) @ of_signal)

    undeclared = ~kind.is_in([name for name in BY_NAME if name != "identifier"] + list(DERIVED)).to_numpy()
    return Texts(
        matrix("display_name", ""),
        matrix("display_name", WHOLE),
        matrix("display_name", FORM),
        matrix("display_name", INITIAL),
        matrix("email_handle", ""),
        matrix("email_handle", WHOLE),
        _uses(graph, (kind == "email_domain").to_numpy()),
        _uses(graph, undeclared),
    )


def compare_candidates(texts: Texts, memory: int) -> Compared:
    """Find the pairs that share a rare word, and compare them.

    Args:
        texts: of `read_texts`.
        memory: bytes that pairs in the making may take.

    Returns:
        The pairs, sorted, with their levels, rarity and weights.
    """
    tokens = _Tokens.of(texts)
    # An empty part first: a graph without candidates has arrays of the right types too.
    parts = [_compare(texts, tokens, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))]
    for source, target in _candidates(tokens, memory):
        for at in range(0, len(source), AT_A_TIME):
            parts.append(_compare(texts, tokens, source[at : at + AT_A_TIME], target[at : at + AT_A_TIME]))
    source, target = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("source", "target")
    )
    levels, shared, rarity, weight = (
        np.concatenate([getattr(part.pairs, name) for part in parts])
        for name in ("levels", "shared", "rarity", "weight")
    )
    crowd = _crowd(texts, source, target, levels)
    return Compared(source, target, Pairs(levels, shared, rarity, weight, crowd))


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Tokens of names and e-mail addresses alike, and how rare they are.

    `words`, `wholes` and `short` forms by account, and `all` of these; `degree` (int64) and bits (`rare`) of each
    token; `together`: in how many names and handles two words stand together. `population`: other accounts than
    one; `seldom`: see `expect_another`.
    """

    words: csr_array
    wholes: csr_array
    short: csr_array
    all: csr_array
    degree: NDArray[np.int64]
    rare: Floats
    together: csr_array
    population: int
    seldom: float

    @classmethod
    def of(cls, texts: Texts) -> "_Tokens":
        short = to_binary(texts.name_form + texts.name_initial)
        # A word of an e-mail address that is the account's own name in short adds no word to the name.
        own = texts.mail.multiply(to_binary(texts.name_whole + short))
        written = to_binary(texts.mail - own)
        words, wholes = to_binary(texts.name + written), to_binary(texts.name_whole + texts.mail_whole)
        every = to_binary(words + wholes + short)
        degree = np.asarray(every.sum(axis=0)).ravel().astype(np.int64)
        population = max(texts.accounts - 1, 1)
        composed = (
            Composed(texts.name, to_binary(texts.name_whole + texts.name_form), 0.0, texts.name_initial, 2),
            # The letters that stand alone in an e-mail address are not among its words.
            Composed(texts.mail, texts.mail_whole, INITIAL_BITS, None, 1),
        )
        seldom = expect_another(np.asarray(words.sum(axis=0)).ravel().astype(np.int64))
        rare = rate_tokens(degree, population, seldom, composed)
        names, mails = (
            matrix[_first_of_each(whole)]
            for matrix, whole in ((texts.name, texts.name_whole), (written, texts.mail_whole))
        )
        return cls(words, wholes, short, every, degree, rare, count_beside(names, mails), population, seldom)


def _first_of_each(wholes: csr_array) -> NDArray[np.int64]:
    """Return the first account of each distinct whole."""
    account, token = wholes.tocoo().coords
    found: NDArray[np.int64] = account[np.unique(token, return_index=True)[1]].astype(np.int64)
    return found


def _compare(texts: Texts, tokens: _Tokens, one: Ints32, other: Ints32) -> Compared:
    """Compare pairs; those that share nothing but short forms are left out."""
    words, wholes, short, rare = tokens.words, tokens.wholes, tokens.short, tokens.rare
    single = rate_rarest(words, words, rare, one, other)
    combined = np.maximum(
        rate_rarest(wholes, to_binary(wholes + short), rare, one, other),
        rate_rarest(short, wholes, rare, one, other),
    )
    shares = np.maximum(single, combined) > 0.0
    one, other, single, combined = one[shares], other[shares], single[shares], combined[shares]
    both = csr_array(words[one].multiply(words[other]))
    rarity = np.maximum(rate_together(both, rare, tokens.together), combined)
    # A value of n accounts makes n² / 2 pairs; of these each account has one to say.
    weight = np.exp2(np.maximum(single, combined)) / (coarse(tokens.population) + 1) * tokens.seldom
    several = (rarity > single + SEVERAL).astype(np.int8)
    levels = np.stack(_levels(texts, one, other), axis=1).astype(np.int8)
    return Compared(one, other, Pairs(levels, several, rarity, weight, np.zeros(len(one))))


def _candidates(tokens: _Tokens, memory: int) -> Iterator[tuple[Ints32, Ints32]]:
    """Yield source and target of the pairs that share a token that makes candidates."""
    accounts = tokens.all.shape[0]
    # Two short forms alike say nothing: one account must have the token as a word, or as all its words in one.
    said = np.asarray((tokens.words + tokens.wholes).sum(axis=0)).ravel() > 0
    degree = np.where(said, tokens.degree, 0)
    pairs = np.bincount(degree, degree * (degree - 1) / 2, minlength=COMMONEST + 1)[: COMMONEST + 1]
    # Words are taken from the rarest on, while the pairs that they make are affordable.
    affordable = int(np.searchsorted(np.cumsum(pairs), CANDIDATES * accounts, side="right")) - 1
    account, token = (each.astype(np.int32) for each in tokens.all.tocoo().coords)
    makes = ((degree > 1) & (degree <= max(affordable, 2)))[token]
    sharers = Sharers.of(account[makes], token[makes], accounts)
    for first, end in sharers.pieces(memory):
        yield sharers.pairs(first, end)


def _levels(texts: Texts, one: Ints32, other: Ints32) -> list[NDArray[np.int64]]:
    """Return the level of each comparison for each pair, in the order of `COMPARISONS`."""
    name, mail = _held(texts.name, one, other), _held(texts.mail, one, other)
    named = _any(texts.name, one) & _any(texts.name, other)
    forms = to_binary(texts.name_form + texts.name_initial)
    short = _shares(forms, texts.name_whole, one, other) | _shares(texts.name_whole, forms, one, other)
    shared, smaller, larger = name
    names = np.select(
        [~named, (shared == smaller) & (shared == larger), (shared == smaller) | short, shared > 0],
        [0, np.where(shared > 1, SAME, SAME_ONE), PART, SOME],
        np.where(smaller < 2, NONE, DISAGREE),
    )
    mailed = _any(texts.mail_whole, one) & _any(texts.mail_whole, other)
    handle = _shares(texts.mail_whole, texts.mail_whole, one, other)
    domain = _shares(texts.domain, texts.domain, one, other)
    shared, smaller, larger = mail
    same = np.where(domain, ADDRESS, np.where(larger > 1, HANDLE, HANDLE_ONE))
    mails = np.select(
        [~mailed, handle, (shared == smaller) & (shared > 0), shared > 0],
        [0, same, MAIL_PART, MAIL_SOME],
        MAIL_NONE,
    )
    crossed = np.maximum(_cross(texts, one, other), _cross(texts, other, one))
    holders = np.asarray(texts.domain.sum(axis=0)).ravel()
    common = csr_array(texts.domain * (holders * COMMON_DOMAIN > texts.accounts))
    of_all = _shares(common, texts.domain, one, other)
    domains = np.select([~mailed | handle, ~domain, of_all], [0, 1, 2], 3)
    return [names, mails, crossed, domains, _touched(texts.touched, one, other)]


def _cross(texts: Texts, one: Ints32, other: Ints32) -> NDArray[np.int64]:
    """Return how the e-mail address of the first of each pair compares to the name of the second."""
    there = _any(texts.mail_whole, one) & _any(texts.name_whole, other)
    shared = _common(texts.mail, texts.name, one, other)
    own = np.asarray(texts.mail.sum(axis=1)).ravel()[one]
    whole = _shares(
        texts.mail_whole, to_binary(texts.name_whole + texts.name_form + texts.name_initial), one, other
    )
    return np.select([~there, whole | ((shared == own) & (own > 0)), shared > 0], [0, 3, 2], 1)


def _touched(touched: csr_array, one: Ints32, other: Ints32) -> NDArray[np.int64]:
    """Return how much more two accounts touched in common than two as active would by chance.

    An account that touches very many values shares some with any other. Where both draw from the values as all do, the
    number in common is nearly Poisson. Its mean is the product of the two activities times the chance that two uses are
    of one value.
    """
    activity = np.asarray(touched.sum(axis=1)).ravel()
    degree = np.asarray(touched.sum(axis=0)).ravel()
    alike = (degree * (degree - 1)).sum() / max(degree.sum(), 1.0) ** 2
    shared = _common(touched, touched, one, other)
    expected = np.maximum(activity[one] * activity[other] * alike, 1e-12)
    with np.errstate(divide="ignore"):  # a chance too small for a float is 0
        bits = -np.log(pdtrc(np.maximum(shared - 1, 0), expected)) / np.log(2.0)
    there = (activity[one] > 0) & (activity[other] > 0)
    found: NDArray[np.int64] = np.select(
        [~there, shared == 0, bits < UNLIKELY[0], bits < UNLIKELY[1]], [0, 1, 2, 3], 4
    )
    return found


def _crowd(texts: Texts, source: Ints32, target: Ints32, levels: NDArray[np.int8]) -> Floats:
    """Return of each pair with one handle and different names the share of further people who have that handle too.

    A handle that many people have (`root`, `info`) says that they are one operator as little as a common name does,
    however seldom it is the whole of an address. Holders whose names agree are one person.
    """
    same = np.isin(levels[:, 1], (ADDRESS, HANDLE, HANDLE_ONE))
    agree = same & np.isin(levels[:, 0], (SAME, SAME_ONE, PART, SOME))
    accounts = texts.mail_whole.shape[0]
    people = label_components(accounts, source[agree], target[agree])
    account, handle = texts.mail_whole.tocoo().coords
    pairs = pl.DataFrame({"handle": handle, "person": people[account]}).unique()
    count = np.bincount(pairs["handle"].to_numpy(), minlength=texts.mail_whole.shape[1])
    holders = np.zeros(accounts, dtype=np.int64)
    np.maximum.at(holders, account, count[handle])
    several = np.maximum(np.maximum(holders[source], holders[target]), 2)
    found: Floats = np.where(same & ~agree, (several - 2) / several, 0.0)
    return found


def _held(matrix: csr_array, one: Ints32, other: Ints32) -> tuple[Floats, Floats, Floats]:
    """Return tokens that both of each pair have, and how many the one with fewer has, and the one with more."""
    size = np.asarray(matrix.sum(axis=1)).ravel()
    return (
        _common(matrix, matrix, one, other),
        np.minimum(size[one], size[other]),
        np.maximum(size[one], size[other]),
    )


def _common(first: csr_array, second: csr_array, one: Ints32, other: Ints32) -> Floats:
    found: Floats = np.asarray(first[one].multiply(second[other]).sum(axis=1)).ravel()
    return found


def _shares(first: csr_array, second: csr_array, one: Ints32, other: Ints32) -> Flags:
    found: Flags = _common(first, second, one, other) > 0
    return found


def _any(matrix: csr_array, rows: Ints32) -> Flags:
    found: Flags = np.diff(matrix.indptr)[rows] > 0
    return found


def _matrix(row: NDArray[np.integer], column: NDArray[np.integer], shape: tuple[int, int]) -> csr_array:
    return to_binary(coo_array((np.ones(len(row)), (row, column)), shape).tocsr())


def _uses(graph: SignalGraph, which: Flags) -> csr_array:
    """Return who uses which of some signals; of shape (accounts, signals)."""
    rows = which[graph.signal]
    return _matrix(graph.account[rows], graph.signal[rows], (graph.accounts.height, graph.signals.height))
