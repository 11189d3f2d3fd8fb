"""`graphsvc whatif`: a cluster without some of its evidence, and its weak points."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings


def print_structure(
    cluster: Annotated[str, typer.Argument(help="Id of a published cluster.", show_default=False)],
    without_signal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="Leave out a signal; may be given several times.", show_default=False
        ),
    ] = None,
    without_family: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILY",
            help="Leave out all signals of a family (payment, network, device …); may be given several times.",
            show_default=False,
        ),
    ] = None,
    without_account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Leave out an account; may be given several times.", show_default=False
        ),
    ] = None,
    smallest: Annotated[
        int,
        typer.Option(help="Accounts that must split off for a signal or an account to be a bridge.", min=1),
    ] = 8,
    side: Annotated[
        int | None,
        typer.Option(
            help="Accounts of either side of the cut; else a fifth of the largest part, no fewer than --smallest.",
            min=1,
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what remains of a cluster without given signals, families or accounts.

    Members are connected as links are made: by a card, device or phone number of few accounts, or by two
    other rare values. Hubs connect no accounts. `graphsvc whatif CLUSTER --without-signal instrument:…` shows
    the parts, with their sizes and their evidence.

    With nothing left out, shows the weak points of the cluster: its bridges (single signals and accounts
    without which a part splits off), the strongest signal, and the smallest evidence, in bits, whose removal
    divides it.
    """
    from graphsvc.analysis import counterfactual_sentences as words
    from graphsvc.analysis import published
    from graphsvc.database import open_store
    from graphsvc.store.cluster_files import ClusterFiles
    from graphsvc.store.snapshots import Snapshots

    signals, families, accounts = without_signal or [], without_family or [], without_account or []
    here = load_settings()
    files = ClusterFiles(Snapshots(here.runs_dir, here.keep_runs))
    with open_store(here, console.print) as store:
        if signals or families or accounts:
            before, after = published.read_parts_without(store, files, cluster, signals, families, accounts)
            what = ", ".join([*signals, *(f"all of {name}" for name in families), *accounts])
            lines = words.describe_exclusion(before, after, what)
            result = {"cluster": cluster, "before": asdict(before), "after": asdict(after)}
        else:
            found = published.read_weak_points(store, files, cluster, smallest, side)
            lines = words.describe_anatomy(found)
            result = {"cluster": cluster, **asdict(found)}
    typer.echo(json.dumps(result, indent=2) if as_json else "\n".join(lines))
