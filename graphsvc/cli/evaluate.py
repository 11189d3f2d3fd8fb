"""`graphsvc evaluate`: the published result against a truth table."""

import json
from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.settings import load_settings


def evaluate_result(
    truth: Annotated[
        Path,
        typer.Option(
            "--truth", help="A bundle's truth table (parquet, csv or ndjson).", exists=True, dir_okay=False
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Score what is published against the truth.

    Accounts flagged and missed, whole campaigns found, the largest campaign's best cluster, and how many innocents of
    each kind were flagged. The truth is read here only; `load` never sees it.
    """
    from graphsvc.database import open_store
    from graphsvc.evaluation.metrics import evaluate as score
    from graphsvc.evaluation.report import format_evaluation
    from graphsvc.evaluation.truth import read_truth
    from graphsvc.store.published import read_members

    table = read_truth(truth)
    with open_store(load_settings(), console.print) as store:
        figures = score(table, read_members(store))
    typer.echo(json.dumps(figures.to_dict(), indent=2) if as_json else format_evaluation(figures))
