"""The figures of the bench of quality as Markdown."""

from collections.abc import Callable
from typing import Any

from bench.markdown import Row, count_text, grid, rate_text
from bench.measures.evasion import LOST
from bench.measures.table import TRAIN
from bench.report_aims import independent, market, permuted, random_worlds, real, small, subsets
from bench.trials import OURS

INTRODUCTION = """# Quality of detection

Written by `make bench-quality` (`bench/quality.py`); the raw figures are in [quality.json](quality.json). Worlds are
made by `seed` and named scenario:seed:accounts. They are taken through intake and detected in memory, with communities
from GDS in a managed Neo4j, or from the engine that a part names; one part takes a world by the command line and
compares. The worlds {train} are those that choices were made with, and are marked; so were easy:4, quiet:5, framing:16,
sparse-identifiers:5 and sparse-names:6, which are not shown. No choice was made with any world that is not marked.

- **B-cubed F** is averaged over records: the accounts that are in a campaign or in a cluster (Bagga & Baldwin 1998).
  **Per group** is averaged over true groups, in which each innocent in a cluster weighs as much as a whole campaign;
  for graphsvc it comes from er-evaluation, for the baselines from our own (a test holds the two to be equal).
- **Found** means that one cluster has a Jaccard of 0.5 or more with the campaign. **Hydra** is the largest campaign:
  the Jaccard of its best cluster / the number of clusters that hold some of it.
- **Recall at** a false-positive rate ranks accounts by membership × score. "≤" means that fewer innocents than that
  were flagged in all, so the curve ends below; "–" that no threshold keeps the rate.
- **Largest false** is the largest cluster less than half of which is of campaigns.
- Seconds are of the method alone, with the machine's load after it; more than {cores} means others worked there too.
"""


def _worst(row: Row) -> float | None:
    return max((rate["rate"] for rate in row["decoys"].values() if rate["rate"] is not None), default=None)


GOALS: tuple[tuple[str, str, str, Callable[[Row], float | None], float, float], ...] = (
    ("account precision", "≥", ".4f", lambda r: r["precision"]["rate"], 0.98, 0.99),
    ("account recall", "≥", ".4f", lambda r: r["recall"]["rate"], 0.93, 0.99),
    ("false positives", "≤", ".4%", lambda r: r["false_positives"]["rate"], 0.001, 0.0005),
    ("worst decoy class", "≤", ".4%", _worst, 0.01, 0.005),
    ("hydra's Jaccard", "≥", ".4f", lambda r: r["hydra_jaccard"], 0.93, 0.99),
    ("campaigns of 20 found", "≥", ".4f", lambda r: r["campaigns_found_of_20"]["rate"], 0.95, 1.0),
    ("B-cubed F", "≥", ".4f", lambda r: r["bcubed_f"], 0.94, 0.99),
    ("largest false cluster", "≤", ".0f", lambda r: r["largest_false_cluster"], 30, 0),
    ("sleepers' recall", "≥", ".4f", lambda r: r["roles"].get("sleeper", {}).get("rate"), 0.80, 0.97),
)
"""Goals of a hard and of an easy world."""


def as_markdown(result: dict[str, Any], plots: dict[str, str]) -> str:
    """The report of the parts that are there."""
    parts: dict[str, tuple[str, Callable[[list[Row]], list[str]]]] = {
        "table": ("Every method on every world", _table),
        "calibration": ("Calibration", _calibration),
        "framing": ("Framing", _framing),
        "ablation": ("What each family and each step is worth", _ablation),
        "evasion": ("The price of evasion", _evasion),
        "road": ("The full road", _road),
        "random": ("Random worlds", random_worlds),
        "independent": ("Worlds of generators that know nothing of the detection", independent),
        "subsets": ("The same with tables taken away", subsets),
        "permuted": ("Permuted worlds", permuted),
        "market": ("A market of an independent generator", market),
        "real": ("Two public data sets", real),
        "small": ("A small world", small),
    }
    cores = max((part["cores"] for part in result.values()), default=0)
    lines = [INTRODUCTION.format(train=" and ".join(TRAIN), cores=cores)]
    for name, (title, section) in parts.items():
        if name not in result:
            continue
        part = result[name]
        lines += [f"## {title}", ""]
        if name in plots:
            lines += [f"![{title}]({plots[name]})", ""]
        lines += section(part["rows"])
        lines += [
            f"*Measured {part['measured']} at commit {part['commit']}, {part['cores']} cores, {part['seconds']:,} s"
            f"{', engine ' + part['engine'] if 'engine' in part else ''}.*",
            "",
        ]
    return "\n".join(lines)


def _table(rows: list[Row]) -> list[str]:
    heads = [
        "method",
        "precision",
        "recall",
        "false positives",
        "B-cubed F",
        "per group",
        "hydra",
        "found",
        "of ≥ 20",
    ]
    heads += ["recall at .01 %", ".1 %", "1 %", "top 10 / 50 / 100", "largest false", "seconds", "load"]
    lines = []
    for world in dict.fromkeys(row["world"] for row in rows):
        of_world = [row for row in rows if row["world"] == world]
        lines += [f"### {world}{' (train)' if _train(world) else ''}", ""]
        lines += grid(heads, ([_bold(row), *_figures(row)] for row in of_world))
        lines += _verdict(of_world)
    ours = [row for row in rows if row["method"] == OURS]
    return [*lines, *_goals(ours), *_sizes(ours), *_classes(ours)]


