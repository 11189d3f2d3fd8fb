"""The directory of one managed server: paths, password, configuration and state."""

import errno
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from graphsvc.errors import ServerError
from graphsvc.files import write_atomically
from graphsvc.server.sizing import Sizes
from graphsvc.settings import Settings

_TODO = {
    errno.ENOSPC: "Make room there, or choose another place with {setting}, then start again.",
    errno.EDQUOT: "Your quota is used up: make room there, or choose another place with {setting}.",
    errno.EACCES: "Make it writable for you, or choose another place with {setting}.",
    errno.EPERM: "Make it writable for you, or choose another place with {setting}.",
    errno.EROFS: "It is on a read-only file system: choose another place with {setting}.",
}


@contextmanager
def map_disk_errors(place: Path, setting: str) -> Iterator[None]:
    """Map faults of the disk below `place` to a `ServerError` that names the setting of the path.

    Raises:
        ServerError: the disk is full, read-only, forbidden or faulty.
    """
    try:
        yield
    except OSError as error:
        todo = _TODO.get(error.errno or 0, "Look at that path, or choose another place with {setting}.")
        raise ServerError(
            f"{place} cannot be used: {error.strerror or type(error).__name__}.", todo.format(setting=setting)
        ) from error


def require_room(place: Path, size: int, setting: str) -> None:
    """Check that `size` bytes fit below `place`, which exists.

    Raises:
        ServerError: they do not.
    """
    free = shutil.disk_usage(place).free
    if free < size:
        raise ServerError(
            f"{place} has {free / 1e6:,.0f} MB free, and {size / 1e6:,.0f} MB are needed.",
            _TODO[errno.ENOSPC].format(setting=setting),
        )


