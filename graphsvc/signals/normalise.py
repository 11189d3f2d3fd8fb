"""Normalisers: a column of raw text in, a column of comparable text out (null where nothing is left)."""

import polars as pl


def _null_if_empty(expr: pl.Expr) -> pl.Expr:
    return pl.when(expr.str.len_bytes() > 0).then(expr)


def identity(expr: pl.Expr) -> pl.Expr:
    """The value as it is; its table's validator has brought it to canonical form."""
    return expr


def text(expr: pl.Expr) -> pl.Expr:
    """Surrounding white space is not a difference; everything else is."""
    return _null_if_empty(expr.str.strip_chars())


def name(expr: pl.Expr) -> pl.Expr:
    """Names compare without case, accents of composition, punctuation and double spaces."""
    folded = expr.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ")
    return _null_if_empty(folded.str.strip_chars())


def email_domain(expr: pl.Expr) -> pl.Expr:
    """What stands behind the last @, in lower case."""
    return _null_if_empty(expr.str.to_lowercase().str.extract(r"@([^@\s]+)$"))


def email_handle(expr: pl.Expr) -> pl.Expr:
    """The letters of the local part before any +tag, so `j.smith+7` and `jsmith12` agree.

    Of one with fewer than four letters, as numbered mailboxes have, letters and digits; shorter than four characters
    says nothing and yields null.
    """
    local = _local_part(expr)
    letters = local.str.replace_all(r"[^\p{L}]+", "")
    both = local.str.replace_all(r"[^\p{L}\p{N}]+", "")
    return pl.when(letters.str.len_chars() >= 4).then(letters).when(both.str.len_chars() >= 4).then(both)


def _local_part(expr: pl.Expr) -> pl.Expr:
    """Return the local part without its +tag, in lower case.

    Services that number their users write `4711+jane@users.example`: where no letter stands before the +, what follows
    it is the person's.
    """
    local = expr.str.to_lowercase().str.extract(r"^([^@]+)")
    return pl.coalesce(local.str.extract(r"^\P{L}*\+(.*\p{L}.*)$"), local.str.extract(r"^([^+]+)"))


WHOLE, FORM, INITIAL = "=", "~", "^"
"""What marks a word that is all words in one, one that is the first and the last in one, and one that is one of these
with the initial of the other."""
MARKS = WHOLE + FORM + INITIAL
_PLAIN = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ß": "ss", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
"""Latin letters that Unicode does not decompose, as people write them in e-mail addresses."""
_LONGEST_NAME = 5
"""Words of a name up to which neighbours are written in one."""


def words_of_name(expr: pl.Expr) -> pl.Expr:
    """Return the words of a display name, to be hashed one by one.

    Returns:
        List of String. Words of two letters and more; all words in one, marked `WHOLE`; and the ways in which people
        write a name in one, so that it can be compared with the local part of an e-mail address. Of `Jane van Doe`
        these are `janevan`, `vandoe`, `janedoe` and `doejane`, marked `FORM`, and `jdoe`, `doej`, `janed` and `djane`,
        marked `INITIAL`.
    """
    words = _without_accents(name(expr)).str.extract_all(r"\p{L}+")
    first, last = words.list.first(), words.list.last()
    one, other = _initial(first), _initial(last)
    rest = words.list.slice(1).list.join("")
    initials = [INITIAL + form for form in (one + last, last + one, first + other, other + first, one + rest)]
    both = [FORM + form for form in (first + last, last + first)]
    both += [
        FORM + words.list.slice(at, size).list.join("") for size in (2, 3) for at in range(_LONGEST_NAME - 1)
    ]
    forms = pl.concat_list(
        pl.when(words.list.len() > 1).then(form) for form in both + initials
    ).list.drop_nulls()
    return _marked(words, words.list.join(""), forms)


def words_of_email(expr: pl.Expr) -> pl.Expr:
    """Return the words of an e-mail address's local part: those of two letters and more, and its handle as `WHOLE`."""
    words = _without_accents(_local_part(expr)).str.extract_all(r"\p{L}+")
    return _marked(words, _without_accents(email_handle(expr)), pl.lit([], dtype=pl.List(pl.String)))


def _without_accents(expr: pl.Expr) -> pl.Expr:
    return expr.str.normalize("NFKD").str.replace_all(r"\p{M}+", "").str.replace_many(_PLAIN)


def _initial(word: pl.Expr) -> pl.Expr:
    return word.str.slice(0, 1)


def _marked(words: pl.Expr, whole: pl.Expr, forms: pl.Expr) -> pl.Expr:
    long = words.list.eval(pl.element().filter(pl.element().str.len_chars() > 1))
    long_forms = forms.list.eval(pl.element().filter(pl.element().str.len_chars() > 3))
    wholes = pl.concat_list(WHOLE + pl.when(whole.str.len_chars() > 1).then(whole)).list.drop_nulls()
    return pl.concat_list(long, wholes, long_forms).list.unique().list.sort()


def phone(expr: pl.Expr) -> pl.Expr:
    """Digits only, a leading international 00 dropped; fewer than seven digits yield null."""
    digits = expr.str.replace_all(r"\D+", "").str.replace(r"^00", "")
    return pl.when(digits.str.len_bytes() >= 7).then(digits)
