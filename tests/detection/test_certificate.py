"""Promise: a run can be proved: its certificate is signed, and to do it again gives the same, whatever came since."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from graphs import ring_bundle, write_bundle

from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.engines import Engine, build_detector
from graphsvc.detection import detect
from graphsvc.errors import NotFound, VerificationError
from graphsvc.loading import load_bundle
from graphsvc.model.certificate import Certificate
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer, verify_signature
from graphsvc.store import Store
from graphsvc.store.graph import read_graph
from graphsvc.store.snapshots import Snapshots
from graphsvc.verification import Verdict, verify_run

OURS, THEIRS = Signer(bytes(range(32))), Signer(bytes(range(1, 33)))


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "runs", 2)


@pytest.fixture
def loaded(database: Store, tokens: Tokeniser, tmp_path: Path) -> Store:
    load_bundle(database, ring_bundle(tmp_path / "bundle", singles=150), tokens, tmp_path / "dead")
    return database


def run(
    store: Store,
    snapshots: Snapshots | None,
    signer: Signer | None = OURS,
    engine: Engine = Engine.INPROCESS,
    **parameters: object,
) -> str:
    detector = build_detector(engine, store.driver, store.address.database)
    chosen = Parameters(**parameters)  # type: ignore[arg-type]
    return detect(store, detector, chosen, signer=signer, snapshots=snapshots).run.id


def verified(
    store: Store,
    run: str,
    snapshots: Snapshots,
    signer: Signer = OURS,
    engine: Engine = Engine.INPROCESS,
) -> Verdict:
    detector = build_detector(engine, store.driver, store.address.database)
    return verify_run(store, run, detector, signer, snapshots)


def said(verdict: Verdict) -> dict[str, bool | None]:
    return {check.name: check.holds for check in verdict.checks}


def load_more(store: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    late = [{"account_id": "late", "created_at": "2026-03-25T09:00:00Z"}]
    load_bundle(store, write_bundle(tmp_path / "late", accounts=late), tokens, tmp_path / "dead")


@pytest.mark.parametrize("engine", list(Engine))
def test_a_run_done_again_is_the_same(loaded: Store, snapshots: Snapshots, engine: Engine) -> None:
    # What decides a result is in the certificate: other parameters than the defaults are found again too.
    first = run(loaded, snapshots, engine=engine, seed=7, window=365, time=("signup",), min_score=0.01)
    verdict = verified(loaded, first, snapshots, engine=engine)
    assert verdict.holds
    assert set(said(verdict).values()) == {True}
    assert verdict.certificate.parameters["window"] == 365
    assert verdict.certificate.clusters == 2


def test_it_is_the_same_after_later_loads_as_long_as_its_graph_is_kept(
    loaded: Store, snapshots: Snapshots, tokens: Tokeniser, tmp_path: Path
) -> None:
    first = run(loaded, snapshots)
    load_more(loaded, tokens, tmp_path)
    assert verified(loaded, first, snapshots).holds
    nothing = Snapshots(tmp_path / "elsewhere", 0)
    with pytest.raises(VerificationError, match="has changed since"):
        verified(loaded, first, nothing)
    # Without a copy the database's graph will do where it is still the same.
    second = run(loaded, nothing)
    assert verified(loaded, second, nothing).holds
    assert not (tmp_path / "elsewhere").exists()


def test_only_the_graphs_of_the_last_runs_are_kept(
    loaded: Store, snapshots: Snapshots, tmp_path: Path
) -> None:
    (tmp_path / "runs" / ".draft-of-a-run-that-was-killed").mkdir(parents=True)
    runs = [run(loaded, snapshots) for _ in range(3)]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(runs[1:])
    assert snapshots.load(runs[0]) is None
    kept = snapshots.load(runs[2])
    assert kept is not None
    assert kept.fingerprint() == read_graph(loaded).fingerprint()


def test_a_signature_is_of_one_certificate_and_one_key(loaded: Store, snapshots: Snapshots) -> None:
    first = run(loaded, snapshots)
    record = loaded.read("export/run", id=first)[0]["run"]
    assert verify_signature(record["certificate"], record["signature"], OURS.public)
    assert not verify_signature(record["certificate"] + " ", record["signature"], OURS.public)
    assert not verify_signature(record["certificate"], record["signature"], THEIRS.public)
    assert not verify_signature(record["certificate"], "not hex", OURS.public)
    assert Certificate.from_json(record["certificate"]).to_json() == record["certificate"]
    # Another installation can check it, and says that it is not its own.
    assert said(verified(loaded, first, snapshots, THEIRS))["signature"] is None
    unsigned = run(loaded, snapshots, None)
    verdict = verified(loaded, unsigned, snapshots)
    assert (said(verdict)["signature"], verdict.holds) == (None, True)


CHANGES: dict[str, set[str]] = {
    "certificate": {"signature"},
    "record": {"record"},
    "member": {"stored"},
    "result": {"signature", "record", "stored", "result"},
}
"""What somebody changes afterwards, and the checks that tell of it."""


def test_what_was_changed_afterwards_shows(loaded: Store, snapshots: Snapshots) -> None:
    for change, wrong in CHANGES.items():
        first = run(loaded, snapshots)
        text = loaded.read("export/run", id=first)[0]["run"]["certificate"]
        certificate = Certificate.from_json(text)
        forged = {
            "certificate": text.replace('"links":', '"links":1'),
            "result": text.replace(certificate.result_hash, "0" * 64),
        }
        loaded.write(
            "tests/tamper",
            run=first,
            certificate=forged.get(change),
            seed=43 if change == "record" else None,
            membership=0.7654 if change == "member" else None,
        )
        verdict = verified(loaded, first, snapshots)
        assert not verdict.holds
        assert {name for name, holds in said(verdict).items() if holds is False} == wrong, change


def test_a_run_that_is_not_there_or_published_nothing_is_said_to_be_so(
    loaded: Store, snapshots: Snapshots
) -> None:
    with pytest.raises(NotFound, match="no run 'r-unknown'"):
        verified(loaded, "r-unknown", snapshots)


# The tests of a process of pytest-xdist run on one thread or few: another number is what could differ.
@pytest.mark.parametrize("threads", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_one_thread_or_two_make_no_difference(loaded: Store, tmp_path: Path, threads: str) -> None:
    address = loaded.address
    environment = {
        **os.environ,
        "POLARS_MAX_THREADS": threads,
        "GRAPHSVC_DATA_DIR": str(tmp_path / "data"),
        "GRAPHSVC_NEO4J_URI": address.uri,
        "GRAPHSVC_NEO4J_USER": address.user,
        "GRAPHSVC_NEO4J_PASSWORD": address.password.get_secret_value(),
    }
    first = run(loaded, None)
    command = [sys.executable, "-m", "graphsvc", "verify", first]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "result     holds" in done.stdout
    # The certificate was signed with another key than that of this fresh installation.
    assert "another installation's key" in done.stdout
