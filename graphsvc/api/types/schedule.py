"""The schedule of detection runs."""

from graphsvc.api.types.models import describe_model
from graphsvc.model.schedule import ScheduleHealth

__all__ = ["ScheduleHealth"]

describe_model(ScheduleHealth, "Schedule")
