"""`graphsvc whatif`: a cluster without some of what holds it together."""

import json
from collections.abc import Collection
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.errors import NotFound
from graphsvc.settings import settings

if TYPE_CHECKING:
    from graphsvc.campaigns.counterfactual.held import Held


def whatif(
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
    """What remains of a cluster without given signals, families or accounts.

    Members are connected as links are made: by a card, device or phone number of few, or by two other rare values;
    hubs connect nobody. `graphsvc whatif CLUSTER --without-signal instrument:…` says into which parts it falls, with
    their sizes and what holds each.

    With nothing left out: what holds the cluster together. Its bridges (single signals and accounts without which a
    part splits off), the strongest signal, and the smallest evidence that must go, in bits, to make it two.
    """
    from graphsvc.campaigns.counterfactual import whatif as counterfactual
    from graphsvc.campaigns.counterfactual import whatif_sentences as words
    from graphsvc.database import open_store
    from graphsvc.store.cluster_graph import cluster_graph

    signals, families, accounts = without_signal or [], without_family or [], without_account or []
    with open_store(settings(), console.print) as store:
        held = cluster_graph(store, cluster)
    known(held, signals, families, accounts)
    if signals or families or accounts:
        before = counterfactual.remaining(held)
        after = counterfactual.remaining(held.without(signals, families, accounts))
        what = ", ".join([*signals, *(f"all of {name}" for name in families), *accounts])
        lines = words.without(before, after, what)
        result = {"cluster": cluster, "before": asdict(before), "after": asdict(after)}
    else:
        found = counterfactual.anatomy(held, smallest, side)
        lines = words.anatomy(found)
        result = {"cluster": cluster, **asdict(found)}
    typer.echo(json.dumps(result, indent=2) if as_json else "\n".join(lines))


def known(
    held: "Held", signals: Collection[str], families: Collection[str], accounts: Collection[str]
) -> None:
    """Raises NotFound for what is not in the cluster."""
    there = set(held.families.unique())
    for what, names, has, hint in (
        ("signal that two of its members use", signals, set(held.signals["key"]), ""),
        ("family of what its members share", families, there, f"There are {', '.join(sorted(there))}."),
        ("member", accounts, set(held.members["id"]), ""),
    ):
        if unknown := [name for name in names if name not in has]:
            raise NotFound(
                f"Cluster {held.cluster} has no {what} called {', '.join(unknown)}.",
                hint or f"`graphsvc whatif {held.cluster}` names some of what it is made of.",
            )
