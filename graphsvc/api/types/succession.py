"""Successions: which new accounts follow the banned ones."""

from graphsvc.api.types.models import describe_model
from graphsvc.store.queries.relations import Succession, SuccessionPart

__all__ = ["Succession"]

describe_model(SuccessionPart)
describe_model(Succession)
