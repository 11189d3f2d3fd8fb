"""Nodes of the graph as the API shows them: accounts, signals, networks, runs and clusters."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from graphsvc.model.clusters import Assessment
from graphsvc.model.decisions import On, Status
from graphsvc.model.rows import Column, parse_row
from graphsvc.store.connection import Row
from graphsvc.store.queries.query import Query, read_signal


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the service that is watched over."""

    id: Annotated[str, "Id of the account, as the exporter names it."]
    created_at: Annotated[datetime, "When it signed up."]
    status: Annotated[str, "Its status."]
    status_changed_at: Annotated[datetime | None, "Since when."]
    plan: Annotated[str | None, "Its plan."]
    country: Annotated[str | None, "ISO 3166 alpha-2."]

    @property
    def subject(self) -> tuple[On, str, str]:
        """Return it as the subject of decisions."""
        return On.ACCOUNT, self.id, ""


@dataclass(frozen=True, slots=True)
class Signal:
    """A value that accounts have in common or could have: an address, a card, a device …"""  # noqa: D415 - the schema says it so

    key: Annotated[
        str,
        "Key of the signal: `kind:value`; of an address a handle, `ip:~…`, that works wherever a key does.",
    ]
    kind: Annotated[str, "Kind, for example `ip`, `instrument`, `device`, `prompt`."]
    value: Annotated[
        str,
        "A domain as it is; of an address the network it is in, /24 or /48; of everything else personal "
        "a token, `keyid.digest`.",
    ]
    degree: Annotated[int, "Accounts that use it, in a cluster or not."]
    network_class: Annotated[
        str | None,
        "Of an address: residential, mobile, hosting, vpn, proxy, cgnat, corporate, education, unknown.",
    ]
    network: Annotated[str | None, "Of an address: name of its network."]
    instrument_kind: Annotated[str | None, "Of a payment instrument: card, bank, wallet …"]
    issuer_country: Annotated[str | None, "Of a payment instrument: ISO 3166 alpha-2."]
    bin: Annotated[str | None, "Of a card: the issuer's number range, 6 to 8 digits."]


@dataclass(frozen=True, slots=True)
class AutonomousSystem:
    """An autonomous system: a network that announces ranges of addresses as its own."""

    asn: Annotated[int, "Its number."]
    name: Annotated[str | None, "Its name."]
    network_class: Annotated[str | None, Column("class"), "The kind of network, for example hosting, mobile."]
    country: Annotated[str | None, "ISO 3166 alpha-2."]


@dataclass(frozen=True, slots=True)
class AddressRange:
    """A range of addresses: /24 of IPv4, /64 of IPv6."""

    cidr: Annotated[str, "The range as CIDR; of IPv6 the /48 that it is in."]
    system: Annotated[
        AutonomousSystem | None,
        "The system that announces it; of several the one of the smallest number. Null: not known.",
    ]
    address: Annotated[str, Column(lambda row: row.get("owner", row.get("address")))]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run that is under way has come."""

    stage: Annotated[
        str, Column(lambda run: run.get("stage") or "starting"), "The current stage, for example `links`."
    ]
    done: Annotated[int, Column(lambda run: run.get("done") or 0), "How much of the stage is done."]
    total: Annotated[
        int, Column(lambda run: run.get("total") or 0), "How much there is to do in it; 0: not known."
    ]
    at: Annotated[
        datetime | None,
        Column("heartbeatAt"),
        "When it was last heard of; long ago: it has died without a word.",
    ]


def _read_progress(run: Row) -> Progress | None:
    return parse_row(Progress, run) if run["status"] == "running" else None


@dataclass(frozen=True, slots=True)
class Run:
    """One detection run, with everything needed to do it again."""

    id: Annotated[str, "Id of the run."]
    status: Annotated[str, "How far it has come."]
    engine: Annotated[str, "The detection engine, for example `gds`."]
    algorithm: Annotated[str, "The community detection algorithm."]
    seed: Annotated[int | None, "Seed of everything random in the run."]
    parameters: Annotated[dict[str, Any], "All parameters of the run."]
    versions: Annotated[dict[str, Any], "Versions of all that took part."]
    thresholds: Annotated[
        dict[str, Any], "Thresholds that it set from its parameters and its input, by name."
    ]
    timings: Annotated[dict[str, Any], "Seconds each stage took."]
    stages: Annotated[
        list[Any],
        Column(lambda run: json.loads(run.get("stages") or "[]")),
        "The cost of each stage: `name`, `seconds`, `rows` that it was about, `peak_bytes` of memory.",
    ]
    started_at: Annotated[datetime, "When it began."]
    finished_at: Annotated[datetime | None, "When it ended."]
    accounts: Annotated[int | None, "Accounts it read."]
    signals: Annotated[int | None, "Signals it read."]
    links: Annotated[int | None, "Links between accounts it weighed."]
    clusters: Annotated[int | None, "Campaigns it found."]
    members: Annotated[int | None, "Accounts in these campaigns."]
    businesses: Annotated[int | None, "Likely businesses it found."]
    business_members: Annotated[int | None, "Accounts in these likely businesses."]
    input_hash: Annotated[str | None, "Hash of what it read: the same graph, the same hash."]
    result_hash: Annotated[str | None, "Hash of what it found: the same result, the same hash."]
    certificate: Annotated[
        str | None,
        "Its certificate, as JSON text: hashes of its input and result, parameters, seed, versions.",
    ]
    signature: Annotated[str | None, "Signature of the certificate's text: Ed25519, 64 bytes as hex."]
    signer: Annotated[str | None, "Public key of who signed it: 32 bytes as hex."]
    error: Annotated[str | None, "The error; null: it did not fail."]
    requested_by: Annotated[
        str | None, "The person who started it over the API; null: it was started elsewhere."
    ]
    progress: Annotated[Progress | None, Column(_read_progress), "How far it is; null: it is not under way."]


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One part of a cluster's score."""

    name: Annotated[str, "Its name, for example `shared`, `lockstep`, `bans`, `prior`."]
    bits: Annotated[float, "Bits that it adds; negative: evidence against."]
    says: Annotated[str, "The observation."]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """One thing that accounts which come back take over."""

    family: Annotated[str, "A family of signals."]
    share: Annotated[float, "Share of the pairs that took it over, 0 to 1."]


