"""An evaluation as text."""

from collections.abc import Mapping
from types import MappingProxyType

from graphsvc_lab.evaluation.metrics import Evaluation
from graphsvc_lab.evaluation.ranking import AtRate
from graphsvc_lab.evaluation.rates import Rate


def _format_share(rate: Rate) -> str:
    shown = "  –  " if rate.rate is None else f"{rate.rate:.4f}"
    return f"{shown}  ({rate.hits:,} of {rate.of:,})"


def _format_recall(point: AtRate) -> str:
    limit = f"{point.limit:.2%} of legitimate accounts"
    if point.recall is None:
        return f"  –      out of reach: those ranked highest are already more than {limit}"
    return f"{_format_share(point.recall)}  flagging at most {limit}{', where the flagged end' if point.ended else ''}"


def format_evaluation(figures: Evaluation, stated: Mapping[str, float] = MappingProxyType({})) -> str:
    """Format an evaluation with one line a figure.

    Args:
        figures: of the published result.
        stated: false positives that the run stated: `likely`, `low`, `high`, `expected`; empty if it did not.
    """
    lines = [
        f"accounts                 {figures.accounts:,}, of campaigns {figures.campaign_accounts:,}, "
        f"in {figures.clusters:,} clusters {figures.flagged_accounts:,}",
        f"account precision        {_format_share(figures.precision)}",
        f"account recall           {_format_share(figures.recall)}",
        f"false positives          {_format_share(figures.false_positives)}",
        *(
            [
                f"  stated by the run      {stated['likely']:,.0f}  (nine runs in ten: {stated['low']:,.0f} to "
                f"{stated['high']:,.0f}; on average {stated['expected']:,.1f})"
            ]
            if "likely" in stated
            else []
        ),
        "B-cubed P / R / F        "
        f"{figures.bcubed_precision:.4f} / {figures.bcubed_recall:.4f} / {figures.bcubed_f:.4f}"
        "  (per record, over accounts in a campaign or a cluster)",
        "  per true group         "
        f"{figures.bcubed_by_campaign_precision:.4f} / {figures.bcubed_by_campaign_recall:.4f} / "
        f"{figures.bcubed_by_campaign_f:.4f}  (the same accounts; each campaign weighs as much as one "
        "legitimate account)",
        f"campaigns found          {_format_share(figures.campaigns_found)}  (best Jaccard ≥ 0.5)",
        f"  of 20 accounts or more {_format_share(figures.campaigns_found_of_20)}",
        *(f"  of {name:<20} {_format_share(rate)}" for name, rate in figures.campaigns_by_size.items()),
        *(f"recall by score          {_format_recall(point)}" for point in figures.recall_at or ()),
        *(
            f"best {k + ' clusters':<18}  {_format_share(rate)}  (most of it one campaign)"
            for k, rate in (figures.top_precision or {}).items()
        ),
        f"largest campaign         {figures.hydra or '–'}, {figures.hydra_size:,} accounts: best Jaccard "
        f"{figures.hydra_jaccard:.4f}, in {figures.hydra_fragments} clusters",
        f"largest false cluster    {figures.largest_false_cluster:,}",
    ]
    lines += [f"flagged, decoy {name:<16}  {_format_share(rate)}" for name, rate in figures.decoys.items()]
    lines += [f"found, role {name:<19}  {_format_share(rate)}" for name, rate in figures.roles.items()]
    if figures.calibration is not None:
        lines.append(
            f"Brier of membership      {figures.calibration.brier:.4f}  ({figures.calibration.members:,} members)"
        )
        lines += [
            f"  said {f'{bin.low:g}–{bin.high:g}':<14}      mean {bin.said:.4f}, right {bin.right:.4f}  "
            f"({bin.members:,} members)"
            for bin in (*figures.calibration.bins[:-1], *figures.calibration.fine)
            if bin.members
        ]
    return "\n".join(lines)
