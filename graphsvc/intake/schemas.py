"""The contract of each table, as dataframely schemas over typed columns.

Faults are reported in the order of columns and rules. The name of a rule is the reason in the dead-letter
file.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial

import dataframely as dy
import numpy as np
import polars as pl

from graphsvc.intake.emails import DOMAIN
from graphsvc.intake.hosts import normalize_hosts
from graphsvc.model.columns import TIME
from graphsvc.model.outcomes import ID_PATTERN, LONGEST_ID, LONGEST_NAME, LONGEST_REASON, OutcomeKind

_LARGEST_COUNT = 2**53 - 1  # sums of counts stay far from the end of Int64 and exact in JSON
LARGEST_ASN = 2**32 - 1
BIN = "^[0-9]{6,8}$"
LEAST_DIGITS = 7
"""Of a phone number: subscribers have seven; less is an extension or a placeholder."""
_LONGEST_ID = 256
_LONGEST_LABEL = 1024
_LONGEST_VALUE = 65_536

Check = Callable[[pl.Expr], pl.Expr]


def are_card_numbers(texts: pl.Series) -> pl.Series:
    """Return which values are card numbers: 13–19 digits that pass the Luhn check (ISO/IEC 7812-1, annex B).

    Args:
        texts: String, n rows; separators are ignored.

    Returns:
        Boolean, n rows; False for null.
    """
    answer = np.zeros(len(texts), dtype=np.bool_)
    candidates = texts.str.contains(r"^[^\p{L}]{13,}$").fill_null(value=False).arg_true()
    digits = texts.gather(candidates).str.normalize("NFKC").str.replace_all(r"[^0-9]", "")
    fits = digits.str.len_bytes().is_between(13, 19)
    if fits.any():
        padded = "".join(digits.filter(fits).str.zfill(20).to_list())
        matrix = np.frombuffer(padded.encode(), dtype=np.uint8).reshape(-1, 20).astype(np.int64) - ord("0")
        matrix[:, 0::2] *= 2  # every second digit from the right; twenty digits begin with one
        # A doubled digit above 9 counts as the sum of its two digits, which is 9 less.
        total = (matrix - 9 * (matrix > 9)).sum(axis=1)
        answer[candidates.filter(fits).to_numpy()] = total % 10 == 0
    return pl.Series(texts.name, answer)


def _match_pattern(pattern: str) -> Check:
    return lambda column: column.str.contains(pattern)


def _require_one_of(*choices: str) -> Check:
    return lambda column: column.is_in(list(choices))


def _is_no_email(column: pl.Expr) -> pl.Expr:
    return ~column.str.contains(r"[^\s@＠]+[@＠][^\s@＠]+\.[^\s@＠]")


def _is_no_card_number(column: pl.Expr) -> pl.Expr:
    return ~column.map_batches(are_card_numbers, return_dtype=pl.Boolean)


def _make_time(*, nullable: bool = False) -> dy.Datetime:
    return dy.Datetime(nullable=nullable, time_zone=TIME.time_zone, time_unit=TIME.time_unit)


def _make_count(*, nullable: bool = True) -> dy.Int64:
    checks: dict[str, Check] = {
        "negative": lambda column: column >= 0,
        "too_large": lambda column: column <= _LARGEST_COUNT,
    }
    return dy.Int64(nullable=nullable, check=checks)


def _make_asn() -> dy.Int64:
    return dy.Int64(
        nullable=True,
        check={"not_an_asn": lambda column: column.is_between(0, LARGEST_ASN)},
        metadata={"form": "asn"},
    )


def _make_text(
    form: str, *, nullable: bool = True, longest: int = _LONGEST_VALUE, **check: Check
) -> dy.String:
    return dy.String(nullable=nullable, max_length=longest, check=check or None, metadata={"form": form})


def _make_account_id() -> dy.String:
    return _make_text("account", nullable=False, longest=_LONGEST_ID, looks_like_email=_is_no_email)


_label = partial(_make_text, "label", longest=_LONGEST_LABEL)
_country = partial(_make_text, "country", not_a_country=_match_pattern("^[A-Z]{2}$"))


class Row(dy.Schema):
    """Columns that the rows of every table have in addition.

    `row`: 1-based number within the file. `fault`: `column:reason …` of the values that could not be read.
    """

    row = dy.Int64()
    fault = dy.String(nullable=True)

    @dy.rule()
    def fault__unreadable(cls) -> pl.Expr:  # noqa: N805
        """Reject rows with a value that could not be read."""
        return pl.col("fault").is_null()


class Seen(Row):
    """Tables whose rows span a time."""

    @dy.rule()
    def last_seen__before_first_seen(cls) -> pl.Expr:  # noqa: N805
        """Reject spans that end before they begin."""
        return pl.col("last_seen") >= pl.col("first_seen")


class Accounts(Row):
    """Accounts, one row each; `status` is what the operator set, not what this service thinks."""

    account_id = _make_account_id()
    created_at = _make_time()
    status = _make_text("choice", not_one_of=_require_one_of("active", "suspended", "banned", "closed"))
    status_changed_at = _make_time(nullable=True)
    plan = _label()
    country = _country()
    email = _make_text("email")
    phone = _make_text("device", not_a_phone=lambda column: column.str.count_matches(r"\d") >= LEAST_DIGITS)
    display_name = _make_text("text")
    organization = _make_text("text")
    signup_ip = _make_text("ip")
    signup_device = _make_text("device")
    user_agent = _make_text("text")


class Payments(Seen):
    """Payment instruments of accounts: tokens of the payment provider, never card numbers."""

    account_id = _make_account_id()
    instrument = _make_text("identifier", nullable=False, card_number=_is_no_card_number)
    kind = _make_text(
        "choice",
        nullable=False,
        not_one_of=_require_one_of("card", "bank", "wallet", "prepaid", "crypto", "invoice"),
    )
    bin = _make_text("identifier", not_a_bin=_match_pattern(BIN))
    issuer_country = _country()
    first_seen = _make_time()
    last_seen = _make_time()
    payments = _make_count()


class Sessions(Seen):
    """Addresses, devices and user agents that accounts were seen with."""

    account_id = _make_account_id()
    ip = _make_text("ip", nullable=False)
    asn = _make_asn()
    device = _make_text("device")
    user_agent = _make_text("text")
    first_seen = _make_time()
    last_seen = _make_time()
    requests = _make_count()


class Prompts(Seen):
    """Prompts of accounts, as text or as the fingerprint that the exporter computed."""

    account_id = _make_account_id()
    text = dy.String(nullable=True)
    fingerprint = _make_text("identifier")
    model = _label()
    first_seen = _make_time()
    last_seen = _make_time()
    requests = _make_count()

    @dy.rule()
    def text__missing(cls) -> pl.Expr:  # noqa: N805
        """Require a text or a fingerprint."""
        return pl.col("text").is_not_null() | pl.col("fingerprint").is_not_null()

    @dy.rule()
    def fingerprint__beside_text(cls) -> pl.Expr:  # noqa: N805
        """Reject rows with both: the fingerprint would be computed twice, in two ways."""
        return pl.col("text").is_null() | pl.col("fingerprint").is_null()


class Activity(Row):
    """Requests of an account in one hour, by model."""

    account_id = _make_account_id()
    hour = dy.Datetime(
        time_zone=TIME.time_zone,
        time_unit=TIME.time_unit,
        check={"not_start_of_hour": lambda column: column == column.dt.truncate("1h")},
    )
    requests = _make_count(nullable=False)
    model = _label()


class Networks(Row):
    """Ranges of addresses and autonomous systems, with the class of their owner."""

    asn = _make_asn()
    cidr = _make_text("cidr")
    name = _label()
    network_class = _make_text(
        "choice",
        nullable=False,
        not_one_of=_require_one_of(
            "residential", "mobile", "hosting", "vpn", "proxy", "cgnat", "corporate", "education", "unknown"
        ),
    )
    country = _country()

    @dy.rule()
    def cidr__missing(cls) -> pl.Expr:  # noqa: N805
        """Require a range or an autonomous system."""
        return pl.col("asn").is_not_null() | pl.col("cidr").is_not_null()


class Identifiers(Seen):
    """Any other identifier of accounts, or one of the kinds above under its own name."""

    account_id = _make_account_id()
    kind = _make_text("kind", nullable=False)
    value = _make_text("identifier", nullable=False)
    first_seen = _make_time(nullable=True)
    last_seen = _make_time(nullable=True)
    count = _make_count()

    @dy.rule()
    def value__not_an_ip(cls) -> pl.Expr:  # noqa: N805
        """Require that values of the kind `ip` are addresses."""
        return (pl.col("kind") != "ip") | pl.col("value").map_batches(
            normalize_hosts, pl.String
        ).is_not_null()

    @dy.rule()
    def value__not_a_domain(cls) -> pl.Expr:  # noqa: N805
        """Require that values of the kind `email_domain` are domains."""
        return (pl.col("kind") != "email_domain") | pl.col("value").str.contains(rf"^{DOMAIN}\.?$")

    @dy.rule()
    def value__card_number(cls) -> pl.Expr:  # noqa: N805
        """Reject card numbers as values of the kind `instrument`."""
        return (pl.col("kind") != "instrument") | _is_no_card_number(pl.col("value"))


class Outcomes(Row):
    """The actions of enforcement on accounts, and the facts it learned of them later."""

    account_id = _make_account_id()
    kind = _make_text("choice", nullable=False, not_one_of=_require_one_of(*OutcomeKind))
    at = _make_time()
    by = _make_text("label", nullable=False, longest=LONGEST_NAME)
    reason = _make_text("label", longest=LONGEST_REASON, card_number=_is_no_card_number)
    outcome_id = _make_text("label", longest=LONGEST_ID, not_an_id=_match_pattern(ID_PATTERN))


SCHEMAS: dict[str, type[Row]] = {
    "accounts": Accounts,
    "payments": Payments,
    "sessions": Sessions,
    "prompts": Prompts,
    "activity": Activity,
    "networks": Networks,
    "identifiers": Identifiers,
    "outcomes": Outcomes,
}

ONE_OF: dict[str, tuple[str, str]] = {"prompts": ("text", "fingerprint"), "networks": ("asn", "cidr")}
"""Tables of which a file must have at least one of two columns."""

IDENTIFYING = frozenset({("networks", "cidr"), ("prompts", "text"), ("prompts", "fingerprint")})
"""Columns that may be null and yet say what a row is of: a row dies for one that cannot be read.

Of a network without its range only the whole autonomous system would be left."""


@cache
def list_columns(table: str) -> Mapping[str, dy.Column]:
    """Return the columns of a table in the order of the contract, with type and whether they may be null."""
    return {name: c for name, c in SCHEMAS[table].columns().items() if name not in Row.column_names()}
