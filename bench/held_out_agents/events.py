"""The log of all that happens in a world, in flat arrays of numbers."""

from array import array
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.held_out_agents.draws import Draws, Instrument, PromptTemplate, digest

DAY = 86400
"""Seconds of a day."""
Value = TypeVar("Value", bound=Hashable)


class ValueIndex(Generic[Value]):
    """Numbers for values, in the order in which these are first seen."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._numbers: dict[Value, int] = {}

    def get_number(self, value: Value) -> int:
        """Return the number of a value."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class EventTable:
    """Rows of a fixed number of integers."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._numbers = array("q")

    def append(self, *row: int) -> None:
        """Add a row."""
        self._numbers.extend(row)

    def read(self) -> NDArray[np.int64]:
        """Return all rows as a matrix."""
        return np.frombuffer(self._numbers, dtype=np.int64).reshape(-1, self.width)


class EventLog:
    """Sessions, prompts, activity, payments and identifiers of all accounts.

    Accounts are numbers, times are seconds since the start of the calendar.
    """

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self.settings = draws.settings
        self.addresses = ValueIndex[str]()
        self.devices = ValueIndex[str]()
        self.user_agents = ValueIndex[str]()
        self.texts = ValueIndex[str]()
        self.instruments = ValueIndex[Instrument]()
        self.identifiers = ValueIndex[tuple[str, str]]()
        self.sessions = EventTable(6)
        self.prompts = EventTable(5)
        self.activity = EventTable(4)
        self.payments = EventTable(4)
        self.identifier_uses = EventTable(3)

    def add_session(
        self, account: int, address: str, device: str, user_agent: str, time: int, requests: int
    ) -> None:
        """Add a session."""
        self.sessions.append(
            account,
            self.addresses.get_number(address),
            self.devices.get_number(device),
            self.user_agents.get_number(user_agent),
            time,
            requests,
        )

    def add_activity(self, account: int, time: int, requests: int, model: int) -> None:
        """Add the requests of an hour."""
        self.activity.append(account, time // 3600, requests, model)

    def add_prompt(self, account: int, text: int, model: int, time: int, requests: int) -> None:
        """Add a prompt by the number of its text."""
        self.prompts.append(account, text, model, time, requests)

    def add_identifier(self, account: int, meaning: str, value: str, time: int) -> None:
        """Add an identifier where the world has its kind."""
        kind = self.settings.identifier_kinds.get(meaning)
        if kind:
            self.identifier_uses.append(account, self.identifiers.get_number((kind, value)), time)

    def index_text(self, text: str) -> int:
        """Return the number of a prompt's text, or of its fingerprint."""
        return self.texts.get_number(digest(text) if self.settings.has_fingerprints else text)

    def fill_template(
        self, template: PromptTemplate, items: Sequence[str], skeleton_share: float = 0.3
    ) -> int:
        """Return the number of a template's text with one of the items in it.

        In a world of fingerprints a share of the prompts has the fingerprint of the skeleton.
        """
        item = items[int(self.draws.random.random() * len(items))]
        if not self.settings.has_fingerprints:
            return self.texts.get_number(template.text.replace("{slot}", item))
        if self.draws.happens(skeleton_share):
            return self.texts.get_number(template.skeleton)
        return self.texts.get_number(digest(template.skeleton + item))
