"""The roads of a load and of a bulk import, each readable from top to bottom."""

from graphsvc.loading.common import LoadReport, estimate_memory
from graphsvc.loading.online import load_bundle

__all__ = ["LoadReport", "estimate_memory", "load_bundle"]
