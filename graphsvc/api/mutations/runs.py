"""Runs: started and stopped."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.enums import describe_enum
from graphsvc.api.types.run import Run
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.engines import Engine
from graphsvc.model.runs import new_run_id
from graphsvc.store.control import cancel_run_audited, request_run
from graphsvc.store.queries import nodes

DEFAULTS = Parameters()


describe_enum(
    Engine,
    "EngineName",
    "Where communities are computed.",
    {
        Engine.INPROCESS: "In the process of the run.",
        Engine.GDS: "In Neo4j, by Graph Data Science.",
    },
)


@strawberry.type(description="Mutations of runs.")
class RunMutations:
    @strawberry.mutation(
        description="Starts a detection run, in a process of its own, and returns it at once; `runProgress` "
        "and `run { progress }` tell how far it is, `cancelRun` stops it. Refused with `conflict` while "
        "another is under way.",
        extensions=[require_role(Role.ANALYST)],
    )
    async def start_detection(
        self,
        info: Info,
        engine: Annotated[
            Engine, strawberry.argument(description="Where communities are computed.")
        ] = Engine.INPROCESS,
        seed: Annotated[
            int, strawberry.argument(description="Seed of the algorithm: the same seed, the same clusters.")
        ] = DEFAULTS.seed,
        full: Annotated[
            bool,
            strawberry.argument(
                description="Read the entire graph again, not only what loads wrote since the last run."
            ),
        ] = False,
    ) -> Run:
        context, run = info.context, new_run_id()
        name = engine.value
        await context.worker.run(
            request_run, context.auditor, run, engine=name, algorithm=DEFAULTS.algorithm.value, seed=seed
        )
        options = ["--engine", name, "--seed", str(seed), *(["--whole"] if full else [])]
        await context.processes.start_run(run, *options)
        (started,) = await context.loaders.load_rows(nodes.RUN, run)
        return started

    @strawberry.mutation(
        description="Asks a detection run that is under way to stop; it does within seconds, and what is published "
        "stays.",
        extensions=[require_role(Role.ANALYST)],
    )
    async def cancel_run(self, info: Info, id: Id) -> Run:
        await info.context.worker.run(cancel_run_audited, info.context.auditor, id)
        (cancelled,) = await info.context.loaders.load_rows(nodes.RUN, id)
        return cancelled
