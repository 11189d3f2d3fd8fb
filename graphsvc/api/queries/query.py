"""The query type of the API."""

import strawberry

from graphsvc.api.queries.accounts import AccountQueries
from graphsvc.api.queries.audit import AuditQueries
from graphsvc.api.queries.clusters import ClusterQueries
from graphsvc.api.queries.comparisons import ComparisonQueries
from graphsvc.api.queries.counterfactuals import CounterfactualQueries
from graphsvc.api.queries.decisions import DecisionQueries
from graphsvc.api.queries.events import EventQueries
from graphsvc.api.queries.impact import ImpactQueries
from graphsvc.api.queries.paths import PathQueries
from graphsvc.api.queries.runs import RunQueries
from graphsvc.api.queries.schedule import ScheduleQueries
from graphsvc.api.queries.score import ScoreQueries
from graphsvc.api.queries.search import SearchQueries
from graphsvc.api.queries.service import ServiceQueries
from graphsvc.api.queries.signals import SignalQueries
from graphsvc.api.queries.successions import SuccessionQueries
from graphsvc.api.queries.views import ViewQueries


@strawberry.type(description="Everything that can be read.")
class Query(
    AuditQueries,
    ImpactQueries,
    ClusterQueries,
    ComparisonQueries,
    CounterfactualQueries,
    DecisionQueries,
    EventQueries,
    PathQueries,
    AccountQueries,
    SignalQueries,
    RunQueries,
    ScheduleQueries,
    ScoreQueries,
    SearchQueries,
    ServiceQueries,
    SuccessionQueries,
    ViewQueries,
):
    pass
