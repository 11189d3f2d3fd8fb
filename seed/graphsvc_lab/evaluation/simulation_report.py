"""A simulation as text: a line a day while it runs, and a report in Markdown at the end."""

from collections.abc import Iterable
from typing import Any

from graphsvc_lab.evaluation.days import TELLING, DayResult
from graphsvc_lab.evaluation.identity import MOSTLY, SOME

SHOWN = 40
"""Rows of a table of the report, at most."""


def format_day(day: DayResult) -> str:
    """Format a day as one line."""
    figures = day.figures
    largest = day.growth.sort("born", "campaign_id", descending=[True, False]).head(1)
    main = ""
    if largest.height:
        name, born = largest["campaign_id"][0], largest["born"][0]
        held = day.met.filter(day.met["campaign_id"] == name).sort(
            "own", "cluster_id", descending=[True, False]
        )
        where = f"{held['own'][0]:,} in {held['cluster_id'][0]}" if held.height else "not found"
        main = f"  {name} {born:,}: {where}"
    happened = ", ".join(f"{day.kinds[kind]} {kind}" for kind in TELLING if day.kinds.get(kind))
    return (
        f"day {day.day:>3}  {figures['accounts']:>9,} accounts  {figures['clusters']:>4} clusters  "
        f"precision {_format_share(figures['precision'])}  recall {_format_share(figures['recall'])}{main}  "
        f"[{happened or 'nothing new'}]"
    )


def format_report(report: dict[str, Any]) -> str:
    """Format the report, given the content of `report.json`."""
    parts = [
        f"# {report['accounts']:,} accounts of the scenario `{report['scenario']}`, day by day\n",
        # Day 0 holds the history, and is not a day of the simulation.
        f"{len(report['days']) - 1} days after the one that holds all before them; seed {report['seed']}; a use counts "
        + (f"for {report['window']} days after it was last seen.\n" if report["window"] else "for ever.\n"),
        _format_summary(report),
        _format_earliness(report["earliness"]),
        _format_identity(report["identity"]),
        _format_events(report["happenings"]),
        _format_days(report["days"], report["largest"]),
    ]
    return "\n".join(parts)


def _format_summary(report: dict[str, Any]) -> str:
    identity, happened = report["identity"], report["happenings"]
    largest = next((row for row in report["earliness"] if row["campaign_id"] == report["largest"]), None)
    found = "–"
    if largest is not None:
        found = (
            f"{largest['size_when_found']:,} of its {largest['size']:,} accounts, {largest['age_days']:.1f} days old"
            if largest["day"] is not None
            else "never found"
        )
    rows = [
        ("id kept, campaigns without a planned event", _format_count(identity["kept"])),
        ("id kept, all campaigns", _format_count(identity["kept_all"])),
        ("under that id on every day, campaigns without a planned event", _format_count(identity["steady"])),
        ("id kept, or said to be part of the last one, the same", _format_count(identity["led"])),
        ("ids that became another campaign's", str(len(identity["swaps"]))),
        ("planned mergers recorded", _format_count(happened["recorded"]["merge"])),
        ("planned splits recorded", _format_count(happened["recorded"]["split"])),
        (
            "planned events recorded, of those that could be seen",
            _format_count(happened["recorded_of_visible"]),
        ),
        (
            "unplanned mergers and splits, between strangers / parts of one campaign",
            f"{len(happened['unplanned_between_strangers'])} / {len(happened['unplanned_within_one_campaign'])}",
        ),
        (f"the largest campaign ({report['largest']}) when first found", found),
    ]
    return _format_table(("figure", ""), rows)


