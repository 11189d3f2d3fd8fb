"""The query type of the API."""

import strawberry

from graphsvc.api.questions.audit import AuditQuestions
from graphsvc.api.questions.blast import BlastQuestions
from graphsvc.api.questions.clusters import ClusterQuestions
from graphsvc.api.questions.comparisons import ComparisonQuestions
from graphsvc.api.questions.counterfactuals import CounterfactualQuestions
from graphsvc.api.questions.decisions import DecisionQuestions
from graphsvc.api.questions.paths import PathQuestions
from graphsvc.api.questions.records import RecordQuestions
from graphsvc.api.questions.runs import RunQuestions
from graphsvc.api.questions.search import SearchQuestions
from graphsvc.api.questions.service import ServiceQuestions
from graphsvc.api.questions.successions import SuccessionQuestions
from graphsvc.api.questions.views import ViewQuestions


@strawberry.type(description="The questions.")
class Query(
    AuditQuestions,
    BlastQuestions,
    ClusterQuestions,
    ComparisonQuestions,
    CounterfactualQuestions,
    DecisionQuestions,
    PathQuestions,
    RecordQuestions,
    RunQuestions,
    SearchQuestions,
    ServiceQuestions,
    SuccessionQuestions,
    ViewQuestions,
):
    pass
