"""Which named network an address is in."""

import polars as pl

UNKNOWN_CLASS = "unknown"
