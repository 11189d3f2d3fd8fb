"""The roads of a load and of a bulk import, each readable from top to bottom."""

from graphsvc.loading.common import LoadReport, estimate_memory
from graphsvc.loading.online import load_bundle
from graphsvc.loading.queries import load_queries

__all__ = ["LoadReport", "estimate_memory", "load_bundle", "load_queries"]
