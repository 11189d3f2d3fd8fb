"""`graphsvc blast`: the impact of an action on accounts, before it is taken."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings


def print_impact(
    cluster: Annotated[
        str | None, typer.Argument(help="Id of a published cluster: all its members.", show_default=False)
    ] = None,
    accounts: Annotated[
        Path | None,
        typer.Option(
            "--accounts",
            help="File of account ids, one a line; lines that begin with # don't count.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(
            "--account", metavar="ID", help="An account; may be given several times.", show_default=False
        ),
    ] = None,
    least_membership: Annotated[
        float, typer.Option(help="Leave out accounts of less membership (0-1).", min=0.0, max=1.0)
    ] = 0.0,
    stages: Annotated[int, typer.Option(help="Stages of the plan.", min=1, max=100)] = 5,
    most_innocents: Annotated[
        float, typer.Option(help="Stop before a stage with more expected false positives.", min=0.0)
    ] = 3.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for programs, with the ids in order.")
    ] = False,
) -> None:
    """Estimate the impact of an action (a ban, say) on accounts. Nothing is changed.

    Shows the expected false positives, collateral accounts on the same addresses, devices and cards, accounts
    that would follow, the rest of each cluster, and a plan in stages that begins with the highest confidence.
    `graphsvc blast CLUSTER --least-membership 0.99 --stages 10`.
    """
    from graphsvc.analysis import impact_sentences
    from graphsvc.analysis.published import read_impact
    from graphsvc.database import open_store
    from graphsvc.store.cluster_files import ClusterFiles
    from graphsvc.store.snapshots import Snapshots

    # typer cannot say that exactly one of three is needed.
    given = [cluster is not None, accounts is not None, bool(account)]
    if sum(given) != 1:
        raise typer.BadParameter("Give a cluster, or --accounts FILE, or --account ID, and one of them only.")
    listed = account or (_read_ids(accounts) if accounts else [])
    here = load_settings()
    with open_store(here, console.print) as store:
        found = read_impact(
            store,
            ClusterFiles(Snapshots(here.runs_dir, here.keep_runs)),
            cluster,
            listed,
            least_membership=least_membership,
            stages=stages,
            most_innocents=most_innocents,
        )
    typer.echo(
        json.dumps(_replace_nan(asdict(found)), indent=2)
        if as_json
        else "\n".join(impact_sentences.describe_impact(found))
    )


def _read_ids(path: Path) -> list[str]:
    """Read ids from a file. Raise BadParameter if it is no text or has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is no text file with an account id a line.") from None
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read ({error.strerror}).") from None
    ids = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not ids:
        raise typer.BadParameter(f"{path} has no account ids.")
    return ids


def _replace_nan(value: Any) -> Any:
    """Return a value with None in place of NaN, which JSON cannot express."""
    if isinstance(value, dict):
        return {key: _replace_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
