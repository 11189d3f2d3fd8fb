"""Verify a run against its certificate: read → check the record → detect again → compare."""

from dataclasses import dataclass

from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.protocol import Detector
from graphsvc.detection import find, library_versions
from graphsvc.errors import VerificationError
from graphsvc.measure import Clock
from graphsvc.model.certificate import Certificate
from graphsvc.model.clusters import hash_result
from graphsvc.model.graph import SignalGraph
from graphsvc.signing import Signer, verify_signature
from graphsvc.store import Store
from graphsvc.store.connection import Row
from graphsvc.store.graph import read_graph
from graphsvc.store.runs import StoredRun, read_run
from graphsvc.store.snapshots import Snapshots
from graphsvc.types import Progress, ignore_progress


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `holds` is None if it could not be checked, or need not hold."""

    name: str
    holds: bool | None
    says: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying a run."""

    certificate: Certificate
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Return whether no check failed."""
        return all(check.holds is not False for check in self.checks)


def verify_run(
    store: Store,
    run: str,
    detector: Detector,
    signer: Signer,
    snapshots: Snapshots,
    progress: Progress = ignore_progress,
) -> Verdict:
    """Check a run's certificate against its record and the stored result, then repeat the detection and compare.

    The graph is the snapshot of the run. Without one it is the graph in the database, if that has not changed
    since.

    Raises:
        NotFound: there is no such run, or it published nothing.
        VerificationError: the run has no certificate, or its graph is no longer available.
        DetectionError, ExportError, DatabaseUnavailable, DatabaseRefused
    """
    stored = read_run(store, run)
    certificate = _parse_certificate(stored.record)
    graph, whence = _read_run_graph(store, certificate, snapshots, progress)
    versions = {**library_versions(), **detector.versions()}
    checks = [
        _check_signature(stored.record, signer),
        _check_record(stored.record, certificate),
        _check_stored(stored, certificate),
    ]
    checks.append(
        Check(
            "graph",
            True,
            f"{whence} is the graph that the run read: {_format_digest(certificate.input_hash)}",
        )
    )
    checks.append(_check_versions(certificate, versions))
    # With the parameters of the certificate, not those of now.
    found, _, _ = find(graph, detector, Parameters.of(certificate.parameters), Clock(), progress)
    again = found.fingerprint(graph)
    same = again == certificate.result_hash
    says = f"finding again gives {found.clusters.height:,} clusters (likely businesses among them) with "
    says += f"{found.members.height:,} members, "
    says += (
        f"the same to the last digit: {_format_digest(again)}"
        if same
        else f"something else: {_format_digest(again)}"
    )
    checks.append(Check("result", same, says))
    return Verdict(certificate, tuple(checks))


def _parse_certificate(record: Row) -> Certificate:
    if not record.get("certificate"):
        raise VerificationError(
            f"The run {record['id']} has no certificate; it was made by an earlier version.",
            "Detect again: every run is certified now.",
        )
    try:
        return Certificate.from_json(record["certificate"])
    except ValueError as error:
        raise VerificationError(
            f"The certificate of the run {record['id']} cannot be read ({error}).",
            "It was changed. Do not trust the run.",
        ) from None


def _read_run_graph(
    store: Store, certificate: Certificate, snapshots: Snapshots, progress: Progress
) -> tuple[SignalGraph, str]:
    kept = snapshots.load(certificate.run)
    graph = kept if kept is not None else read_graph(store, progress)
    if graph.fingerprint() == certificate.input_hash:
        return graph, "what was kept with it" if kept is not None else "what is in the database"
    if kept is not None:
        # A changed copy is a finding, so the database is not tried in its place.
        raise VerificationError("The graph kept with the run is not the one it read.", "It was changed.")
    raise VerificationError(
        "The graph has changed since the run read it, and the copy kept with the run is gone.",
        "Verify one of the last runs, or keep more of them (GRAPHSVC_KEEP_RUNS).",
    )


def _check_signature(record: Row, signer: Signer) -> Check:
    signature, public = record.get("signature"), record.get("signer")
    if not signature or not public:
        return Check("signature", None, "the certificate is not signed")
    # First the signature, then whose it is: a forged one says nothing of its signer.
    if not verify_signature(record["certificate"], signature, public):
        return Check("signature", False, "the signature is not of this certificate")
    if public != signer.public:
        # Not a failure: a restore on another installation has its own key.
        return Check("signature", None, f"signed with another installation's key, {public}")
    return Check("signature", True, f"signed with this installation's key {signer.id}")


def _check_record(record: Row, certificate: Certificate) -> Check:
    compared = {
        "input": ("inputHash", certificate.input_hash),
        "result": ("resultHash", certificate.result_hash),
        "engine": ("engine", certificate.engine),
        "seed": ("seed", certificate.seed),
    }
    wrong = [name for name, (column, value) in compared.items() if record.get(column) != value]
    if record["id"] != certificate.run:
        wrong.append("run")
    if wrong:
        return Check("record", False, f"the run's record says something else of: {', '.join(wrong)}")
    return Check("record", True, "the run's record says what the certificate says")


def _check_stored(stored: StoredRun, certificate: Certificate) -> Check:
    # The hash is computed from the stored rows, not read: someone may have changed the clusters and left the
    # hash.
    same = hash_result(stored.members, stored.scores) == certificate.result_hash
    says = "the clusters and members stored are those that the run found"
    return Check(
        "stored", same, says if same else "the clusters and members stored are not those that the run found"
    )


def _check_versions(certificate: Certificate, versions: dict[str, str]) -> Check:
    names = sorted(certificate.versions.keys() | versions.keys())
    changed = [
        f"{name} {certificate.versions.get(name, 'none')} -> {versions.get(name, 'none')}"
        for name in names
        if certificate.versions.get(name) != versions.get(name)
    ]
    if changed:
        # Other versions may give the same result; only the result decides.
        return Check("versions", None, f"other versions than then: {', '.join(changed)}")
    return Check("versions", True, "the same versions as then")


def _format_digest(digest: str) -> str:
    return digest[:16]
