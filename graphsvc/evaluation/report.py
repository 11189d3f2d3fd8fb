"""An evaluation as text for people."""

from graphsvc.evaluation.metrics import Evaluation, Rate


def _share(rate: Rate) -> str:
    shown = "  –  " if rate.rate is None else f"{rate.rate:.4f}"
    return f"{shown}  ({rate.hits:,} of {rate.of:,})"


def as_text(figures: Evaluation) -> str:
    """One line a figure."""
    lines = [
        f"accounts                 {figures.accounts:,}, of campaigns {figures.campaign_accounts:,}, "
        f"in {figures.clusters:,} clusters {figures.flagged_accounts:,}",
        f"account precision        {_share(figures.precision)}",
        f"account recall           {_share(figures.recall)}",
        f"false positives          {_share(figures.false_positives)}",
        "B-cubed P / R / F        "
        f"{figures.bcubed_precision:.4f} / {figures.bcubed_recall:.4f} / {figures.bcubed_f:.4f}"
        "  (per record, over accounts in a campaign or a cluster)",
        f"campaigns found          {_share(figures.campaigns_found)}  (best Jaccard ≥ 0.5)",
        f"  of 20 accounts or more {_share(figures.campaigns_found_of_20)}",
        f"largest campaign         {figures.hydra or '–'}, {figures.hydra_size:,} accounts: best Jaccard "
        f"{figures.hydra_jaccard:.4f}, in {figures.hydra_fragments} clusters",
        f"largest false cluster    {figures.largest_false_cluster:,}",
    ]
    lines += [f"flagged, decoy {name:<16}  {_share(rate)}" for name, rate in figures.decoys.items()]
    lines += [f"found, role {name:<19}  {_share(rate)}" for name, rate in figures.roles.items()]
    return "\n".join(lines)
