"""One cluster as a STIX 2.1 bundle (an OASIS standard), for threat intelligence platforms.

A grouping holds everything. Members are user accounts, seen in one observed-data. Shared signals are
indicators based on it. The strongest links are relationships. Ids are UUIDv5 of the content and times are
those of the run, so the same cluster gives the same bundle. Markings are TLP 2.0.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from graphsvc.campaigns import sentences
from graphsvc.errors import ExportError
from graphsvc.exchange.tlp import Tlp
from graphsvc.model.clusters import Assessment
from graphsvc.store.connection import Row
from graphsvc.store.exported import ExportedCluster

NAMESPACE = UUID("6f1ce0d6-0c5e-5b5b-9d3c-2b8f3f1a7c11")
TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP_CREATED = "2022-10-01T00:00:00.000Z"


MARKINGS = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""The ids that OASIS has given the levels of TLP 2.0."""


def build_bundle(exported: ExportedCluster, tlp: Tlp = Tlp.AMBER) -> str:
    """Build the bundle as JSON. Hidden addresses make no indicators; the grouping's description counts them.

    Raises:
        ExportError: the extra `stix` is not installed.
    """
    try:
        # In an extra, and slow to import.
        import stix2
    except ImportError:
        raise ExportError(
            "STIX bundles need the package stix2.", "Install it: pip install 'graphsvc[stix]'."
        ) from None
    cluster = exported.cluster
    at = _format_time(cluster["publishedAt"])
    marking = MARKINGS[tlp]
    common: dict[str, Any] = {"created": at, "modified": at, "object_marking_refs": [marking]}
    author = stix2.Identity(
        id=_build_id("identity", "graphsvc"),
        name="graphsvc",
        identity_class="system",
        created=at,
        modified=at,
    )
    common["created_by_ref"] = author.id
    accounts = {
        row["account_id"]: stix2.UserAccount(
            # Observables have deterministic ids of their own (STIX 2.1, section 2.9).
            user_id=row["account_id"],
            is_disabled=row["status"] != "active",
            object_marking_refs=[marking],
        )
        for row in exported.members
    }
    seen = stix2.ObservedData(
        id=_build_id("observed-data", cluster["id"]),
        first_observed=_format_time(cluster["firstSeen"]),
        last_observed=_format_time(cluster["lastSeen"]),
        number_observed=1,
        object_refs=[account.id for account in accounts.values()],
        **common,
    )
    confidence = round(100 * cluster["score"])
    # The open vocabularies of STIX 2.1 (10.5, 10.9) have other words for a business than for a suspect.
    business = cluster["assessment"] == Assessment.LIKELY_BUSINESS.value
    activity, context = (
        ("benign", "unspecified") if business else ("anomalous-activity", "suspicious-activity")
    )
    indicators = [
        stix2.Indicator(
            id=_build_id("indicator", f"{cluster['id']}\n{row['key']}"),
            name=sentences.signal(row["key"]),
            description=f"{row['accounts']:,} accounts of the cluster use it; sharing it says {row['bits']:.1f} bits.",
            pattern=pattern,
            pattern_type="stix",
            valid_from=at,
            indicator_types=[activity],
            confidence=confidence,
            **common,
        )
        for row, pattern in _build_patterns(exported.signals)
    ]
    relations = [
        *(_build_relation(stix2, each.id, "based-on", seen.id, "", common) for each in indicators),
        *(
            _build_relation(
                stix2, accounts[row["source"]].id, "related-to", accounts[row["target"]].id,
                f"Evidence for one operator: {row['bits']:.1f} bits.", common,
            )
            for row in exported.links
        ),
    ]  # fmt: skip
    hidden = f" {exported.hidden:,} addresses are left out." if exported.hidden else ""
    grouping = stix2.Grouping(
        id=_build_id("grouping", cluster["id"]),
        name=f"Cluster {cluster['id']}",
        description=f"{cluster.get('summary') or ''}{hidden}".strip(),
        context=context,
        confidence=confidence,
        labels=[cluster["status"], *(["likely-business"] if business else [])],
        object_refs=[seen.id, *(each.id for each in accounts.values()), *(each.id for each in indicators)],
        **common,
    )
    objects = [author, grouping, seen, *accounts.values(), *indicators, *relations]
    made = stix2.Bundle(
        _build_marking(stix2, tlp),
        *objects,
        # With the marking in it: bundles of two levels differ, and must not replace each other.
        id=_build_id("bundle", f"{cluster['id']}\n{at}\n{tlp}"),
        allow_custom=True,
    )
    return str(made.serialize(indent=1))


def _build_patterns(signals: list[Row]) -> Iterator[tuple[Row, str]]:
    """Yield signals with the pattern that finds each. A hidden address has none."""
    for row in signals:
        # STIX patterns quote strings with ' and escape with a backslash (STIX 2.1, section 9.2).
        value = row["value"].replace("\\", "\\\\").replace("'", "\\'")
        if row["kind"] == "ip":
            # A tilde marks a pseudonym. A pattern of it would match nothing, or something else.
            if not row["key"].startswith("ip:~"):
                yield row, f"[ipv{6 if ':' in value else 4}-addr:value = '{value}']"
        elif row["kind"] == "email_domain":
            yield row, f"[domain-name:value = '{value}']"
        else:
            # STIX has no object for a token, so it is a custom one (STIX 2.1, section 11).
            yield row, f"[x-graphsvc-signal:kind = '{row['kind']}' AND x-graphsvc-signal:token = '{value}']"


def _build_relation(
    stix2: Any, source: str, kind: str, target: str, says: str, common: dict[str, Any]
) -> Any:
    more = {"description": says} if says else {}
    name = _build_id("relationship", f"{source}\n{kind}\n{target}")
    return stix2.Relationship(
        id=name, source_ref=source, relationship_type=kind, target_ref=target, **more, **common
    )


def _build_marking(stix2: Any, tlp: Tlp) -> Any:
    extension = {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}}
    return stix2.MarkingDefinition(
        # Fixed by the standard, like the ids: other values would be another marking.
        id=MARKINGS[tlp],
        created=TLP_CREATED,
        name=f"TLP:{tlp.value.upper()}",
        extensions=extension,
    )


def _build_id(kind: str, name: str) -> str:
    return f"{kind}--{uuid5(NAMESPACE, f'{kind}{chr(10)}{name}')}"


def _format_time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
