"""A cluster without some of its evidence, and its weak points: the redacted dataclasses of the analyses."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.analysis.anatomy import Anatomy, Bridge, EvidenceCut, Holding, Part, Parts
from graphsvc.analysis.counterfactual_sentences import describe_anatomy
from graphsvc.api.types.models import describe_model

__all__ = ["Anatomy", "Counterfactual", "Parts"]

SENTENCES = "The same in sentences."


class _AnatomyFields(Anatomy):
    @strawberry.field(name="descriptions", description=SENTENCES)
    def says(self) -> list[str]:
        return describe_anatomy(self)


describe_model(Holding, "LinkingSignal")
describe_model(Part, "ClusterPart", names={"holds": "signals"})
describe_model(Parts, "ClusterParts", names={"alone": "isolated"})
describe_model(Bridge, names={"holding": "signal", "alone": "isolated"})
describe_model(EvidenceCut, names={"alone": "isolated"})
describe_model(
    Anatomy, resolvers=_AnatomyFields, names={"every": "isComplete", "splits": "splitsWithoutStrongest"}
)


@strawberry.type(description="A cluster before and after something is left out of account.")
class Counterfactual:
    before: Parts = strawberry.field(description="The cluster as it is.")
    after: Parts = strawberry.field(description="The parts that remain.")
    says: list[str] = strawberry.field(name="descriptions", description=SENTENCES)
