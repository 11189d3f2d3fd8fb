"""All that the process holds for its requests, typed. `app.create_app` makes it, `get_services` returns it."""

from dataclasses import dataclass, field

from starlette.applications import Starlette

from graphsvc.api.auth.keys import KeyRing
from graphsvc.api.auth.oidc import Issuer
from graphsvc.api.auth.sign_in import SignIn
from graphsvc.api.http.concurrency_limit import ConcurrencyLimit
from graphsvc.api.http.metrics import Metrics
from graphsvc.api.http.rate_limits import RateLimits
from graphsvc.api.http.traces import Traces
from graphsvc.api.subscriptions.pubsub import PubSub
from graphsvc.api.workers.detection_process import DetectionProcesses
from graphsvc.api.workers.recorder import Recorder
from graphsvc.api.workers.scheduler import Scheduler
from graphsvc.api.workers.scorer import Scorer
from graphsvc.api.workers.worker import Worker
from graphsvc.delivery.sender import Sender
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store.cluster_files import ClusterFiles
from graphsvc.store.reader import Reader


@dataclass(slots=True)
class Services:
    """Parts that all requests share.

    Those without an initial value need the event loop: the app's lifespan sets them before the first request.

    Attributes:
        settings: of the installation.
        metrics: counters of served requests.
        rate_limits: requests by client address, cost by principal.
        traces: spans, or none.
        keys: verifies API keys.
        issuer: verifies tokens of persons; None: there is no identity provider.
        sign_in: sign-in to the console with the identity provider; None: not offered.
        signer: signs entries of the audit log.
        tokens: makes tokens of raw values that are searched for.
        scorer: scores sign-ups.
        clusters: published clusters as files.
        draining: whether the service is about to stop; `/readyz` says so.
        reader: reads the database for resolvers.
        worker: runs analyses and writes in threads.
        pubsub: distributes changes to subscribers.
        recorder: records sign-ups.
        processes: starts and watches detection runs.
        scheduler: starts runs that are due; None: this process starts none by itself.
        concurrency_limit: turns of GraphQL requests and exports.
        sender: sends events to webhooks.
    """

    settings: Settings
    metrics: Metrics
    rate_limits: RateLimits
    traces: Traces
    keys: KeyRing
    issuer: Issuer | None
    sign_in: SignIn | None
    signer: Signer
    tokens: Tokeniser
    scorer: Scorer
    clusters: ClusterFiles
    draining: bool = False
    scheduler: Scheduler | None = None
    reader: Reader = field(init=False)
    worker: Worker = field(init=False)
    pubsub: PubSub = field(init=False)
    recorder: Recorder = field(init=False)
    processes: DetectionProcesses = field(init=False)
    concurrency_limit: ConcurrencyLimit = field(init=False)
    sender: Sender = field(init=False)


def get_services(app: Starlette) -> Services:
    """Return the services of an app that `create_app` made."""
    found: Services = app.state.services
    return found
