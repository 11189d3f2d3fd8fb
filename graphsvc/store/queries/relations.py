"""Relations of accounts, signals and clusters as the API shows them, and the statements that read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from graphsvc.model.rows import Column
from graphsvc.signals.kinds import family_of
from graphsvc.store.connection import Row
from graphsvc.store.outcomes import StoredOutcome
from graphsvc.store.queries.nodes import Account, Cluster, Run, Signal
from graphsvc.store.queries.query import Query, read_signal

SHOWN = 20
"""Signals that are named of all that two have in common."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """That an account is in a cluster, how surely and why."""

    membership: Annotated[float, "How surely the account belongs to the cluster, 0 to 1."]
    bits: Annotated[float | None, "The sum of its evidence, in bits."]
    since: Annotated[datetime | None, "Since when it is known to belong to it."]
    row: Annotated[Row, Column(lambda row: row)]


@dataclass(frozen=True, slots=True)
class Membership(Belonging):
    """That an account is in a cluster, how surely and why."""

    cluster: Annotated[Cluster, "The cluster."]


@dataclass(frozen=True, slots=True)
class Member(Belonging):
    """An account in a cluster."""

    account: Annotated[Account, "The account."]


@dataclass(frozen=True, slots=True)
class AccountSignal:
    """A signal that an account was seen with."""

    signal: Annotated[Signal, Column(read_signal), "The signal."]
    first_seen: Annotated[datetime | None, "When the account was first seen with it."]
    last_seen: Annotated[datetime | None, "When it was last seen with it."]
    count: Annotated[int | None, "How often: payments, requests or sightings, by the kind."]


@dataclass(frozen=True, slots=True)
class SignalAccount:
    """An account on a signal."""

    account: Annotated[Account, "The account."]
    first_seen: Annotated[datetime | None, "When the account was first seen with the signal."]
    last_seen: Annotated[datetime | None, "When it was last seen with it."]
    count: Annotated[int | None, "How often: payments, requests or sightings, by the kind."]


@dataclass(frozen=True, slots=True)
class SignalCluster:
    """A cluster on a signal."""

    cluster: Annotated[Cluster, "The cluster."]
    accounts: Annotated[int, "Its accounts that use the signal."]


@dataclass(frozen=True, slots=True)
class SharedSignal:
    """A signal that accounts of a cluster share."""

    rank: Annotated[int, "1: the strongest."]
    accounts: Annotated[int, "Accounts of the cluster that use it."]
    share: Annotated[float, "The same as a share of the cluster's accounts, 0 to 1."]
    outside: Annotated[
        int,
        Column(lambda row: max(row["degree"] - row["accounts"], 0)),
        "Accounts that use it and are not of the cluster.",
    ]
    bits: Annotated[float, "Evidence for one operator from sharing it, in bits."]
    signal: Annotated[Signal, Column(read_signal), "The signal."]


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two accounts of a cluster."""

    source: Annotated[Account, "One account; a link has no direction."]
    target: Annotated[Account, "The other account."]
    bits: Annotated[float, "Evidence for one operator behind both, in bits."]
    families: Annotated[list[str], "Families of the signals they share."]
    row: Annotated[Row, Column(lambda row: row)]


@dataclass(frozen=True, slots=True)
class LineageEvent:
    """An event of a cluster in one run."""

    kind: Annotated[str, "The kind of event."]
    cluster_id: Annotated[str, Column("id"), "Id of the cluster it happened to."]
    previous_id: Annotated[
        str | None,
        Column("before"),
        "Id of what it was before: of a split the cluster it came off, of a merger the one it took in.",
    ]
    at: Annotated[datetime, "When the run published it."]
    run_id: Annotated[str, Column("run"), "Id of the run."]
    overlap: Annotated[float, "How much of the smaller is in both, 0 to 1."]
    accounts_in_common: Annotated[int, Column("accounts"), "Accounts before and after."]
    accounts_before: Annotated[int, "Accounts before."]
    accounts_after: Annotated[int, Column("accounts_now"), "Accounts after."]
    signals_in_common: Annotated[int, Column("signals"), "Rare signals before and after."]
    families: Annotated[list[str], "Families of those signals."]
    bits: Annotated[float, "Evidence of those signals together, in bits."]
    description: Annotated[str, Column("says"), "The event in a sentence."]


@dataclass(frozen=True, slots=True)
class Common:
    """A signal that two clusters or accounts have in common."""

    key: Annotated[str, "Its key."]
    kind: Annotated[str, "Its kind."]
    bits: Annotated[float, "Evidence for one operator from sharing it, in bits."]