def _train(world: str) -> bool:
    """Whether thresholds were chosen with the world, at whatever size."""
    return world.rpartition(":")[0] in {name.rpartition(":")[0] for name in TRAIN}


def _figures(row: Row) -> list[str]:
    per_group = row.get("er_evaluation_bcubed", (0, 0, row["bcubed_by_campaign_f"]))[2]
    at = [_at(point) for point in row["recall_at"] or [None] * 3]
    top = " / ".join(rate_text(rate, ".2f") for rate in (row["top_precision"] or {}).values())
    return [
        rate_text(row["precision"]),
        rate_text(row["recall"]),
        rate_text(row["false_positives"], ".3%"),
        f"{row['bcubed_f']:.3f}",
        f"{per_group:.3f}",
        f"{row['hydra_jaccard']:.3f} / {row['hydra_fragments']}" if row["hydra"] else "–",
        count_text(row["campaigns_found"]),
        count_text(row["campaigns_found_of_20"]),
        *at,
        top or "–",
        f"{row['largest_false_cluster']:,}",
        f"{row['seconds']:.1f}",
        f"{row['load']:.1f}",
    ]


def _verdict(rows: list[Row]) -> list[str]:
    """Whether ours beats every baseline in B-cubed F where it is no less precise."""
    ours = next((row for row in rows if row["method"] == OURS), None)
    if ours is None or not ours["campaign_accounts"]:
        return []
    compared = ours["at_equal_precision"].items()
    lost = {m: c for m, c in compared if c["ours"] is None or c["ours"] <= c["theirs"]}
    if not lost:
        return ["At equal precision graphsvc is above every baseline in B-cubed F.", ""]
    shown = (
        f"{m} ({c['theirs']:.3f} to {'–' if c['ours'] is None else format(c['ours'], '.3f')})"
        for m, c in lost.items()
    )
    return [f"At equal precision graphsvc is not above these in B-cubed F: {'; '.join(shown)}.", ""]


def _goals(rows: list[Row]) -> list[str]:
    """The goals for hard and easy worlds, met or not."""
    judged = [row for row in rows if row["world"].startswith(("hard", "easy")) and not _train(row["world"])]
    if not judged:
        return []
    lines = []
    for name, sign, form, value, hard, easy in GOALS:
        cells = []
        for row in judged:
            goal = easy if row["world"].startswith("easy") else hard
            found = value(row)
            met = found is not None and (found >= goal if sign == "≥" else found <= goal)
            shown = "–" if found is None else f"{found:{form}}"
            cells.append(shown if found is None else f"{shown} {'✓' if met else '✗'}")
        lines.append([f"{name}, {sign} {hard:g} (easy {sign} {easy:g})", *cells])
    return ["### Goals", "", *grid(["goal", *(row["world"] for row in judged)], lines)]


def _sizes(rows: list[Row]) -> list[str]:
    names = list(dict.fromkeys(size for row in rows for size in row["campaigns_by_size"]))
    body = [[row["world"], *(count_text(row["campaigns_by_size"].get(n)) for n in names)] for row in rows]
    return ["### Campaigns that graphsvc finds, by accounts", "", *grid(["world", *names], body)]


def _classes(rows: list[Row]) -> list[str]:
    lines = []
    for title, kind in (
        ("False positives of graphsvc by decoy", "decoys"),
        ("Recall of graphsvc by role", "roles"),
    ):
        names = sorted({name for row in rows for name in row[kind]})
        if names:
            body = [[row["world"], *(rate_text(row[kind].get(n), ".3%") for n in names)] for row in rows]
            lines += [f"### {title}", "", *grid(["world", *names], body)]
    return lines


def _calibration(rows: list[Row]) -> list[str]:
    judged = [row for row in rows if row["calibration"] is not None]
    lines = [
        "A member is right when it is of its cluster's main campaign. None of these campaigns was calibrated on.",
        "",
        *grid(
            ["world", "members", "Brier"],
            (
                [row["world"], f"{row['calibration']['members']:,}", f"{row['calibration']['brier']:.4f}"]
                for row in judged
            ),
        ),
    ]
    members = sum(row["calibration"]["members"] for row in judged)
    if not members:
        return lines
    brier = sum(row["calibration"]["brier"] * row["calibration"]["members"] for row in judged) / members
    body = []
    for bins in zip(*(reliability(row["calibration"]) for row in judged), strict=True):
        if n := sum(b["members"] for b in bins):
            said = sum(b["said"] * b["members"] for b in bins if b["members"]) / n
            right = sum(b["right"] * b["members"] for b in bins if b["members"]) / n
            body.append([f"{bins[0]['low']:g}–{bins[0]['high']:g}", f"{n:,}", f"{said:.4f}", f"{right:.4f}"])
    heads = ["membership", "members", "said", "right"]
    return [*lines, f"All worlds together, Brier {brier:.4f}:", "", *grid(heads, body)]