def _format_earliness(found: list[dict[str, Any]]) -> str:
    rows = [
        (
            row["campaign_id"],
            f"{row['size']:,}",
            "before" if row["there_before"] else "",
            "never" if row["day"] is None else str(row["day"]),
            "" if row["day"] is None else f"{row['size_when_found']:,}",
            "" if row["day"] is None else f"{row['age_days']:.1f}",
            "" if row["day"] is None else f"{row['own']} of {row['cluster_size']}",
            "" if row["half_day"] is None else str(row["half_day"]),
            _describe_evidence(row),
        )
        # The largest first, since the table is cut.
        for row in sorted(found, key=lambda row: (-row["size"], row["campaign_id"]))[:SHOWN]
    ]
    head = (
        "campaign", "accounts", "began", "found on day", "accounts then", "days old", "in the cluster", "half of it",
        "what gave it away",
    )  # fmt: skip
    return (
        f"## How early\n\nFound: a published cluster holds {SOME} or more of its accounts, and at least {MOSTLY:.0%} "
        "of the cluster are the campaign's (or its ally's). What gave it away: the families that hold that cluster "
        "together, and its strongest signals. *Half of it*: the first day one cluster holds half of its living "
        "accounts.\n\n" + _format_table(head, rows)
    )


def _describe_evidence(row: dict[str, Any]) -> str:
    signals = "; ".join(f"{s['kind']} of {s['accounts']}" for s in row["signals"])
    return ", ".join(row["families"][:3]) + (f" ({signals})" if signals else "")


def _format_identity(identity: dict[str, Any]) -> str:
    rows = [
        (
            row["campaign_id"],
            str(row["first_day"]),
            str(row["days"]),
            str(row["ids"]),
            str(row["changes"]),
            "yes" if row["kept"] else "no",
            "yes" if row["planned"] else "",
        )
        for row in identity["campaigns"]
        # Campaigns without a change would fill the table and say nothing.
        if row["changes"]
    ]
    text = (
        "## Identity\n\nKept: the main cluster has, on the last day a campaign is found, the id under which it was "
        "found first. Campaigns whose main cluster was not under one id on every day:\n\n"
    )
    listed = (
        _format_table(
            ("campaign", "first day", "days found", "ids", "changes", "first id kept", "planned"), rows
        )
        if rows
        else "none\n"
    )
    swaps = "".join(
        f"- `{cluster}` was {was}'s and became {now}'s\n" for cluster, was, now in identity["swaps"]
    )
    return text + listed + ("\n" + swaps if swaps else "")


def _format_events(happened: dict[str, Any]) -> str:
    rows = [
        (
            event["kind"],
            f"{event['campaign_id']}, {event['other_id']}",
            str(event["day"]),
            "yes" if event["visible"] else "no",
            "no" if event["recorded"] is None else f"day {event['recorded']}",
        )
        for event in happened["planned"]
    ]
    text = "## Mergers and splits on purpose\n\n"
    text += (
        _format_table(("what", "who", "day", "could be seen", "recorded"), rows)
        if rows
        else "none were planned\n"
    )
    unplanned = [
        f"- day {day}: {kind} of parts of {campaign}\n"
        for day, kind, campaign in happened["unplanned_within_one_campaign"]
    ] + [
        f"- day {day}: {kind} of {one or 'no campaign'} and {other or 'no campaign'}\n"
        for day, kind, one, other in happened["unplanned_between_strangers"]
    ]
    return text + "\nRecorded without being planned:\n\n" + ("".join(unplanned) or "none\n")


def _format_days(days: list[dict[str, Any]], largest: str) -> str:
    rows = [
        (
            str(day["day"]),
            f"{day['accounts']:,}",
            str(day["clusters"]),
            _format_share(day["precision"]),
            _format_share(day["recall"]),
            str(day["largest_false_cluster"]),
            f"{day['largest_found']:,} of {day['largest']:,}",
            ", ".join(f"{day['events'][kind]} {kind}" for kind in TELLING if day["events"].get(kind)),
            " / ".join(f"{day['seconds'].get(part, 0):.0f}" for part in ("load", "detect")),
        )
        for day in days
    ]
    head = (
        "day", "accounts", "clusters", "precision", "recall", "largest false", f"{largest} in its main cluster",
        "what happened", "seconds: load / detect",
    )  # fmt: skip
    return (
        "## Day by day\n\nPrecision and recall are of accounts, against all of any campaign born by then.\n\n"
        + _format_table(head, rows)
    )


def _format_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _format_share(rate: dict[str, Any]) -> str:
    return "–" if rate["rate"] is None else f"{rate['rate']:.4f}"


def _format_count(rate: dict[str, Any]) -> str:
    shown = "–" if rate["rate"] is None else f"{rate['rate']:.1%}"
    return f"{shown} ({rate['hits']} of {rate['of']})"
