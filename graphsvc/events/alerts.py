"""Rules of a file, `alerts.toml`: read and check it, and write one of the webhooks that exist.

The file says which events a target gets, and never its address: that comes from a variable or another file.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from graphsvc.errors import AlertsError, WebhookError
from graphsvc.events.filters import parse_quiet
from graphsvc.files import parse_toml
from graphsvc.model.events import EventType
from graphsvc.model.webhooks import (
    LONGEST_NAME,
    MOST_ACCOUNTS,
    AlertRule,
    EventFilter,
    Webhook,
    WebhookFormat,
)

_ADDRESS_WORDS = frozenset(("address", "url", "uri", "secret", "token", "password"))
"""Fields that people look for, and that no file of rules has."""
_ADDRESS_MARK = "://"
_HEAD = """# Which events go to which target, and when. After a change:
#   graphsvc webhooks apply alerts.toml --dry-run    shows what would change
#   graphsvc webhooks apply alerts.toml              changes it
# An event is sent once to a target, if one of its rules selects it. Addresses are never in this file: a target that
# does not exist yet takes its own from a variable (address_env) or from a file (address_file).
"""
_EXAMPLE = """
# [targets.fraud-channel]
# address_env = "FRAUD_CHANNEL_URL"

# [[rules]]
# name = "large rings, at any hour"
# targets = ["fraud-channel"]
# events = ["cluster.born", "cluster.grown"]
# min_size = 50            # accounts
# min_growth = 10          # new accounts, of cluster.grown
# min_score = 0.9
# followed = true          # only clusters that someone watches or is assigned to
# quiet = "22:00-06:00 Europe/Berlin"
"""


class _Strict(BaseModel):
    # Inputs are not in errors: an address could be among them.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_addresses(cls, given: Any) -> Any:
        found = sorted(_ADDRESS_WORDS & set(given)) if isinstance(given, dict) else []
        if found:
            raise ValueError(
                f"{found[0]} does not belong into this file; write address_env or address_file, which name where it is"
            )
        return given


def _check_name(given: str) -> str:
    """Check a name, which is shown in a line of a list."""
    if not given.isprintable() or given != given.strip():
        raise ValueError("a name is one line, without spaces around it")
    if _ADDRESS_MARK in given:
        raise ValueError("it is an address; give the target a name, and write address_env in its table")
    return given


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_check_name)]


Accounts = Annotated[int, Field(ge=0, le=MOST_ACCOUNTS)]


class FileTarget(_Strict):
    """A target of the file: where the address of a new one is, or which webhook it is."""

    id: str = ""
    """Id of the webhook, if several have its name."""
    address_env: str = ""
    address_file: str = ""
    format: Annotated[WebhookFormat | None, Field(strict=False)] = None

    @field_validator("id", "address_env", "address_file")
    @classmethod
    def _refuse_address(cls, given: str) -> str:
        if _ADDRESS_MARK in given:
            raise ValueError("it is an address; write the name of the variable or file that has it")
        return given

    @model_validator(mode="after")
    def _refuse_two(self) -> "FileTarget":
        if self.address_env and self.address_file:
            raise ValueError("address_env and address_file are both there; keep one of them")
        return self


class FileRule(_Strict):
    """A rule of the file."""

    name: Name
    targets: Annotated[list[Name], Field(min_length=1)]
    events: list[Annotated[EventType, Field(strict=False)]] = []
    min_size: Accounts = 0
    min_growth: Accounts = 0
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    followed: bool = False
    quiet: str = ""

    @field_validator("events")
    @classmethod
    def _check_events(cls, given: list[EventType]) -> list[EventType]:
        if EventType.WEBHOOK_TEST in given:
            raise ValueError("webhook.test is sent by `graphsvc webhooks test` only, and no rule selects it")
        # The order of types means nothing, so the same ones are the same rule.
        return [each for each in EventType if each in given]

    @field_validator("quiet")
    @classmethod
    def _check_quiet(cls, given: str) -> str:
        if _ADDRESS_MARK in given:
            raise ValueError("it is an address, and no hours")
        try:
            if given:
                parse_quiet(given)
        except WebhookError as error:
            raise ValueError(str(error)) from None
        return given

    @property
    def filter(self) -> EventFilter:
        """Return the filter that the rule is."""
        return EventFilter(
            self.events, self.min_size, self.min_growth, self.min_score, self.followed, self.quiet
        )


class _File(_Strict):
    targets: dict[Name, FileTarget] = {}
    rules: list[FileRule] = []


@dataclass(frozen=True, slots=True)
class AlertFile:
    """A file of rules that was checked.

    Attributes:
        name: of the file, for messages.
        targets: by name: those that the file defines, and those that only rules name.
        rules: of each target, by name.
    """

    name: str
    targets: Mapping[str, FileTarget]
    rules: Mapping[str, list[AlertRule]]


def parse_alerts(text: str, name: str) -> AlertFile:
    """Parse a file of rules.

    Args:
        text: TOML.
        name: of the file, for messages.

    Raises:
        AlertsError: it is no TOML, or a rule or target cannot be used. Names file, rule and field, and no address.
    """
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise AlertsError(f"{name} is no TOML: {error}.", "Correct it.") from None
    try:
        found = _File.model_validate(content)
    except ValidationError as error:
        faults = [
            f"{name}, {_name_place(each['loc'], content)}: {_describe_fault(each)}" for each in error.errors()
        ]
        raise AlertsError(
            "; ".join(dict.fromkeys(faults)) + ".", "Correct it; nothing was changed."
        ) from None
    _check_rules(found.rules, name)
    targets = dict(found.targets)
    for rule in found.rules:
        for target in rule.targets:
            targets.setdefault(target, FileTarget())
    rules = {
        target: sorted(
            (AlertRule(each.name, each.filter) for each in found.rules if target in each.targets),
            key=lambda each: each.name,
        )
        for target in targets
    }
    return AlertFile(name, targets, rules)


def _check_rules(rules: Sequence[FileRule], name: str) -> None:
    """Check rules against each other.

    Raises:
        AlertsError: two have one name, or say the same of one target.
    """
    twice = [each for each, count in Counter(rule.name for rule in rules).items() if count > 1]
    if twice:
        raise AlertsError(f"{name}: two rules are named {twice[0]!r}.", "Give one of them another name.")
    for place, rule in enumerate(rules):
        for other in rules[:place]:
            if rule.filter == other.filter and set(rule.targets) & set(other.targets):
                raise AlertsError(
                    f"{name}: the rules {other.name!r} and {rule.name!r} select the same events for the same target.",
                    "Remove one of them; an event is sent once to a target, however many rules select it.",
                )


def _name_place(place: Sequence[int | str], content: Mapping[str, Any]) -> str:
    """Name the rule or target, and the field, that a fault is in."""
    section, *rest = place or ("the file",)
    if section == "rules" and rest and isinstance(rest[0], int):
        found = content["rules"][rest[0]]
        named = found.get("name") if isinstance(found, dict) else None
        is_shown = isinstance(named, str) and _ADDRESS_MARK not in named
        head = f"rule {rest[0] + 1}" + (f" ({named!r})" if is_shown else "")
        rest = rest[1:]
    elif section == "targets" and rest:
        named = str(rest[0])
        head, rest = f"target {'that is an address' if _ADDRESS_MARK in named else named}", rest[1:]
    else:
        head = str(section)
    # Places inside of a field are numbers of its values, or names of pydantic.
    fields = [str(each + 1) if isinstance(each, int) else each for each in rest if each != "[key]"]
    return ", ".join([head, *fields])


def _describe_fault(fault: Mapping[str, Any]) -> str:
    """Describe a fault in words of the file. The value is not shown, since it could be an address."""
    kind, message = fault["type"], str(fault["msg"])
    if kind == "extra_forbidden":
        known = _list_fields(fault["loc"])
        return f"there is no such field; there are {', '.join(known)}"
    if kind == "missing":
        return "the field is missing"
    return message.removeprefix("Value error, ")


def _list_fields(place: Sequence[int | str]) -> list[str]:
    """List the fields that there are where an unknown one was found."""
    kinds: dict[object, type[BaseModel]] = {"rules": FileRule, "targets": FileTarget}
    kind = kinds.get(place[0], _File) if len(place) > 1 else _File
    return list(kind.model_fields)


def format_alerts(webhooks: Sequence[Webhook]) -> str:
    """Format a file of rules that says of each webhook what it gets now, without addresses."""
    if not webhooks:
        return _HEAD + _EXAMPLE
    counts = Counter(each.name for each in webhooks)
    taken: set[str] = set()
    lines = [_HEAD]
    rules: dict[tuple[str, str], tuple[EventFilter, list[str]]] = {}
    for webhook in webhooks:
        name = _make_unique(webhook.name, taken)
        lines.append(f"# {webhook.host}")
        lines.append(f"[targets.{quote_text(name)}]")
        lines += (
            [f"id = {quote_text(webhook.id)}"] if counts[webhook.name] > 1 or name != webhook.name else []
        )
        lines.append(
            '# address_env = "…"  # where the address is, in an installation that has no such target\n'
        )
        own = [AlertRule(name, webhook.filter)] if webhook.rules is None else webhook.rules
        for rule in own:
            # A rule of several targets is one again.
            rules.setdefault((rule.name, repr(rule.filter)), (rule.filter, []))[1].append(name)
    names: set[str] = set()
    for (rule_name, _), (wanted, targets) in rules.items():
        lines += _format_rule(_make_unique(rule_name, names), wanted, targets)
    return "\n".join(lines)


def _format_rule(name: str, wanted: EventFilter, targets: Sequence[str]) -> list[str]:
    plain = EventFilter()
    lines = ["[[rules]]", f"name = {quote_text(name)}", f"targets = [{', '.join(map(quote_text, targets))}]"]
    lines += (
        [f"events = [{', '.join(quote_text(each.value) for each in wanted.types)}]"] if wanted.types else []
    )
    lines += [
        f"{key} = {json.dumps(getattr(wanted, key))}"
        for key in ("min_size", "min_growth", "min_score", "followed")
        if getattr(wanted, key) != getattr(plain, key)
    ]
    lines += [f"quiet = {quote_text(wanted.quiet)}"] if wanted.quiet else []
    return [*lines, ""]


def _make_unique(name: str, taken: set[str]) -> str:
    """Return a name that is not taken yet, and take it."""
    plain = " ".join("".join(each if each.isprintable() else " " for each in name).split())[
        : LONGEST_NAME - 5
    ]
    found, number = plain or "unnamed", 1
    while found in taken:
        number += 1
        found = f"{plain}-{number}"
    taken.add(found)
    return found


def quote_text(text: str) -> str:
    """Quote a text as TOML: its basic strings escape as JSON does, and one character more."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
