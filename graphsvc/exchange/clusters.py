"""Export one cluster in a chosen format: with addresses hidden unless there is a reason, and on record."""

from dataclasses import dataclass
from enum import StrEnum

from graphsvc.errors import ExportError
from graphsvc.exchange import members, stix, tables
from graphsvc.exchange.tlp import Tlp
from graphsvc.model.clusters import Assessment
from graphsvc.signals.veil import Veil
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store
from graphsvc.store.exported import ExportedCluster, read_cluster


class Format(StrEnum):
    """Formats of an exported cluster."""

    STIX = "stix"
    CSV = "csv"
    PARQUET = "parquet"


ENDINGS = {Format.STIX: ".json", Format.CSV: ".csv", Format.PARQUET: ".parquet"}
TYPES = {
    Format.STIX: "application/stix+json;version=2.1",
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """The content of an export, its number of members, and the number of addresses that it leaves out."""

    content: bytes
    members: int
    hidden: int


def export_cluster(
    store: Store,
    auditor: Auditor,
    veil: Veil,
    cluster: str,
    form: Format,
    *,
    tlp: Tlp = Tlp.AMBER,
    reason: str = "",
    businesses: bool = False,
) -> ExportedFile:
    """Export a published cluster; with a reason its addresses are shown.

    Args:
        store: the database.
        auditor: records who exported it, the form, and the reason.
        veil: hides addresses.
        cluster: id.
        form: of the file.
        tlp: marking of a STIX bundle.
        reason: why addresses are shown; empty: they are hidden.
        businesses: allow a STIX bundle of a likely business. A bundle tells others to look for its content.

    Raises:
        NotFound: no such cluster is published.
        ExportError: the extra `stix` is not installed, or a STIX bundle would be of a likely business.
        DatabaseUnavailable, DatabaseRefused: also if the log cannot be written.
    """
    exported = read_cluster(store, cluster, None if reason else veil)
    likely = exported.cluster["assessment"] == Assessment.LIKELY_BUSINESS.value
    if form is Format.STIX and likely and not businesses:
        raise ExportError(
            f"The cluster {cluster} is a likely business; a STIX bundle would accuse it.",
            "Export it as CSV or Parquet, or ask for likely businesses (--likely-business, businesses=true).",
        )
    content = _build_content(exported, form, tlp)
    details = {
        "format": form.value,
        "tlp": tlp.value,
        "addresses": bool(reason),
        "members": len(exported.members),
    }
    # Before the content is returned: without a log entry there is no export.
    auditor.write(store, "export", cluster, reason=veil.redact_text(reason), details=details)
    return ExportedFile(content, len(exported.members), exported.hidden)


def _build_content(exported: ExportedCluster, form: Format, tlp: Tlp) -> bytes:
    if form is Format.STIX:
        return stix.build_bundle(exported, tlp).encode()
    table = members.build_table(exported)
    return tables.encode_csv(table) if form is Format.CSV else members.encode_parquet(table)
