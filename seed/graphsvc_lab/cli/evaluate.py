"""`graphsvc evaluate`: the published result against a truth table."""

import json
from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli.progress import console
from graphsvc.cli.settings import load_settings


def evaluate_result(
    truth: Annotated[
        Path,
        typer.Option(
            "--truth", help="A bundle's truth table (parquet, csv or ndjson).", exists=True, dir_okay=False
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Evaluate the published result against the truth.

    Shows flagged and missed accounts, found campaigns, the best cluster of the largest campaign, and flagged
    legitimate accounts by kind, with the number that the run stated. Only this command reads the truth; `load`
    never does.
    """
    from graphsvc.database import open_store
    from graphsvc.store.published import read_members
    from graphsvc.store.runs import read_published_run
    from graphsvc_lab.evaluation.metrics import evaluate as score
    from graphsvc_lab.evaluation.report import format_evaluation
    from graphsvc_lab.evaluation.truth import read_truth

    table = read_truth(truth)
    with open_store(load_settings(), console.print) as store:
        figures = score(table, read_members(store))
        run = read_published_run(store)
    ends = "_innocents"
    thresholds = {} if run is None else run.thresholds
    # Runs of earlier versions stated the mean alone.
    stated = {name.removesuffix(ends): said for name, said in thresholds.items() if name.endswith(ends)}
    printed = {**figures.to_dict(), "stated_false_positives": stated}
    typer.echo(json.dumps(printed, indent=2) if as_json else format_evaluation(figures, stated))
