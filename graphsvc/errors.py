"""The one family of errors. Each carries a code, what happened and what to do about it."""

from typing import ClassVar


class GraphsvcError(Exception):
    """An error a person can act on.

    `what` says what happened, `todo` what to do now; neither ever holds a secret or a raw
    value of a PII column. `code` is stable and meant for programs, `exit_status` is what the
    command line ends with, `http_status` what the API answers.
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
    exit_status = 3
    http_status = 422


class NothingLoaded(GraphsvcError):
    """Too many rows of a bundle are rejected; nothing was written."""

    code = "nothing_loaded"
    exit_status = 18
    http_status = 422


class LoadError(GraphsvcError):
    """A bundle cannot be loaded in the way that was asked for."""

    code = "load"
    exit_status = 14
    http_status = 409


class DatabaseUnavailable(GraphsvcError):
    """Neo4j cannot be reached, or refuses us, right now."""

    code = "database_unavailable"
    exit_status = 4
    http_status = 503


class DatabaseRefused(GraphsvcError):
    """Neo4j was reached and answered that it will not do this (rights, version, full disk)."""

    code = "database_refused"
    exit_status = 4
    http_status = 502


class MigrationError(GraphsvcError):
    """The schema in the database and the migrations of this program do not fit together."""

    code = "migration"
    exit_status = 5


class ServerError(GraphsvcError):
    """The managed Neo4j could not be resolved, started or stopped."""

    code = "managed_server"
    exit_status = 6


class DetectionError(GraphsvcError):
    """A detection run could not be done; what was published before is untouched."""

    code = "detection"
    exit_status = 7


class Cancelled(GraphsvcError):
    """A run was stopped because somebody asked for it; what was published before is untouched."""

    code = "cancelled"
    exit_status = 130


class ResourceError(GraphsvcError):
    """There is not enough memory or disk for what was asked; nothing was begun."""

    code = "resources"
    exit_status = 13
    http_status = 507


class DemoError(GraphsvcError):
    """The demo cannot run here."""

    code = "demo"
    exit_status = 10


class SimulationError(GraphsvcError):
    """The simulation cannot run here, or cannot go on."""

    code = "simulation"
    exit_status = 12


class ExportError(GraphsvcError):
    """A file cannot be written."""

    code = "export"
    exit_status = 9


class BackupError(GraphsvcError):
    """A backup cannot be made or restored; what was there is untouched."""

    code = "backup"
    exit_status = 16


class KeepingError(GraphsvcError):
    """What is kept cannot be thinned out, forgotten or put under another key right now; nothing was changed."""

    code = "keeping"
    exit_status = 17
    http_status = 409


class VerificationError(GraphsvcError):
    """A run is not, or cannot be, proved to be what it says."""

    code = "verification"
    exit_status = 11


class NotFound(GraphsvcError):
    """What was asked for does not exist."""

    code = "not_found"
    exit_status = 8
    http_status = 404


class AccessDenied(GraphsvcError):
    """No key, a wrong key, or a key that may not do this."""

    code = "access_denied"
    http_status = 401


class Forbidden(GraphsvcError):
    """Somebody known asks for what their role may not do or see."""

    code = "forbidden"
    http_status = 403


class Conflict(GraphsvcError):
    """What was to be changed has changed since it was read; nothing was written."""

    code = "conflict"
    exit_status = 15
    http_status = 409


class Busy(GraphsvcError):
    """The service does as much as it takes on; the same request may do in a moment."""

    code = "busy"
    exit_status = 4
    http_status = 503


class TimedOut(GraphsvcError):
    """What was asked for was not done in the time it has: it is too much, or too much else is done."""

    code = "timed_out"
    exit_status = 4
    http_status = 503
