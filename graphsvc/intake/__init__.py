"""From a bundle on disk to validated, tokenised columns, and a file of rejected rows."""

from graphsvc.intake.bundle import read_bundle, read_parts
from graphsvc.intake.dead_letters import write_dead_letters

__all__ = ["read_bundle", "read_parts", "write_dead_letters"]