def reliability(calibration: Row) -> list[Row]:
    """The bins of a calibration, the highest in its finer parts."""
    return [*calibration["bins"][:-1], *calibration["fine"]]


def _framing(rows: list[Row]) -> list[str]:
    heads = [
        "world",
        "victims flagged",
        "the same without framing",
        "other innocents flagged",
        "without framing",
    ]
    heads += ["recall", "without framing"]
    return [
        "Victims are honest accounts that campaigns made cheap links to; the comparison is the same world, the same "
        "accounts, without these links.",
        "",
        *grid(
            heads,
            (
                [
                    row["world"],
                    *(
                        f"{rate_text(row[key], '.3%')} ({count_text(row[key])})"
                        for key in ("victims", "victims_unframed", "others", "others_unframed")
                    ),
                    rate_text(row["recall"]),
                    rate_text(row["recall_unframed"]),
                ]
                for row in rows
            ),
        ),
    ]


def _ablation(rows: list[Row]) -> list[str]:
    heads = [
        "detection",
        "precision",
        "recall",
        "B-cubed F",
        "hydra",
        "found",
        "of ≥ 20",
        "largest false",
        "worst decoy",
    ]
    lines = []
    for world in dict.fromkeys(row["world"] for row in rows):
        body = (
            [
                row["method"],
                rate_text(row["precision"]),
                rate_text(row["recall"]),
                f"{row['bcubed_f']:.3f}",
                f"{row['hydra_jaccard']:.3f} / {row['hydra_fragments']}",
                count_text(row["campaigns_found"]),
                count_text(row["campaigns_found_of_20"]),
                f"{row['largest_false_cluster']:,}",
                "–" if (worst := _worst(row)) is None else f"{worst:.3%}",
            ]
            for row in rows
            if row["world"] == world
        )
        lines += [f"### {world}", "", *grid(heads, body)]
    return lines


def _evasion(rows: list[Row]) -> list[str]:
    lines = [
        "Every campaign reuses one pool, or all of them, for exactly the share given; all else stays as the scenario "
        "has it. Cost is distinct cards, addresses and devices an account, within each campaign, own ones included.",
        "",
    ]
    heads = ["reuse", "recall", "precision", "B-cubed F", "hydra", "found", "cards", "addresses", "devices"]
    for world in dict.fromkeys(row["world"] for row in rows):
        of_world = [row for row in rows if row["world"] == world]
        for dial in dict.fromkeys(row["dial"] for row in of_world):
            points = sorted((row for row in of_world if row["dial"] == dial), key=lambda row: -row["reuse"])
            body = (
                [
                    f"{row['reuse']:.0%}",
                    rate_text(row["recall"]),
                    rate_text(row["precision"]),
                    f"{row['bcubed_f']:.3f}",
                    f"{row['hydra_jaccard']:.3f} / {row['hydra_fragments']}",
                    count_text(row["campaigns_found"]),
                    *(f"{row['cost'][name]:.2f}" for name in ("cards", "addresses", "devices")),
                ]
                for row in points
            )
            lines += [f"### {world}, {dial}", "", *grid(heads, body), _disappear(points), ""]
    return lines


def _disappear(points: list[Row]) -> str:
    """Where recall falls below one half, and what that costs."""
    lost = next((row for row in points if (row["recall"]["rate"] or 0.0) < LOST), None)
    if lost is None:
        return f"They do not disappear: recall stays at {LOST:.0%} or more."
    cost = ", ".join(f"{value:.2f} {name}" for name, value in lost["cost"].items())
    first = points[0]["cost"]
    before = ", ".join(f"{value:.2f} {name}" for name, value in first.items())
    return (
        f"They disappear (recall below {LOST:.0%}) at a reuse of {lost['reuse']:.0%}, for {cost} an account; with "
        f"a reuse of {points[0]['reuse']:.0%} they pay {before}."
    )


def _road(rows: list[Row]) -> list[str]:
    body = []
    for row in rows:
        seconds = ", ".join(f"{name} {value:.0f}" for name, value in row["seconds"].items())
        same = "yes" if row["same_members"] else "no"
        figures = "yes" if row["same_figures"] else "no"
        body.append([row["world"], f"{row['members']:,}", same, figures, seconds])
    heads = ["world", "members", "same members as in memory", "same figures", "seconds"]
    return [
        "Load, detect, export and evaluate by the command line, against the run in memory.",
        "",
        *grid(heads, body),
    ]


def _bold(row: Row) -> str:
    return f"**{row['method']}**" if row["method"] == OURS else str(row["method"])


def _at(point: dict[str, Any] | None) -> str:
    if point is None or point["recall"] is None:
        return "–"
    return f"{'≤ ' if point['ended'] else ''}{rate_text(point['recall'], '.3f')}"
