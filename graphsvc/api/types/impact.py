"""The impact of an action on accounts: the redacted dataclasses of the analysis."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.analysis.impact import Aftermath, Bystanders, Heir, Impact, Plan, Stage
from graphsvc.analysis.impact_sentences import describe_impact
from graphsvc.api.types.counterfactual import SENTENCES
from graphsvc.api.types.models import describe_model

__all__ = ["Impact"]


class _ImpactFields(Impact):
    @strawberry.field(name="descriptions", description=SENTENCES)
    def says(self) -> list[str]:
        return describe_impact(self)


describe_model(Bystanders, "CollateralAccounts")
describe_model(Heir, "LinkedMember")
describe_model(
    Aftermath,
    "ClusterImpact",
    names={
        "rate": "replacementRate",
        "replaced": "expectedReplacements",
        "heirs": "linkedMembers",
        "strongest": "strongestLinked",
    },
)
describe_model(
    Stage,
    names={
        "so_far": "accountsSoFar",
        "membership": "minMembership",
        "innocents": "expectedFalsePositives",
        "innocents_so_far": "expectedFalsePositivesSoFar",
        "left": "remaining",
        "alone": "isolated",
    },
)
describe_model(Plan, names={"most": "maxFalsePositives", "left_out_innocents": "leftOutFalsePositives"})
describe_model(
    Impact,
    resolvers=_ImpactFields,
    names={
        "strangers": "unclustered",
        "innocents": "expectedFalsePositives",
        "bystanders": "collateral",
        "bystanders_in_all": "collateralTotal",
    },
)
