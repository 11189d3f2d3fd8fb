"""Assign named networks to addresses."""

import polars as pl

from graphsvc.intake.addresses import match_longest, parse_addresses, parse_networks

UNKNOWN_CLASS = "unknown"


def assign_networks(addresses: pl.Series, asn: pl.Series, networks: pl.DataFrame) -> pl.DataFrame:
    """Return class and name of the narrowest network of each address, else those of its autonomous system.

    Args:
        addresses: canonical text; n rows.
        asn: Int64, the autonomous system of each, null if unknown; n rows.
        networks: cidr (null: an autonomous system as such), asn, name, class.

    Returns:
        class (`unknown` if there is none) and network (name, null if it has none); n rows.
    """
    named = networks.filter(pl.col("cidr").is_not_null())
    ranges = parse_networks(named["cidr"]).with_columns(asn=pl.int_range(named.height, dtype=pl.Int64))
    row = match_longest(parse_addresses(addresses), ranges)
    systems = networks.filter(pl.col("cidr").is_null()).select("asn", as_class="class", as_name="name")
    narrow = pl.DataFrame(
        {"asn": asn, "class": named["class"].gather(row), "network": named["name"].gather(row)}
    )
    inside = pl.Series(row.is_not_null())
    return narrow.join(systems, on="asn", how="left", maintain_order="left").select(
        pl.when(inside).then("class").otherwise("as_class").fill_null(UNKNOWN_CLASS).alias("class"),
        pl.when(inside).then("network").otherwise("as_name").alias("network"),
    )
