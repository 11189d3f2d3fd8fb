"""`graphsvc export`: the published result as tables."""

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from graphsvc.cli.progress import console
from graphsvc.exchange.stix import Tlp
from graphsvc.settings import settings

app = typer.Typer(no_args_is_help=True, help="Write the published result to a file.")
Out = Annotated[Path, typer.Option("--out", help="File to write; its ending chooses the format.")]


@app.command()
def members(out: Out) -> None:
    """One row a member of a published cluster: cluster_id, account_id, membership, cluster_score, status.

    Formats: .parquet, .csv. Sorted by cluster and account; the same result gives the same bytes.
    """
    from graphsvc.database import open_store
    from graphsvc.exchange.tables import check_format, write_table
    from graphsvc.store.published import members as read

    check_format(out, (".parquet", ".csv"))
    with open_store(settings(), console.print) as store:
        _done(out, write_table(read(store), out))


@app.command()
def clusters(out: Out) -> None:
    """One row a published cluster: size, score and its parts, first and last sign-up, families, strongest evidence.

    Formats: .parquet, .csv (lists as JSON), .json. Highest score first.
    """
    from graphsvc.database import open_store
    from graphsvc.exchange.tables import check_format, write_table
    from graphsvc.store.published import clusters as read

    check_format(out, (".parquet", ".csv", ".json"))
    with open_store(settings(), console.print) as store:
        _done(out, write_table(read(store), out))


@app.command()
def successions(out: Out) -> None:
    """One row an account that probably follows a banned one: both, the cluster, probability, delay, evidence.

    Formats: .parquet, .csv (lists as JSON), .json. Likeliest first.
    """
    from graphsvc.database import open_store
    from graphsvc.exchange.tables import check_format, write_table
    from graphsvc.store.published import successions as read

    check_format(out, (".parquet", ".csv", ".json"))
    with open_store(settings(), console.print) as store:
        _done(out, write_table(read(store), out))


@app.command()
def cluster(
    cluster_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a published cluster.")],
    out: Out,
    tlp: Annotated[
        Tlp, typer.Option(help="Of a STIX bundle: who may be told (Traffic Light Protocol 2.0).")
    ] = Tlp.AMBER,
    reason: Annotated[
        str,
        typer.Option(
            help="Why addresses are to be in it as they are; on record. Without: handles and networks."
        ),
    ] = "",
) -> None:
    """One cluster with its evidence: .json (a STIX 2.1 bundle), .csv or .parquet (a row a member). On record.

    A STIX bundle needs the extra `stix`. The same cluster gives the same bytes.
    """
    from graphsvc.cli.decide import auditor
    from graphsvc.database import open_store
    from graphsvc.exchange.clusters import ENDINGS, export_cluster
    from graphsvc.exchange.tables import check_format, write_bytes
    from graphsvc.signals.veil import load_or_create_veil

    forms = {ending: form for form, ending in ENDINGS.items()}
    check_format(out, tuple(forms))
    with open_store(settings(), console.print) as store:
        veil = load_or_create_veil(settings())
        written = export_cluster(
            store, auditor(None), veil, cluster_id, forms[out.suffix], tlp=tlp, reason=reason.strip()
        )
    write_bytes(written.content, out)
    left = f"; {written.hidden:,} addresses are hidden (--reason)" if written.hidden else ""
    typer.echo(f"{out}: {written.members:,} members{left}")


def _done(out: Path, frame: pl.DataFrame) -> None:
    typer.echo(f"{frame.height:,} rows: {out}")
