"""Promise: the summary of a run says so where more false positives are likely than the budget has, and what to do."""

from dataclasses import asdict

import polars as pl
import pytest

from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.detect import describe_excess, print_outcome
from graphsvc.detection import Outcome
from graphsvc.model.runs import Run
from graphsvc.model.stages import Stage


def outcome_of(likely: float, accounts: int) -> Outcome:
    parameters = Parameters()
    run = Run("r1", "inprocess", parameters.algorithm.value, 42, asdict(parameters), {}, accounts=accounts)
    thresholds = {"membership": 0.5, "likely_innocents": likely, "low_innocents": 0.0, "high_innocents": 9e3}
    stages = [Stage("read", 1.0, 0, 0)]
    return Outcome(
        run, 3, 1_000, 0, 0, 10, stages, {**thresholds, "expected_innocents": likely}, pl.DataFrame(), ""
    )


@pytest.mark.parametrize(
    ("likely", "accounts", "allowed"),
    # Of few accounts three are allowed, or a thousandth of them would be less than one.
    [(38.0, 38_000, "37"), (37.0, 38_000, ""), (3.0, 1_300, ""), (4.0, 1_300, "3")],
)
def test_more_false_positives_than_the_budget_has_are_said(
    likely: float, accounts: int, allowed: str
) -> None:
    says = describe_excess(outcome_of(likely, accounts))
    assert says.startswith(f"That is more than the budget of {allowed}, ") if allowed else says == ""


def test_the_summary_ends_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(outcome_of(2_006.0, 38_000))
    assert capsys.readouterr().out.endswith("Raise --min-score (now 0.5) to publish surer campaigns only.\n")
    print_outcome(outcome_of(2.0, 38_000))
    assert "budget" not in capsys.readouterr().out