def read_tail(path: Path, size: int = 16_384) -> str:
    """Return the end of a log, at most `size` bytes; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            # The cut may go through a character.
            return file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


HOST = "127.0.0.1"
USER = "neo4j"
_READ_ONLY = "server.databases.read_only"
_DATABASE = "initial.dbms.default_database"


@dataclass(frozen=True, slots=True)
class State:
    """State between runs: the ports, and the process number while a server should run."""

    bolt: int
    http: int
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of the server of one data directory."""

    root: Path
    keys: Path
    read_only: str = ""
    """The database that takes no writes, if one is not to."""
    database: str = "neo4j"
    """The database that a server makes at its first start; later the name is what it was then."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "Home":
        """Return the home that the settings name."""
        read_only = settings.local_database if settings.neo4j_read_only else ""
        return cls(
            settings.data_dir.resolve() / "neo4j",
            settings.keys_dir.resolve(),
            read_only,
            settings.local_database,
        )

    @property
    def arguments(self) -> Path:
        """Argument file of the server's JVM. It also tells our server from any other process."""
        return self.root / "run" / "java.args"

    @property
    def lock(self) -> Path:
        """Held while the server is started, stopped or administered."""
        return self.root / "run" / "lock"

    @property
    def log(self) -> Path:
        """Return Neo4j's own log."""
        return self.root / "logs" / "neo4j.log"

    @property
    def console(self) -> Path:
        """Return the output of the JVM."""
        return self.root / "logs" / "console.log"

    @property
    def admin_arguments(self) -> Path:
        """Argument file of the admin tool's JVM. It also tells our tool from any other process."""
        return self.root / "run" / "admin.args"

    @property
    def admin(self) -> Path:
        """Process id of the last admin tool."""
        return self.root / "run" / "admin.pid"

    @property
    def trainer(self) -> Path:
        """Return the process number of the trainer that runs along with the first server."""
        return self.root / "run" / "trainer.pid"

    @property
    def adopting(self) -> Path:
        """Mark, and its name, while a database takes the place of the one in use (see `adoption.begin_adoption`)."""
        return self.root / "run" / "adopting"

    @property
    def _replacing(self) -> Path:
        return self.root / "run" / "replacing"

    @property
    def _state(self) -> Path:
        return self.root / "run" / "server.json"

    @property
    def _password(self) -> Path:
        return self.keys / "neo4j-password"

    @property
    def has_database(self) -> bool:
        """Return whether a server has ever run here."""
        return (self.root / "data" / "databases").is_dir()

    @property
    def has_credentials(self) -> bool:
        """Return whether the initial password was handed to Neo4j."""
        return self.has_database or (self.root / "data" / "dbms" / "auth.ini").is_file()

    def check_database(self) -> None:
        """Check that the database has the name of the settings; it got it at the first start.

        Raises:
            ServerError: it has another.
        """
        folder = self.root / "data" / "databases"
        found = sorted(each.name for each in folder.glob("*") if each.is_dir() and each.name != "system")
        # Neo4j would silently create a second, empty database under the new name.
        if found and self.database not in found:
            raise ServerError(
                f"The database of this installation is called {found[0]}, not {self.database}.",
                f"Set GRAPHSVC_NEO4J_DATABASE={found[0]}, or GRAPHSVC_DATA_DIR to a fresh directory.",
            )

    @contextmanager
    def mark_replacing(self, database: str) -> Iterator[None]:
        """Mark a database as being replaced while the block runs. An exception leaves the mark."""
        write_atomically(self._replacing, database + "\n")
        yield
        self._replacing.unlink()

    def drop_half_replaced(self) -> bool:
        """Remove a database whose replacement did not finish; return whether there was one."""
        try:
            database = self._replacing.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return False
        for folder in ("databases", "transactions"):
            if (place := self.root / "data" / folder / database).is_dir():
                shutil.rmtree(place)
        self._replacing.unlink()
        return True

    def create_directories(self) -> None:
        """Create the directories, readable by their owner only."""
        for folder in (
            self.keys,
            self.root,
            *(self.root / name for name in ("conf", "import", "logs", "run")),
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read_state(self) -> State | None:
        """Return the state of the last run; None if no server ever ran, or the file is damaged."""
        try:
            fields = json.loads(self._state.read_text(encoding="utf-8"))
            return State(int(fields["bolt"]), int(fields["http"]), fields["pid"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write_state(self, state: State) -> None:
        """Keep `state` for the next process."""
        fields = {"bolt": state.bolt, "http": state.http, "pid": state.pid}
        write_atomically(self._state, json.dumps(fields) + "\n")

    def get_password(self) -> SecretStr:
        """Return the generated password; make it on first use.

        Raises:
            ServerError: the file is lost, and a database needs it.
        """
        try:
            known = self._password.read_text(encoding="utf-8").strip()
            if not known:
                raise ServerError(
                    f"The password of the managed Neo4j ({self._password}) is empty.",
                    "Put that file back from a backup"
                    + ("." if self.has_credentials else ", or delete it: the database is yet to be made."),
                )
            return SecretStr(known)
        except FileNotFoundError:
            if self.has_credentials:
                raise ServerError(
                    f"The password of the managed Neo4j ({self._password}) is gone, and its database exists.",
                    "Put that file back from a backup. If the data may go, remove the directory "
                    f"{self.root} and start again with an empty database.",
                ) from None
        write_atomically(self._password, secrets.token_hex(24) + "\n")
        return self.get_password()

    def write_configuration(self, state: State, sizes: Sizes, plugins: Path) -> None:
        """Write neo4j.conf. Each start overwrites it."""
        written = _build_configuration(state, sizes, plugins) | {
            _READ_ONLY: self.read_only,
            _DATABASE: self.database,
        }
        text = "".join(f"{key}={value}\n" for key, value in written.items())
        header = "# Written by graphsvc at every start; changes here are lost.\n"
        write_atomically(self._conf, header + text)

    @property
    def started_read_only(self) -> str:
        """Return the database that took no writes when the server started last; '' if all did."""
        lines = self._conf.read_text(encoding="utf-8").splitlines()
        found = (line.partition("=")[2] for line in lines if line.startswith(f"{_READ_ONLY}="))
        return next(found, "")

    @property
    def _conf(self) -> Path:
        return self.root / "conf" / "neo4j.conf"


_BROWSER_POLICY = "; ".join((
    "default-src 'self'", "script-src 'self'", "img-src 'self' data:", "style-src 'self' 'unsafe-inline'",
    "font-src 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'",
    "connect-src 'self' http://127.0.0.1:* http://localhost:* ws://127.0.0.1:* ws://localhost:*",
))  # fmt: skip


def _build_configuration(state: State, sizes: Sizes, plugins: Path) -> dict[str, str | int]:
    bolt, http = f"{HOST}:{state.bolt}", f"{HOST}:{state.http}"
    return {
        # A setting that a new version of Neo4j no longer knows makes the start fail, instead of being ignored.
        "server.config.strict_validation.enabled": "true",
        "server.directories.plugins": str(plugins),
        "server.directories.import": "import",
        # Loopback only, nothing announced, nothing sent home.
        "server.default_listen_address": HOST,
        "server.default_advertised_address": HOST,
        "server.bolt.listen_address": bolt,
        "server.bolt.advertised_address": bolt,
        "server.bolt.tls_level": "DISABLED",
        "server.http.listen_address": http,
        "server.http.advertised_address": http,
        "server.https.enabled": "false",
        "server.http.x_forward.enabled": "false",
        "server.fleet_discovery.enabled": "false",
        "dbms.fleet_manager.enabled": "false",
        "dbms.usage_report.enabled": "false",
        "client.allow_telemetry": "false",
        # Telemetry or not, Neo4j Browser asks Google, Segment, Canny and Sentry; here it may not. Its guides are ours.
        "dbms.security.http_static_content_security_policy_header": _BROWSER_POLICY,
        "browser.remote_content_hostname_whitelist": "localhost,127.0.0.1",
        "server.http_enabled_modules": "BROWSER,QUERY_API_ENDPOINTS",
        "server.http_enabled_transports": "HTTP1_1",
        "dbms.security.http_access_control_allow_origin": f"http://{http}",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        # Graph Data Science uses internals of the server, which Neo4j forbids to all other procedures.
        "dbms.security.procedures.unrestricted": "gds.*",
        # On by default, with every parameter: tokens and account ids would end in a log.
        "db.logs.query.enabled": "OFF",
        "db.logs.query.parameter_logging_enabled": "false",
        "server.memory.heap.initial_size": sizes.first_heap,
        "server.memory.heap.max_size": sizes.heap,
        "server.memory.pagecache.size": sizes.page_cache,
        "db.tx_log.rotation.retention_policy": "256M size",
        # Netty waits for latecomers after the last connection is closed: 15 of the 15.4 s a stop took.
        "internal.dbms.bolt.netty_server_shutdown_quiet_period_duration": "0s",
    }
