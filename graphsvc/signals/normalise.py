"""Normalisers: a column of raw text in, a column of comparable text out (null where nothing is left)."""

import unicodedata

import idna
import polars as pl

NO_WORD = r"[^\p{L}\p{N}]+"
NO_LETTERS = r"[^\p{L}]+"
DOMAIN = r"@([^@\s]+)$"
LOCAL, BEFORE_TAG, AFTER_NUMBER = r"^([^@]+)", r"^([^+]+)", r"^\P{L}*\+(.*\p{L}.*)$"
ODD_DOMAIN = r"[^\x00-\x7F]|(?:^|\.)xn--"
NO_DIGITS, ABROAD = r"\D+", "^00"
"""Patterns that both ways to read a value share: columns here, and one by one in `scoring.scalars`."""
LEAST_LETTERS, LEAST_DIGITS = 4, 7
"""Letters of a mailbox and digits of a phone number from which they are evidence: shorter ones are shared by chance."""


def _clear_empty(expr: pl.Expr) -> pl.Expr:
    return pl.when(expr.str.len_bytes() > 0).then(expr)


def keep_value(expr: pl.Expr) -> pl.Expr:
    """Return the value unchanged. Its table's validator has made it canonical."""
    return expr


def strip_text(expr: pl.Expr) -> pl.Expr:
    """Return the text without surrounding white space; everything else is a difference."""
    return _clear_empty(expr.str.strip_chars())


def normalize_name(expr: pl.Expr) -> pl.Expr:
    """Return names without case, accents of composition, punctuation and double spaces."""
    # NFKC first: full-width and ligature forms fold to the letters that people take them for.
    folded = expr.str.normalize("NFKC").str.to_lowercase().str.replace_all(NO_WORD, " ")
    return _clear_empty(folded.str.strip_chars())


def normalize_email_domain(expr: pl.Expr) -> pl.Expr:
    """Return what stands behind the last @, in lower case, in Unicode and without the dot that ends a full domain.

    One domain in punycode, in Unicode, composed or decomposed, is one (IDNA 2008, RFC 5891; mapped as UTS 46 has it).
    """
    domain = expr.str.to_lowercase().str.extract(DOMAIN).str.strip_chars_end(".")
    return _clear_empty(domain.map_batches(_convert_domains, return_dtype=pl.String))


def _convert_domains(domains: pl.Series) -> pl.Series:
    odd = domains.str.contains(ODD_DOMAIN).fill_null(value=False)
    if not odd.any():
        return domains
    # Almost all domains are plain ASCII. Only the others go through Python, each distinct one once.
    where = odd.arg_true()
    distinct = domains.gather(where).unique()
    unified = pl.Series([convert_domain(domain) for domain in distinct], dtype=pl.String)
    return domains.scatter(where, domains.gather(where).replace_strict(distinct, unified))


def convert_domain(domain: str) -> str:
    """Return a domain in Unicode; labels that IDNA does not allow are only composed and folded."""
    try:
        # Without the rules of STD 3: domains with an underscore exist in mail, and must still compare equal.
        mapped = idna.uts46_remap(domain, std3_rules=False, transitional=False)
    except idna.IDNAError:
        mapped = unicodedata.normalize("NFKC", domain).lower()
    return ".".join(_convert_label(label) for label in mapped.split("."))


def _convert_label(label: str) -> str:
    if label.isascii() and not label.startswith("xn--"):
        return label
    try:
        # Through ASCII and back, which is what makes different spellings of a label one.
        return idna.ulabel(label if label.isascii() else idna.alabel(label))
    except (idna.IDNAError, UnicodeError):
        return label


def normalize_email_handle(expr: pl.Expr) -> pl.Expr:
    """Return the letters of the local part before any +tag, so that `j.smith+7` and `jsmith12` agree.

    With fewer than four letters, as in numbered mailboxes, keep letters and digits. With fewer than four of
    these, return null.
    """
    local = _extract_local_part(expr)
    letters, both = (local.str.replace_all(pattern, "") for pattern in (NO_LETTERS, NO_WORD))
    return (
        pl.when(letters.str.len_chars() >= LEAST_LETTERS).then(letters)
        .when(both.str.len_chars() >= LEAST_LETTERS).then(both)
    )  # fmt: skip


def _extract_local_part(expr: pl.Expr) -> pl.Expr:
    """Return the local part without its +tag, in lower case.

    Services that number their users write `4711+jane@users.example`: where no letter stands before the +, what follows
    it is the person's.
    """
    local = expr.str.normalize("NFC").str.to_lowercase().str.extract(LOCAL)
    return pl.coalesce(local.str.extract(AFTER_NUMBER), local.str.extract(BEFORE_TAG))


