"""One cluster for those outside: chosen by format, behind the veil unless somebody says why not, and on record."""

from dataclasses import dataclass
from enum import StrEnum

from graphsvc.errors import ExportError
from graphsvc.exchange import members, stix, tables
from graphsvc.model.clusters import Assessment
from graphsvc.signals.veil import Veil
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store
from graphsvc.store.exported import ExportedCluster, read_cluster


class Format(StrEnum):
    """What a cluster can be written as."""

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
    """The bytes of an export, its members, and the addresses that are left out of it."""

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
    tlp: stix.Tlp = stix.Tlp.AMBER,
    reason: str = "",
    businesses: bool = False,
) -> ExportedFile:
    """Return a published cluster as bytes; with a reason its addresses are in it as they are.

    The audit log tells who took it out, in which form and why, before anybody has it. A STIX bundle tells others to
    watch for what is in it, so that of a likely business is made only with `businesses`.

    Raises:
        NotFound: no such cluster is published.
        ExportError: the extra `stix` is not installed, or a STIX bundle would be of a likely business.
        DatabaseUnavailable, DatabaseRefused: also when the log cannot be written.
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
    auditor.write(store, "export", cluster, reason=veil.redact_text(reason), details=details)
    return ExportedFile(content, len(exported.members), exported.hidden)


def _build_content(exported: ExportedCluster, form: Format, tlp: stix.Tlp) -> bytes:
    if form is Format.STIX:
        return stix.build_bundle(exported, tlp).encode()
    table = members.build_table(exported)
    return tables.encode_csv(table) if form is Format.CSV else members.encode_parquet(table)
