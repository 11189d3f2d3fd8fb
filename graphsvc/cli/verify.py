"""`graphsvc verify`: verify the result of a run."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from graphsvc.cli.progress import Stages
from graphsvc.cli.settings import load_settings
from graphsvc.errors import VerificationError


def verify_stored_run(
    run: Annotated[str, typer.Argument(help="Id of a run (`graphsvc runs`).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Repeat a run and compare: the same graph, parameters, seed and versions must give the same clusters.

    Checks the signature of the run's certificate, and compares it with the run's record and the stored
    clusters and members. Then it repeats the detection on the run's graph. Snapshots of the last runs are
    kept (GRAPHSVC_KEEP_RUNS); for older runs the graph must be unchanged. Nothing is published. Exit status
    0: all checks hold.
    """
    from graphsvc.database import open_store
    from graphsvc.signing import load_or_create_signer
    from graphsvc.store.engines import open_detector
    from graphsvc.store.runs import read_run
    from graphsvc.store.snapshots import Snapshots
    from graphsvc.verification import verify_run as check

    here = load_settings()
    with Stages() as stages, open_store(here, stages.print_line) as store:
        # The run's own engine: two engines find nearly the same, and not the same.
        engine = read_run(store, run).record["engine"]
        chosen = open_detector(store, engine)
        verdict = check(
            store,
            run,
            chosen,
            load_or_create_signer(here),
            Snapshots(here.runs_dir, here.keep_runs),
            stages.update_stage,
        )
    if as_json:
        content = {
            "run": run,
            "holds": verdict.holds,
            "checks": [asdict(one) for one in verdict.checks],
            "certificate": asdict(verdict.certificate),
        }
        typer.echo(json.dumps(content, indent=2))
    else:
        words = {True: "holds", False: "WRONG", None: "note"}
        for one in verdict.checks:
            typer.echo(f"{one.name:<10} {words[one.holds]:<6} {one.says}")
    if not verdict.holds:
        wrong = ", ".join(one.name for one in verdict.checks if one.holds is False)
        raise VerificationError(f"The run {run} is not what its certificate says: {wrong}.")
    if not as_json:
        typer.echo(f"The run {run} is what its certificate says.")