WHOLE, FORM, INITIAL = "=", "~", "^"
"""What marks all words in one, some of them in one, and some of them in one of which one is an initial."""
MARKS = WHOLE + FORM + INITIAL
_PLAIN = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ß": "ss", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
"""Latin letters that Unicode does not decompose, as people write them in e-mail addresses."""
_LONGEST_NAME = 5
"""Words of a name up to which neighbours are written in one."""


def split_name(names: pl.Series) -> pl.DataFrame:
    """Split display names into words that are hashed one by one.

    Args:
        names: String, n rows.

    Returns:
        `row` (Int64, place in `names`), `mark` and `word` (String), each once. Words of two letters and more;
        all words in one, marked `WHOLE`; and the common ways to write a name in one word, for comparison with
        the local part of an e-mail address. For `Jane van Doe` these are `janevan`, `vandoe`, `janedoe` and
        `doejane`, marked `FORM`, and `jdoe`, `doej`, `janed`, `djane` and `jvandoe`, marked `INITIAL`.
    """
    words = names.to_frame("text").select(
        words=_remove_accents(normalize_name(pl.col("text"))).str.extract_all(r"\p{L}+")
    )
    words = words.with_row_index("row").with_columns(
        first=pl.col("words").list.first(), last=pl.col("words").list.last(),
        many=pl.col("words").list.len(), whole=pl.col("words").list.join(""),
    )  # fmt: skip
    several = words.filter(pl.col("many") > 1).with_columns(
        one=pl.col("first").str.slice(0, 1), other=pl.col("last").str.slice(0, 1),
        rest=pl.col("words").list.slice(1).list.join(""),
    )  # fmt: skip
    parts = [_expand_words(words, "", pl.col("words")), _expand_words(words, WHOLE, pl.col("whole"))]
    for two in (("first", "last"), ("last", "first")):
        parts.append(_expand_words(several, FORM, pl.concat_str(two)))
    # How mail addresses are built of names in practice: jdoe, doej, janed, djane, jvandoe.
    for two in (("one", "last"), ("last", "one"), ("first", "other"), ("other", "first"), ("one", "rest")):
        parts.append(_expand_words(several, INITIAL, pl.concat_str(two)))
    for size in (2, 3):
        for at in range(_LONGEST_NAME - size + 1):
            within = several.filter(pl.col("many") >= at + size)
            parts.append(_expand_words(within, FORM, pl.col("words").list.slice(at, size).list.join("")))
    return _drop_short(parts)


def split_email(emails: pl.Series) -> pl.DataFrame:
    """Split the local parts of e-mail addresses into words of two letters and more, and the handle as `WHOLE`.

    Args:
        emails: String, n rows.

    Returns:
        As `split_name`.
    """
    words = emails.to_frame("text").select(
        words=_remove_accents(_extract_local_part(pl.col("text"))).str.extract_all(r"\p{L}+"),
        whole=_remove_accents(normalize_email_handle(pl.col("text"))),
    )
    words = words.with_row_index("row")
    return _drop_short(
        [_expand_words(words, "", pl.col("words")), _expand_words(words, WHOLE, pl.col("whole"))]
    )


def _remove_accents(expr: pl.Expr) -> pl.Expr:
    return expr.str.normalize("NFKD").str.replace_all(r"\p{M}+", "").str.replace_many(_PLAIN)


def _expand_words(frame: pl.DataFrame, mark: str, words: pl.Expr) -> pl.DataFrame:
    """Return `words`, a text or a list of texts a row, as one row a word."""
    found = frame.select(pl.col("row").cast(pl.Int64), mark=pl.lit(mark), word=words)
    return found.explode("word") if found["word"].dtype == pl.List else found


def _drop_short(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the words of at least two letters, or of three where they are short forms, each once."""
    # Two letters are enough for a word of a name, as in Li; a joined form of two letters says nothing.
    least = pl.when(pl.col("mark").is_in([FORM, INITIAL])).then(3).otherwise(2)
    return (
        pl.concat(parts).filter(pl.col("word").str.len_chars() >= least).unique().sort("row", "mark", "word")
    )


def normalize_phone(expr: pl.Expr) -> pl.Expr:
    """Return the digits, without a leading international 00; null for fewer than seven."""
    digits = expr.str.replace_all(NO_DIGITS, "").str.replace(ABROAD, "")
    return pl.when(digits.str.len_bytes() >= LEAST_DIGITS).then(digits)
