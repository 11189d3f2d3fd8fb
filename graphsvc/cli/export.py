"""`graphsvc export`: the published result as tables."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings
from graphsvc.exchange.tlp import Tlp

if TYPE_CHECKING:
    import polars as pl

    from graphsvc.model.clusters import Assessment

app = typer.Typer(no_args_is_help=True, help="Write the published result to a file.")


class Assessed(StrEnum):
    """Clusters to write, by what they most likely are."""

    CAMPAIGN = "campaign"
    LIKELY_BUSINESS = "likely-business"
    ALL = "all"

    @property
    def assessments(self) -> "tuple[Assessment, ...]":
        """Return the assessments to read from the database."""
        from graphsvc.model.clusters import Assessment

        return tuple(Assessment) if self is Assessed.ALL else (Assessment[self.name],)


Which = Annotated[
    Assessed,
    typer.Option(
        "--assessment",
        help="Clusters to write: campaigns, likely businesses (coordinated, not hostile), or all.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="File to write; its ending chooses the format.")]


@app.command()
def members(out: Out, assessment: Which = Assessed.CAMPAIGN) -> None:
    """Export members of published campaigns: cluster_id, account_id, membership, cluster_score, status.

    Formats: .parquet, .csv. Sorted by cluster and account; the same result gives the same bytes.
    """
    from graphsvc.database import open_store
    from graphsvc.exchange.tables import check_format, write_table
    from graphsvc.store.published import read_members as read

    # Before the database is opened: a wrong ending should cost nothing.
    check_format(out, (".parquet", ".csv"))
    with open_store(load_settings(), console.print) as store:
        _print_rows(out, write_table(read(store, assessment.assessments), out))


@app.command()
def clusters(out: Out, assessment: Which = Assessed.CAMPAIGN) -> None:
    """Export published campaigns: size, score and its parts, coordination, sign-ups, families, strongest evidence.

    Formats: .parquet, .csv (lists as JSON), .json. Highest score first.
    """
    from graphsvc.database import open_store
    from graphsvc.exchange.tables import check_format, write_table
    from graphsvc.store.published import read_clusters as read

    check_format(out, (".parquet", ".csv", ".json"))
    with open_store(load_settings(), console.print) as store:
        _print_rows(out, write_table(read(store, assessment.assessments), out))


@app.command()
def successions(out: Out) -> None:
    """Export accounts that probably follow a banned one: both, the cluster, probability, delay, evidence.

    Formats: .parquet, .csv (lists as JSON), .json. Most probable first.
    """
    from graphsvc.database import open_store
    from graphsvc.exchange.tables import check_format, write_table
    from graphsvc.store.published import read_successions as read

    check_format(out, (".parquet", ".csv", ".json"))
    with open_store(load_settings(), console.print) as store:
        _print_rows(out, write_table(read(store), out))


@app.command()
def cluster(
    cluster_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a published cluster.")],
    out: Out,
    tlp: Annotated[
        Tlp, typer.Option(help="Marking of a STIX bundle (Traffic Light Protocol 2.0).")
    ] = Tlp.AMBER,
    reason: Annotated[
        str,
        typer.Option(
            help="Why addresses are to be in it as they are; on record. Without: handles and networks."
        ),
    ] = "",
    likely_business: Annotated[
        bool, typer.Option("--likely-business", help="Write a STIX bundle even of a likely business.")
    ] = False,
) -> None:
    """Export one cluster with its evidence: .json (a STIX 2.1 bundle), .csv or .parquet (a row a member).

    The export is recorded in the audit log. A STIX bundle needs the extra `stix`.
    The same cluster gives the same bytes.
    """
    from graphsvc.cli.decide import make_auditor
    from graphsvc.database import open_store
    from graphsvc.exchange.clusters import ENDINGS, export_cluster
    from graphsvc.exchange.tables import check_format, write_bytes
    from graphsvc.signals.veil import load_or_create_veil

    forms = {ending: form for form, ending in ENDINGS.items()}
    check_format(out, tuple(forms))
    with open_store(load_settings(), console.print) as store:
        veil = load_or_create_veil(load_settings())
        written = export_cluster(
            store,
            # An export discloses data, so it is on record even from the command line.
            make_auditor(None),
            veil,
            cluster_id,
            forms[out.suffix],
            tlp=tlp,
            reason=reason.strip(),
            businesses=likely_business,
        )
    write_bytes(written.content, out)
    left = f"; {written.hidden:,} addresses are hidden (--reason)" if written.hidden else ""
    typer.echo(f"{out}: {written.members:,} members{left}")


def _print_rows(out: Path, frame: "pl.DataFrame") -> None:
    typer.echo(f"{frame.height:,} rows: {out}")
