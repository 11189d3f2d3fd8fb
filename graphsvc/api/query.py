"""The questions the API answers."""

import strawberry

from graphsvc.api.questions.clusters import ClusterQuestions
from graphsvc.api.questions.records import RecordQuestions
from graphsvc.api.questions.runs import RunQuestions
from graphsvc.api.questions.service import ServiceQuestions


@strawberry.type(description="The questions.")
class Query(ClusterQuestions, RecordQuestions, RunQuestions, ServiceQuestions):
    pass
