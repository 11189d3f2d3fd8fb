"""Sections of the report on data that nothing was chosen with: figures with their aims, met or missed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.markdown import Row, count_text, grid, rate_text
from bench.measures.random_worlds import LEAST
from bench.trials import OURS

MET, MISSED = "met", "missed"
Value = float | None


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure of a row, how it is written, and the bound it should keep."""

    name: str
    value: Callable[[Row], Value]
    form: str
    sign: str
    bound: float

    def is_met(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return value >= self.bound if self.sign == "≥" else value <= self.bound

    def cells(self, row: Row) -> list[str]:
        """Return the aim, the value, and whether it is met; – where there is nothing to measure."""
        value = self.value(row)
        aim = f"{self.sign} {self.bound:{self.form}}"
        if value is None:
            return [self.name, aim, "–", "–"]
        return [self.name, aim, f"{value:{self.form}}", MET if self.is_met(value) else MISSED]


def _rate_of(name: str) -> Callable[[Row], Value]:
    return lambda row: row[name]["rate"]


def _worst_decoy(row: Row) -> Value:
    return max((rate["rate"] for rate in row["decoys"].values() if rate["rate"] is not None), default=None)


MARKET = (
    Aim("account precision", _rate_of("precision"), ".4f", "≥", 0.98),
    Aim("account recall", _rate_of("recall"), ".4f", "≥", 0.93),
    Aim("campaigns found", _rate_of("campaigns_found"), ".1%", "≥", 0.95),
    Aim("largest campaign's Jaccard", lambda row: row["hydra_jaccard"], ".3f", "≥", 0.93),
    Aim("worst decoy class", _worst_decoy, ".2%", "≤", 0.01),
)
SYBIL = (
    Aim("groups found", lambda row: row["found"]["hits"], ".0f", "≥", 80),
    Aim("account precision", _rate_of("precision"), ".3f", "≥", 0.70),
    Aim("account recall", _rate_of("recall"), ".3f", "≥", 0.52),
    Aim("largest false cluster", lambda row: row["largest_false_cluster"], ".0f", "≤", 50),
)
IDENTITIES = (
    Aim("pair F", lambda row: row["pair_f"], ".3f", "≥", 0.90),
    Aim("people found", lambda row: row["found"]["hits"], ".0f", "≥", 282),
)
SETS: dict[str, tuple[str, tuple[Aim, ...], str]] = {
    "sybil": (
        "A sybil list",
        SYBIL,
        "Groups of addresses that people reported in the airdrop of Hop. Addresses that are in no group and passed no "
        "review are unknown and not scored.",
    ),
    "identities": (
        "Identities",
        IDENTITIES,
        "Authors of SymPy by name and e-mail address, with the files they changed, at `--min-size 2`. Its `.mailmap` "
        "says who is one person.",
    ),
}
"""Title, aims and introduction of each public data set."""

FOUND = f"campaigns of {LEAST} or more found"
WORLD_AIMS: tuple[tuple[str, str, str, float], ...] = (
    (FOUND, "median", "median ≥", 0.95),
    (FOUND, "worst_decile", "worst decile ≥", 0.80),
    ("clusters without a second campaign", "share", "of all clusters ≥", 0.95),
    ("innocents flagged", "at_most_0.001", "≤ 0.1 % in worlds ≥", 0.90),
    ("decoys, worst class", "at_most_0.01", "≤ 1 % in worlds ≥", 0.90),
    ("expected and true innocents within a factor of two", "share", "of worlds ≥", 0.80),
    ("likeliest and true innocents within a factor of two", "share", "of worlds ≥", 0.80),
    ("quiet worlds with nothing published", "share", "of worlds ≥", 0.95),
    ("permuted worlds with nothing published", "share", "of worlds ≥", 0.95),
)
"""Figure, which part of it, how the aim is written, and the bound, which is always a least one."""


def random_worlds(rows: list[Row]) -> list[str]:
    """Return the section on random worlds."""
    lines = [
        "Everything about these worlds is drawn from their seeds: size, tables, columns, campaigns, markets, decoys. "
        "They are looked at only as a whole. The worst decile is the figure that nine worlds in ten reach. A second "
        "campaign is one that has more than 10 % of a cluster's members. For the factor of two, counts below 1 are "
        "taken as 1. A permuted world keeps the degrees of all accounts and values, and nothing of who shares what.",
        "",
    ]
    ours = {row["figure"]: row for row in rows if row["method"] == OURS}
    body = []
    for figure, part, text, bound in WORLD_AIMS:
        value = _part_of(ours.get(figure), part)
        met = "–" if value is None else MET if value >= bound else MISSED
        body.append([figure, f"{text} {bound:.0%}", "–" if value is None else f"{value:.1%}", met])
    lines += grid(["figure", "aim", "graphsvc", ""], body)
    return lines + _list_methods(rows)


def _list_methods(rows: list[Row]) -> list[str]:
    """Return the figures and counts of each method."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        of_method = [row for row in rows if row["method"] == method]
        measured = [row for row in of_method if "median" in row]
        counted = [row for row in of_method if "hits" in row]
        lines += [f"### {method}", ""]
        lines += grid(
            ["figure", "worlds", "median", "worst decile"],
            [
                [
                    row["figure"],
                    str(row["worlds"]),
                    *(_number(row["figure"], row[k]) for k in ("median", "worst_decile")),
                ]
                for row in measured
            ],
        )
        lines += grid(
            ["count", "of all"], [[row["figure"], f"{row['hits']:,} of {row['of']:,}"] for row in counted]
        )
    return lines


def independent(rows: list[Row]) -> list[str]:
    """Return the section on worlds of generators that know nothing of the detection."""
    lines = [
        "Two generators were written from the format of a bundle alone: one from the suppliers of operators, one as "
        "a simulation of agents in time. Weights of scores were fitted with their seeds 1 to 3, among others; these "
        "worlds have the seeds 101 and 102, eight configurations each. Resellers of seats, test beds, cohorts and "
        "agencies are honest in them.",
        "",
    ]
    for generator in dict.fromkeys(row["generator"] for row in rows):
        lines += [f"**{generator}**", ""]
        lines += _list_methods([row for row in rows if row["generator"] == generator])
    return lines


def subsets(rows: list[Row]) -> list[str]:
    """Return the section on worlds with tables taken away."""
    body = [
        [
            row["tables"],
            row["method"],
            str(row["worlds"]),
            f"{row['found']:,} of {row['campaigns']:,}",
            f"{row['flagged']:,} of {row['innocents']:,}",
        ]
        for row in rows
    ]
    return [
        "Worlds of both generators with seed 101, of which an export has these tables alone. Every export names "
        "sign-ups, bans and countries. Sessions have no devices here. A world counts where it has the tables.",
        "",
        *grid(["tables", "method", "worlds", "campaigns of 8 and more found", "innocents flagged"], body),
    ]


def permuted(rows: list[Row]) -> list[str]:
    """Return the section on permuted worlds."""
    none = sum(row["members"] == 0 for row in rows)
    body = [
        [row["world"], str(row["seed"]), *(f"{row[k]:,}" for k in ("accounts", "clusters", "members")),
         f"{row['expected_innocents']:.1f}", MET if row["members"] == 0 else MISSED]
        for row in rows
    ]  # fmt: skip
    heads = [
        "world",
        "permutation",
        "accounts",
        "clusters",
        "accounts in clusters",
        "expected innocents",
        "nothing",
    ]
    return [
        "Uses are dealt out again within each kind and network class, and sign-ups are moved. Accounts and values keep "
        "their degrees. Whatever is published is false; the aim is nothing.",
        "",
        *grid(heads, body),
        f"Nothing is published in {none} of {len(rows)}.",
        "",
    ]


def market(rows: list[Row]) -> list[str]:
    """Return the section on the bundle of the independent generator."""
    lines = []
    for row in rows:
        if "skipped" in row:
            return [f"Skipped. {row['skipped']}", ""]
        if row["ours"]:
            lines += grid(["figure", "aim", "graphsvc", ""], [aim.cells(row) for aim in MARKET])
    lines += grid(
        ["method", "precision", "recall", "found", "largest campaign's Jaccard", "clusters without a second campaign"],
        [
            [row["method"], rate_text(row["precision"]), rate_text(row["recall"]), count_text(row["campaigns_found"]),
             f"{row['hydra_jaccard']:.3f}", count_text(row["unmixed"])]
            for row in rows
        ],
    )  # fmt: skip
    classes = sorted({name for row in rows for name in row["decoys"]})
    body = [[name, *(_with_counts(row["decoys"].get(name)) for row in rows)] for name in classes]
    return [*lines, *grid(["decoy class flagged", *(row["method"] for row in rows)], body)]


def real(rows: list[Row]) -> list[str]:
    """Return the section on public data sets."""
    lines = []
    for name, (title, aims, introduction) in SETS.items():
        of_set = [row for row in rows if row["set"] == name]
        if not of_set:
            continue
        lines += [f"### {title}", "", introduction, ""]
        if "skipped" in of_set[0]:
            lines += [f"Skipped. {of_set[0]['skipped']}", ""]
            continue
        for row in of_set:
            if row["ours"]:
                lines += grid(["figure", "aim", "graphsvc", ""], [aim.cells(row) for aim in aims])
        heads = [
            "method",
            "precision",
            "recall",
            "groups found",
            "pair precision",
            "pair recall",
            "pair F",
            "largest false",
        ]
        body = [
            [row["method"], *(rate_text(row[key], ".3f") for key in ("precision", "recall")), count_text(row["found"]),
             *(rate_text(row[key], ".3f") for key in ("pair_precision", "pair_recall")), f"{row['pair_f']:.3f}",
             f"{row['largest_false_cluster']:,}"]
            for row in of_set
        ]  # fmt: skip
        lines += grid(heads, body)
    return lines


def small(rows: list[Row]) -> list[str]:
    """Return the section on the small world."""
    found, quiet = (
        sum(test) for test in ([r["found"] for r in rows], [not r["permuted_members"] for r in rows])
    )
    body = [
        [row["world"], f"{row['jaccard']:.3f}", MET if row["found"] else MISSED, str(row["clusters"]),
         count_text(row["false_positives"]), f"{row['permuted_clusters']} of {row['permuted_members']}",
         MISSED if row["permuted_members"] else MET]
        for row in rows
    ]  # fmt: skip
    heads = [
        "world",
        "ring's Jaccard",
        "found",
        "clusters",
        "innocents flagged",
        "clusters of accounts, permuted",
        "nothing",
    ]
    return [
        "Twelve of 300 accounts share eight prompt templates that only they use, and one address that thirty others or "
        "more use too. The aims: the ring is found, and of the same world permuted nothing is published.",
        "",
        *grid(heads, body),
        f"The ring is found in {found} of {len(rows)}; nothing is published of {quiet} of {len(rows)} permuted ones.",
        "",
    ]


def _part_of(row: Row | None, part: str) -> Value:
    """The part of a figure that an aim is about, as a share; null where nothing was measured."""
    if row is None:
        return None
    if part == "share":
        return row["hits"] / row["of"] if row["of"] else None
    if part.startswith("at_most"):
        return row[part] / row["worlds"] if row["worlds"] else None
    value: Value = row[part]
    return value


def _number(figure: str, value: Any) -> str:
    """Innocents are counted; all else are rates."""
    return "–" if value is None else f"{value:,.1f}" if figure.endswith(" innocents") else f"{value:.2%}"


def _with_counts(rate: dict[str, Any] | None) -> str:
    return "–" if rate is None else f"{rate_text(rate, '.2%')} ({count_text(rate)})"
