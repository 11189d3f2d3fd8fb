"""Types for the speed at which a cluster replaces its banned accounts, and for what the new ones take over."""

from graphsvc.api.types.models import describe_model
from graphsvc.store.queries.nodes import BanWave, TakenOver, Turnover

__all__ = ["Turnover"]

describe_model(TakenOver)
describe_model(BanWave)
describe_model(Turnover)
