"""The questions the API answers."""

import strawberry

from graphsvc.api.questions.audit import AuditQuestions
from graphsvc.api.questions.clusters import ClusterQuestions
from graphsvc.api.questions.decisions import DecisionQuestions
from graphsvc.api.questions.records import RecordQuestions
from graphsvc.api.questions.runs import RunQuestions
from graphsvc.api.questions.service import ServiceQuestions


@strawberry.type(description="The questions.")
class Query(
    AuditQuestions, ClusterQuestions, DecisionQuestions, RecordQuestions, RunQuestions, ServiceQuestions
):
    pass
