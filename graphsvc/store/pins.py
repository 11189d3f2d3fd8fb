"""Read active pins: pairs of accounts that a person knows to be one operator's, or not."""

import polars as pl

from graphsvc.model.columns import Schema
from graphsvc.model.decisions import On, Pin, Topic
from graphsvc.store.connection import Store
from graphsvc.store.decisions import read_decision_log

PINS: Schema = {"a": pl.String, "b": pl.String, "same": pl.Boolean}


def read_pins(store: Store) -> pl.DataFrame:
    """Read the active pins (schema `PINS`), each pair once, sorted; `a` < `b`."""
    book = read_decision_log(store)
    rows = []
    for a, b in sorted({(each.subject, each.other) for each in book.decisions if each.on is On.PAIR}):
        if value := book.get_last_value(Topic.PIN, On.PAIR, a, b):
            rows.append((a, b, value == Pin.SAME))
    return pl.DataFrame(rows, schema=PINS, orient="row")
