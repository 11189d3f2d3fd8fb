"""`graphsvc outcomes`: record what enforcement did about accounts, list it, and withdraw what was wrong."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli.decide import By, make_auditor
from graphsvc.cli.progress import Stages, console
from graphsvc.cli.reading import Dates, Delimiter, Encoding, NullWords
from graphsvc.cli.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Record what enforcement did about accounts (bans, appeals, chargebacks), list and withdraw it.",
)
SHOWN = 10
"""Accounts that are named when they are unknown; `--json` names all."""


@app.command("record")
def record_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="Table of outcomes: .csv, .ndjson or .parquet, text also .gz. A row an outcome.",
            exists=True,
            dir_okay=False,
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what became of each outcome as JSON, for programs.")
    ] = False,
    by: By = None,
    null_word: NullWords = None,
    dates: Dates = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
) -> None:
    """Record the outcomes in a file. The next detection, its successions and scores read the statuses that follow.

    For example: `graphsvc outcomes record enforcement.csv`, with the columns

        account_id,kind,at,by,reason,outcome_id

    kind is banned, appealed_and_reinstated, chargeback or confirmed_legitimate; reason and outcome_id may be
    missing. The same file once more changes nothing. A bundle can have the same table (`outcomes.csv`).
    """
    from graphsvc.database import open_store
    from graphsvc.errors import NothingLoaded
    from graphsvc.intake.options import make_options
    from graphsvc.intake.outcomes import read_outcomes
    from graphsvc.model.outcomes import OutcomeResult
    from graphsvc.store.outcomes import BATCH, record_outcomes, to_outcomes

    here, person = load_settings(), make_auditor(by)
    options = make_options([*here.null_words.split(","), *(null_word or [])], delimiter, encoding, dates)
    frame, rejected = read_outcomes(file, options)
    outcomes, results = to_outcomes(frame), []
    with Stages() as stages, open_store(here, stages.print_line) as store:
        for start in range(0, len(outcomes), BATCH):
            results += record_outcomes(store, person, outcomes[start : start + BATCH])
            stages.update_stage("outcomes", len(results), len(outcomes))
    if as_json:
        rows = [
            {"outcome_id": each.id, "account_id": each.account, "result": result.value}
            for each, result in zip(outcomes, results, strict=True)
        ]
        typer.echo(json.dumps({"outcomes": rows, "rejected": rejected.to_dicts()}, indent=2))
    else:
        counts = Counter(results)
        named = ", ".join(
            f"{counts[each]:,} {each.replace('_', ' ')}" for each in OutcomeResult if counts[each]
        )
        typer.echo(f"{len(results):,} outcomes: {named or 'none'}.")
    for (column, reason), count in Counter(rejected.select("column", "reason").rows()).items():
        typer.echo(f"{count:,} rows were rejected: {f'{column}: ' if column else ''}{reason}.", err=True)
    strangers = sorted(
        {e.account for e, r in zip(outcomes, results, strict=True) if r is OutcomeResult.UNKNOWN_ACCOUNT}
    )
    if strangers:
        more = f" and {len(strangers) - SHOWN:,} more" if len(strangers) > SHOWN else ""
        typer.echo(
            f"No load has brought these accounts yet: {', '.join(strangers[:SHOWN])}{more}. "
            "Load them, then record the file again.",
            err=True,
        )
    if not {OutcomeResult.RECORDED, OutcomeResult.KNOWN} & set(results):
        raise NothingLoaded(f"No outcome of {file.name} was recorded.", "See above for the reasons.")


@app.command("list")
def list_account(
    account: Annotated[str, typer.Argument(help="Id of an account.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the outcomes of an account, newest first, withdrawn ones included."""
    from graphsvc.database import open_store
    from graphsvc.store.outcomes import list_outcomes

    with open_store(load_settings(), console.print) as store:
        found = list_outcomes(store, account)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2, default=str))
        return
    for each in found:
        said = f"{each.at:%Y-%m-%d %H:%M}  {each.kind}  by {each.by}  {each.id}"
        if each.withdrawn_at:
            said += f", withdrawn by {each.withdrawn_by} {each.withdrawn_at:%Y-%m-%d %H:%M}"
        typer.echo(said + (f": {each.reason}" if each.reason else ""))
    if not found:
        typer.echo("No outcome of it was reported.")


@app.command("withdraw")
def withdraw(
    outcome: Annotated[
        str, typer.Argument(metavar="ID", help="Id of an outcome (`graphsvc outcomes list`).")
    ],
    reason: Annotated[str, typer.Option(help="Why it was wrong; kept in the audit log.")] = "",
    by: By = None,
) -> None:
    """Withdraw an outcome. It stays on record without effect; the account has the status from before it."""
    from graphsvc.database import open_store
    from graphsvc.store.outcomes import withdraw_outcome

    person = make_auditor(by)
    with open_store(load_settings(), console.print) as store:
        found = withdraw_outcome(store, person, outcome, reason.strip())
    typer.echo(f"Outcome {found.id} ({found.kind} of {found.account}) is withdrawn and counts no more.")
