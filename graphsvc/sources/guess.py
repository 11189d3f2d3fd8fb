"""Guess which column of a source is which of the contract: by its name, and by the form of its values."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import dataframely as dy
import numpy as np
import polars as pl

from graphsvc.intake.values import read_values
from graphsvc.model.columns import TIME

ALIASES: dict[str, tuple[str, ...]] = {
    "account_id": ("user_id", "customer_id", "member_id", "uid", "account", "user", "id", "owner_id", "client_id"),
    "created_at": (
        "signup_time", "signup_at", "signed_up_at", "registered_at", "registration_time", "registration_date",
        "creation_time", "created", "create_time", "date_created", "joined_at", "inserted_at", "created_on",
    ),
    "status": ("state", "account_status", "account_state"),
    "status_changed_at": ("status_updated_at", "banned_at", "suspended_at", "status_time", "state_changed_at"),
    "plan": ("tier", "subscription", "plan_name", "product"),
    "country": ("country_code", "billing_country", "signup_country", "region"),
    "email": ("e_mail", "mail", "email_address", "user_email"),
    "phone": ("phone_number", "msisdn", "mobile", "telephone"),
    "display_name": ("name", "full_name", "username", "user_name", "nickname"),
    "organization": ("company", "org", "org_name", "organisation", "company_name"),
    "signup_ip": ("ip", "registration_ip", "ip_address", "created_ip", "reg_ip"),
    "signup_device": ("device", "device_id", "registration_device", "fingerprint"),
    "user_agent": ("ua", "useragent", "browser"),
    "instrument": ("fingerprint", "card_fingerprint", "payment_method", "card_token", "token", "instrument_id"),
    "kind": ("type", "payment_type", "method_type", "identifier_type", "category"),
    "bin": ("iin", "card_bin"),
    "issuer_country": ("card_country", "bank_country", "issuing_country"),
    "first_seen": ("first_seen_at", "started_at", "start_time", "first_used", "first_at", "min_time", "valid_from"),
    "last_seen": ("last_seen_at", "ended_at", "end_time", "last_used", "last_at", "max_time", "valid_to"),
    "payments": ("payment_count", "charges", "n_payments"),
    "ip": ("ip_address", "client_ip", "remote_addr", "client_addr", "address", "source_ip"),
    "asn": ("as_number", "autonomous_system"),
    "device": ("device_id", "device_fingerprint", "hardware_id"),
    "requests": ("request_count", "hits", "n_requests", "calls", "num_requests"),
    "text": ("prompt", "prompt_text", "content", "message", "body"),
    "fingerprint": ("prompt_fingerprint", "prompt_hash", "hash", "digest"),
    "model": ("model_name", "model_id", "engine"),
    "hour": ("hour_start", "bucket", "time_bucket", "ts_hour", "window_start"),
    "cidr": ("network", "range", "prefix", "subnet"),
    "name": ("network_name", "org_name", "isp", "as_name"),
    "network_class": ("class", "type", "category", "usage_type"),
    "value": ("identifier", "val", "identifier_value"),
    "count": ("n", "occurrences", "times", "hits"),
    "at": ("decided_at", "acted_at", "time", "timestamp", "action_time"),
    "by": ("actor", "decided_by", "moderator", "agent", "source"),
    "reason": ("note", "comment", "justification"),
    "outcome_id": ("id", "action_id", "case_id", "ticket"),
}  # fmt: skip
"""Names that exports use for columns of the contract, as the connectors of the trade and our test exports have them."""

_EXACT, _NEAR = 0.97, 0.8
"""Alikeness of names (difflib's ratio) from which one is as good as equal, or probably meant."""
_READ = 0.9
"""Share of the values that must be readable in the form of a column for the form to speak for it."""
_TELLING = frozenset({"ip", "cidr", "email", "country", "choice"})
"""Forms of text that few other columns satisfy; identifiers and free text are satisfied by nearly all."""
_BY_FORM = 0.5  # a form alone is worth less than any likely name
_EARLIEST, _LATEST = 2000, 2100
"""Years between which a column is one of times; other numbers read as seconds since 1970 lie outside."""


class Confidence(StrEnum):
    """Certainty about which column is meant."""

    EXACT = "exact"
    MAPPED = "mapped"
    SURE = "sure"
    LIKELY = "likely"
    GUESS = "guess"


class Guess(NamedTuple):
    """The column of a source that one of the contract was most likely meant as, and how sure that is."""

    theirs: str
    confidence: Confidence


def guess_columns(
    contract: Mapping[str, dy.Column], missing: Sequence[str], sample: pl.DataFrame
) -> dict[str, Guess]:
    """Guess which columns of a sample are the missing ones of a table.

    Args:
        contract: all columns of the table.
        missing: those of them to look for.
        sample: raw columns that are not recognized.

    Returns:
        For some of `missing` a column of the sample, each at most once.
    """
    # Imported here: SciPy's optimizers take long to import, and few processes come to this.
    from scipy.optimize import linear_sum_assignment

    if not missing or not sample.width:
        return {}
    names = [[measure_likeness(theirs, list_names(name)) for theirs in sample.columns] for name in missing]
    forms = [[_fits_form(sample[theirs], contract[name]) for theirs in sample.columns] for name in missing]
    likeness, fits = np.array(names), np.array(forms, dtype=np.float64)
    # A form that is broken speaks against any name; one that only few columns have speaks alone.
    score = np.where(fits < 0, 0.0, np.where(likeness >= _NEAR, likeness, 0.0) + _BY_FORM * fits)
    chosen = {}
    for row, place in np.column_stack(linear_sum_assignment(score, maximize=True)).tolist():
        if score[row, place] <= 0:
            continue
        by_name, by_form = likeness[row, place] >= _NEAR, fits[row, place] > 0
        if likeness[row, place] >= _EXACT or (by_name and by_form):
            confidence = Confidence.SURE
        elif by_name:
            confidence = Confidence.LIKELY
        else:
            confidence = Confidence.GUESS
        chosen[missing[row]] = Guess(sample.columns[place], confidence)
    return chosen


def list_names(column: str) -> tuple[str, ...]:
    """List the names of a column of the contract: its own, and those that exports use."""
    return (column, *ALIASES.get(column, ()))


def measure_likeness(theirs: str, names: Iterable[str]) -> float:
    """Measure how alike a source's name is to the most alike of some names, 0–1."""
    folded = fold_name(theirs)
    return max(difflib.SequenceMatcher(None, fold_name(name), folded).ratio() for name in names)


def fold_name(name: str) -> str:
    """Return a name in lower case without separators: `SignupTime`, `signup-time` and `signup_time` are one."""
    return re.sub(r"[^0-9a-z]+", "", name.lower())


def _fits_form(raw: pl.Series, column: dy.Column) -> float:
    """Return 1 if the values have the form of a column and few others would; 0 if any has it; -1 if they do not."""
    form = (column.metadata or {}).get("form")
    values = raw.drop_nulls()
    if values.dtype == pl.Binary:
        values = values.cast(pl.String, strict=False).drop_nulls()
    if values.is_empty():
        return 0.0
    read = read_values(values, column.dtype, form).values
    good = read.is_not_null()
    if column.dtype == TIME:
        good &= read.dt.year().is_between(_EARLIEST, _LATEST).fill_null(value=False)
        return 1.0 if good.mean() >= _READ else -1.0  # type: ignore[operator]
    rules = column.check if isinstance(column.check, dict) else {}
    for rule in rules.values():
        good &= read.to_frame("value").select(rule(pl.col("value"))).to_series().fill_null(value=False)
    if good.mean() < _READ:  # type: ignore[operator]
        return -1.0
    return 1.0 if form in _TELLING else 0.0