def sum_strongest(signals: list[Row]) -> float:
    """Sum the bits of shared signals (`kind`, `bits`): families add up, and in a family the strongest counts."""
    best: dict[str, float] = {}
    for signal in signals:
        family = family_of(signal["kind"])
        best[family] = max(best.get(family, 0.0), signal["bits"])
    return sum(best.values())


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A published cluster that shares signals or a past with another."""

    cluster: Annotated[Cluster, "The neighbour."]
    shared: Annotated[
        int,
        Column(lambda row: len(row["signals"])),
        "How many of the signals that hold one together hold both.",
    ]
    bits: Annotated[
        float,
        Column(lambda row: sum_strongest(row["signals"])),
        "Evidence of these together, in bits: families add, within one the strongest counts.",
    ]
    accounts: Annotated[
        int,
        Column(lambda row: max((each["there"] for each in row["signals"]), default=0)),
        "At least so many accounts of the neighbour use one of these signals: those on the one most of "
        "them use.",
    ]
    signals: Annotated[
        list[Common],
        Column(lambda row: row["signals"][:SHOWN]),
        "Those signals, strongest first; 20 at most.",
    ]
    events: Annotated[
        list[str], "The event that connects their histories, for example `SPLIT`: `lineage` says more."
    ]


@dataclass(frozen=True, slots=True)
class Touch:
    """Another account on rare signals of one.

    Attributes:
        account: the other account.
        cluster: that it is in; None: in none.
        signals: maps of key, kind and degree, rarest first.
    """

    account: Account
    cluster: Cluster | None
    signals: list[Row]


@dataclass(frozen=True, slots=True)
class SuccessionPart:
    """The evidence of one kind for a succession."""

    name: Annotated[str, "Its name: a family of signals, or what is seen in time."]
    bits: Annotated[float, "Bits that it adds; negative: evidence against."]


def _read_parts(row: Row) -> list[SuccessionPart]:
    return [SuccessionPart(name, bits) for name, bits in zip(row["parts"], row["part_bits"], strict=True)]


@dataclass(frozen=True, slots=True)
class Succession:
    """That an account probably follows a banned one."""

    successor: Annotated[Account, "The new account."]
    predecessor: Annotated[Account, "The banned one."]
    probability: Annotated[float, "How likely, 0 to 1."]
    false_rate: Annotated[
        float | None, "Share of pairs as likely as this that chance alone would make, 0 to 1."
    ]
    delay_hours: Annotated[float | None, "From ban to sign-up, in hours."]
    bits: Annotated[float, "The evidence in all, in bits."]
    parts: Annotated[list[SuccessionPart], Column(_read_parts), "The parts of the evidence."]
    description: Annotated[str, Column("says"), "The same in a sentence."]


@dataclass(frozen=True, slots=True)
class TimelineBucket:
    """Events in a cluster from one moment to another."""

    begins_at: Annotated[datetime, "When the bucket begins."]
    sign_ups: Annotated[int, "Members that signed up."]
    bans: Annotated[int, "Members that were banned or suspended and still are, by when that was."]
    replacements: Annotated[int, "Those of the sign-ups that probably follow a banned account."]
    chargebacks: Annotated[int, "Chargebacks of members that were reported as outcomes."]
    reinstatements: Annotated[int, "Members reinstated after an appeal, by the outcomes that were reported."]


@dataclass(frozen=True, slots=True)
class TrafficBucket:
    """Requests of a cluster from one moment to another."""

    begins_at: Annotated[datetime, "When the bucket begins."]
    requests: Annotated[int, "Requests of its members."]


@dataclass(frozen=True, slots=True)
class TraitCount:
    """How many members of a cluster have one value."""

    value: Annotated[str | None, "The value; null: not known."]
    accounts: Annotated[int, "Members that have it."]


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """How widely a range or a system is used."""

    addresses: Annotated[int, "Addresses in it that were seen."]
    accounts: Annotated[int, "Accounts seen at these, counted over at most 20,000 uses."]
    uses: int
    """Uses that were walked."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """An event of an identity in one run; `before`: what it was before, as in `model.lineage.EVENTS`."""

    id: str
    before: str | None
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class ClusterPlace:
    """A cluster, and its key in the order of its page."""

    cluster: Cluster
    key: float


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A run, and its key in the order of its page."""

    run: Run
    key: str


ACCOUNT_MEMBERSHIP = Query("query/account_membership", Membership)
ACCOUNT_SIGNALS = Query("query/account_signals", AccountSignal)
ACCOUNT_OUTCOMES = Query("query/account_outcomes", StoredOutcome, "outcome")
ACCOUNT_SUCCESSIONS = Query("query/account_successions", Succession)
ACCOUNT_TOUCHES = Query("query/account_touches", Touch)
ACCOUNTS_COUNTED = Query("query/population", int, "accounts")
CLUSTERS = Query("query/clusters", ClusterPlace)
TOP_CLUSTERS = Query("query/top_clusters", ClusterPlace)
CLUSTERS_COUNTED = Query("query/clusters_counted", int, "clusters")
CLUSTERS_WITH_SIGNAL = Query("query/cluster_ids_with_signal", str, "id")
CLUSTERS_OF_ACCOUNT = Query("query/cluster_ids_of_account", str, "id")
CLUSTERS_THAT_GREW = Query("query/cluster_ids_that_grew", str, "id")
CLUSTERS_JOINED_SINCE = Query("query/cluster_ids_joined_since", str, "id")
CLUSTER_COMPOSITION = Query("query/cluster_composition", TraitCount)
CLUSTER_JOINED = Query("query/cluster_joined", int, "accounts")
CLUSTER_LINEAGE = Query("query/cluster_lineage", LineageEvent)
CLUSTER_LINKS = Query("query/cluster_links", Link)
CLUSTER_MEMBERS = Query("query/cluster_members", Member)
CLUSTER_NEIGHBOURS = Query("query/cluster_neighbours", Neighbour)
CLUSTER_SIGNALS = Query("query/cluster_signals", SharedSignal)
CLUSTER_SIZE_BEFORE = Query("query/cluster_growth", int, "before")
CLUSTER_TIMELINE = Query("query/cluster_timeline", TimelineBucket)
CLUSTER_TRAFFIC = Query("query/cluster_traffic", TrafficBucket)
HUB_ACCOUNTS = Query("query/hub_accounts", SignalAccount)
HUB_CLUSTERS = Query("query/hub_clusters", SignalCluster)
RANGE_USE = Query("query/range_use", NetworkUse)
RUNS = Query("query/runs", RunPlace)
RUN_EVENTS = Query("lineage/run_events", RunEvent)
SIGNAL_ACCOUNTS = Query("query/signal_accounts", SignalAccount)
SIGNAL_CLUSTERS = Query("query/signal_clusters", SignalCluster)
SUCCESSIONS = Query("query/successions", Succession)
SYSTEM_USE = Query("query/system_use", NetworkUse)
