"""Our errors, one hierarchy. Each has a code, says what happened, and what to do.

The command line has four exit statuses: 0 all of it worked, 1 a failure, 2 a wrong call or setting, 130 it was
stopped (128 and the number of SIGINT, as in shells).
"""

from typing import ClassVar


class GraphsvcError(Exception):
    """An error that a person can act on.

    `what` says what happened, `todo` what to do now. Neither ever holds a secret or a raw personal value.
    `code` is stable and meant for programs. `exit_status` is that of the command line, `http_status` that of
    the API.
    """

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what} {self.todo}".strip()


class SettingsError(GraphsvcError):
    """A setting is missing or contradicts another."""

    code = "settings"
    exit_status = 2


class BundleError(GraphsvcError):
    """A bundle cannot be read at all; nothing was written."""

    code = "bundle"
    http_status = 422


class MappingError(GraphsvcError):
    """A column map names what the contract does not have, or cannot be read; nothing was written."""

    code = "mapping"
    exit_status = 2
    http_status = 422


class SourceError(GraphsvcError):
    """A source cannot be reached or read, or lacks what was asked for; what was committed stays."""

    code = "source"
    http_status = 502


class NothingLoaded(GraphsvcError):
    """Too many rows of a bundle are rejected; nothing was written."""

    code = "nothing_loaded"
    http_status = 422


class LoadError(GraphsvcError):
    """A bundle cannot be loaded in the requested way."""

    code = "load"
    http_status = 409


class DatabaseUnavailable(GraphsvcError):
    """Neo4j cannot be reached, or refuses us, right now."""

    code = "database_unavailable"
    http_status = 503


class DatabaseRefused(GraphsvcError):
    """Neo4j was reached and refused the request (rights, version, full disk)."""

    code = "database_refused"
    http_status = 502


class MigrationError(GraphsvcError):
    """The database's schema does not match the migrations of this program."""

    code = "migration"


class ServerError(GraphsvcError):
    """The managed Neo4j could not be resolved, started or stopped."""

    code = "managed_server"


class DetectionError(GraphsvcError):
    """A detection run failed; the published result is untouched."""

    code = "detection"


class SparkError(DetectionError):
    """Spark is not there, does not answer, or failed; the published result is untouched."""

    code = "spark"
    http_status = 502


class Cancelled(GraphsvcError):
    """A run was stopped on request; the published result is untouched."""

    code = "cancelled"
    exit_status = 130


class ResourceError(GraphsvcError):
    """There is not enough memory or disk for the request; nothing was begun."""

    code = "resources"
    http_status = 507


class DemoError(GraphsvcError):
    """The demo cannot run here."""

    code = "demo"


class SimulationError(GraphsvcError):
    """The simulation cannot run here, or cannot continue."""

    code = "simulation"


class IndexMissing(GraphsvcError):
    """No run has left an index that sign-ups can be scored against."""

    code = "score_index_missing"
    http_status = 409


class IndexDamaged(GraphsvcError):
    """The index that sign-ups are scored against cannot be read."""

    code = "score_index_damaged"
    http_status = 503


class ExportError(GraphsvcError):
    """A file cannot be written."""

    code = "export"


class BackupError(GraphsvcError):
    """A backup cannot be made or restored; the present data are untouched."""

    code = "backup"


class KeepingError(GraphsvcError):
    """Data cannot be removed, forgotten or put under another key right now; nothing was changed."""

    code = "keeping"
    http_status = 409


class VerificationError(GraphsvcError):
    """A run cannot be verified, or is not what its certificate says."""

    code = "verification"


class NotFound(GraphsvcError):
    """The requested object does not exist."""

    code = "not_found"
    http_status = 404


class AccessDenied(GraphsvcError):
    """No key, a wrong key, or a key without this right."""

    code = "access_denied"
    http_status = 401


class Forbidden(GraphsvcError):
    """A known principal asks for something that its role does not allow."""

    code = "forbidden"
    http_status = 403


class Conflict(GraphsvcError):
    """The object has changed since it was read; nothing was written."""

    code = "conflict"
    http_status = 409


class Busy(GraphsvcError):
    """The service is at its limit. The same request may work in a moment."""

    code = "busy"
    http_status = 503


class TimedOut(GraphsvcError):
    """The request was not done in its time: it is too large, or the service is too busy."""

    code = "timed_out"
    http_status = 503


class WebhookError(GraphsvcError):
    """A webhook's address or definition cannot be used."""

    code = "webhook"
    http_status = 422


class AlertsError(GraphsvcError):
    """A file of rules cannot be read, or names what is not there; nothing was changed."""

    code = "alerts"
    exit_status = 2
    http_status = 422


class EventsExpired(GraphsvcError):
    """Events after the one that a client saw last were removed by retention."""

    code = "events_expired"
    http_status = 410
