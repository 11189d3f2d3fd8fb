"""Benches: speed, quality, faults. They are not installed, and their statements are in `bench/cypher/`."""

from pathlib import Path

from graphsvc.statements import add_folder

add_folder("bench", Path(__file__).with_name("cypher"))