@dataclass(frozen=True, slots=True)
class BanWave:
    """Bans within 72 hours of each other."""

    at: Annotated[datetime, "When the first of them was."]
    stopped: Annotated[int, "Accounts banned or suspended."]
    replaced: Annotated[int, "Of these, how many probably came back."]


def _read_taken_over(row: Row) -> list[TakenOver]:
    pairs = zip(row["families"], row["family_shares"], strict=True)
    return [TakenOver(family, share) for family, share in pairs]


def _read_waves(row: Row) -> list[Row]:
    waves = zip(row["wave_at"], row["wave_stopped"], row["wave_followed"], strict=True)
    return [{"at": at, "stopped": stopped, "replaced": replaced} for at, stopped, replaced in waves]


@dataclass(frozen=True, slots=True)
class Turnover:
    """How a cluster replaces its banned, as the run that published it saw it."""

    stopped: Annotated[int, "Members banned or suspended."]
    replaced: Annotated[int, Column("pairs"), "Of these, how many probably came back as another account."]
    by_chance: Annotated[float, "How many of those pairs are expected to be wrong."]
    replacement_rate: Annotated[
        float | None,
        Column("rate"),
        "The rest of the pairs for each of the stopped, 0 to 1; at least so much, since accounts that "
        "take over nothing are not seen. Null: no member was stopped.",
    ]
    outside: Annotated[int, "Followers that are not of the cluster."]
    delay_hours: Annotated[float | None, "From ban to sign-up: the median, in hours."]
    delay_low: Annotated[float | None, "The lower quartile."]
    delay_high: Annotated[float | None, "The upper quartile."]
    half_life_days: Annotated[
        float | None,
        "From sign-up to ban: after so many days half of its accounts were banned. Null: more than half "
        "last.",
    ]
    half_life_at_pace: Annotated[
        float | None,
        "After how many days half will be banned at the present rate of bans; null: there were none.",
    ]
    taken_over: Annotated[
        list[TakenOver], Column(_read_taken_over), "The things that they take over, most frequent first."
    ]
    waves: Annotated[list[BanWave], Column(_read_waves), "When its accounts were banned, and who came back."]
    description: Annotated[str, Column("says"), "The same in a sentence."]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Accounts that one operator seems to run together, as published by the last run: a campaign, or a likely business."""  # noqa: E501

    id: Annotated[str, "Id of the cluster; it keeps it from run to run."]
    score: Annotated[float, "The same as `hostility`."]
    hostility: Annotated[
        float, Column("score"), "How likely it is a campaign, 0 to 1: one operator, against the rules."
    ]
    coordination: Annotated[float, "How likely one operator runs it, 0 to 1, be it a campaign or a business."]
    assessment: Annotated[
        Assessment,
        "Its assessment. `CAMPAIGN`: its hostility reaches the run's `min_score`; else its coordination "
        "reaches the run's `min_coordination`.",
    ]
    size: Annotated[int, "How many accounts are in it, as the run found it."]
    members_forgotten: Annotated[
        int,
        Column(lambda cluster: cluster.get("membersForgotten") or 0),
        "How many of these were forgotten since, and are not members now.",
    ]
    status: Annotated[Status, "Its status, from people's decisions."]
    first_seen: Annotated[datetime | None, "First sign-up of a member."]
    last_seen: Annotated[datetime | None, "Last sign-up of a member."]
    families: Annotated[list[str], "Families of signals that hold it together."]
    bits: Annotated[float | None, "Evidence of all its memberships together, in bits."]
    summary: Annotated[str | None, "Its description, in a sentence."]
    rank: Annotated[int | None, "1: the highest score."]
    published_at: Annotated[datetime | None, "When it was published."]
    before: int | None
    run_id: Annotated[str, Column("run")]
    parts_text: Annotated[str, Column("scoreParts")]
    turnover_text: Annotated[str | None, Column("turnover")]

    @property
    def subject(self) -> tuple[On, str, str]:
        """Return it as the subject of decisions."""
        return On.CLUSTER, self.id, ""

    def parse_parts(self) -> list[ScorePart]:
        """Return the parts that add up to its score."""
        return [ScorePart(**part) for part in json.loads(self.parts_text or "[]")]

    def parse_turnover(self) -> Turnover | None:
        """Return how it replaces its banned; None: the run that found it kept nothing of that."""
        return parse_row(Turnover, json.loads(self.turnover_text)) if self.turnover_text else None


ACCOUNT = Query("query/account_by_id", Account, "account")
CLUSTER = Query("query/cluster_by_id", Cluster, "cluster")
SIGNAL = Query("query/signal_by_key", Signal, read_signal)
RUN = Query("query/run_by_id", Run, "run")
PUBLISHED_RUN = Query("query/published_run", Run, "run")
RANGE_OF_ADDRESS = Query("query/signal_place", AddressRange)
