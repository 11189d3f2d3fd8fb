"""Results of a search, with the reason for each."""

from enum import Enum
from typing import Annotated

import strawberry

from graphsvc.api.types.account import Account
from graphsvc.api.types.cluster import Cluster
from graphsvc.api.types.network import AddressRange, AutonomousSystem
from graphsvc.api.types.run import Run
from graphsvc.api.types.signal import Signal


@strawberry.enum(description="Kinds of search results, in the order of the answer.")
class SearchKind(Enum):
    ACCOUNT = strawberry.enum_value("account", description="Accounts.")
    CLUSTER = strawberry.enum_value("cluster", description="Published clusters.")
    RUN = strawberry.enum_value("run", description="Detection runs.")
    SIGNAL = strawberry.enum_value("signal", description="Signals.")
    RANGE = strawberry.enum_value("range", description="Ranges of addresses.")
    SYSTEM = strawberry.enum_value("system", description="Autonomous systems.")


@strawberry.enum(description="Reasons for a search result.")
class Match(Enum):
    ID = strawberry.enum_value("id", description="The text is its id.")
    ID_PREFIX = strawberry.enum_value("id_prefix", description="Its id begins with the text.")
    FORMER_ID = strawberry.enum_value(
        "former_id", description="The text is the id of a cluster that became part of it."
    )
    KEY = strawberry.enum_value("key", description="The text is its key or handle.")
    VALUE = strawberry.enum_value("value", description="The text is its value: a token or a domain.")
    ADDRESS = strawberry.enum_value("address", description="The text is this address.")
    DOMAIN = strawberry.enum_value(
        "domain", description="It is the e-mail domain that the text is or ends with."
    )
    RAW = strawberry.enum_value("raw", description="The text, taken for a value of its kind, has its token.")
    IN_RANGE = strawberry.enum_value("in_range", description="It lies in the range that the text is.")
    HOLDS = strawberry.enum_value("holds", description="It is the range that the text is, or lies in.")
    NUMBER = strawberry.enum_value("number", description="The text is its number.")


Found = Annotated[
    Account | Cluster | Run | Signal | AddressRange | AutonomousSystem,
    strawberry.union("Found", description="An object that a search can find."),
]


@strawberry.type(description="Something that a search found.")
class Hit:
    match: Match = strawberry.field(description="The reason.")
    description: str = strawberry.field(description="The same in a sentence, which never repeats the text.")
    found: Found = strawberry.field(description="The object.")


@strawberry.type(description="The answer of a search.")
class SearchAnswer:
    hits: list[Hit] = strawberry.field(
        description="The results: accounts, clusters, runs, signals, ranges, systems; each by id or key."
    )
    has_more: bool = strawberry.field(description="Whether there is more than was asked for.")
