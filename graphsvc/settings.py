"""All settings, read once from the environment (`GRAPHSVC_…`)."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from graphsvc.environment import Environment
from graphsvc.errors import SettingsError

_PREFIX = "GRAPHSVC_"
_IN_FILES = frozenset(("neo4j_user",))
"""Settings that a file can give although they are no secrets: a user's name is often mounted with the password."""


def _find_data_dir() -> Path:
    """Return where the platform keeps data of programs: below the home directory."""
    try:
        return platformdirs.user_data_path("graphsvc")
    except RuntimeError:  # a user without an entry in passwd, and no HOME
        return Path("~")


def _find_cache_dir(known: dict[str, Any]) -> Path:
    """Return where the platform caches; without a home directory a folder of the data directory.

    Args:
        known: the fields before this one, as pydantic validated them.
    """
    try:
        return platformdirs.user_cache_path("graphsvc")
    except RuntimeError:
        return Path(known.get("data_dir", "~")) / "cache"


def clean_root_path(given: str) -> str:
    """Return a path prefix with a slash at its beginning and none at its end; empty: no prefix.

    Raises:
        ValueError: it has other characters than those that need no escape, or a segment of dots.
    """
    segments = [segment for segment in given.split("/") if segment]
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]+", segment) and segment.strip(".") for segment in segments):
        raise ValueError(f"{given} is no path; write it like /graph")
    return "".join(f"/{segment}" for segment in segments)


class Settings(BaseSettings):
    """Settings of one installation; immutable. Secrets are `SecretStr` and never printed."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", validate_default=True)

    data_dir: Path = Field(default_factory=_find_data_dir)
    """Database, keys and dead letters. A fresh directory is a fresh, empty installation."""
    cache_dir: Path = Field(default_factory=_find_cache_dir)
    """Downloaded jars and what is derived from them; safe to delete."""

    neo4j_uri: str | None = None
    """Bolt address of your own Neo4j; unset means the managed local server."""
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr | None = None
    neo4j_database: str | None = None
    """Database name; unset means the server's default database."""
    neo4j_read_only: bool = False
    """Whether the managed server takes no writes: for a copy that people explore by hand."""
    query_timeout: float = 30.0
    """Seconds a query of the API may take in the database."""

    keep_runs: Annotated[int, Field(ge=0)] = 5
    """Runs whose graph is kept next to the database, for `graphsvc verify` after later loads; 0: none."""

    score_challenge: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Membership of a campaign from which a sign-up's score recommends a challenge."""
    score_review: Annotated[float, Field(ge=0, le=1)] | None = None
    """Membership from which it recommends a review; unset: the least that the run published within its budget."""

    score_event: Annotated[float, Field(ge=0, le=1)] | None = None
    """Membership of a campaign from which a recorded sign-up is an event; unset: each that is to be reviewed."""
    score_record: bool = False
    """Whether keys that can score may also record sign-ups: `record: true` of `POST /v1/score`."""

    null_words: str = ""
    """Words that stand for nothing in bundles, with commas between them, besides those of docs/loading/exporters.md."""

    oidc_issuer: str | None = None
    """Issuer of people's bearer tokens, as they name it (with or without a slash); unset: API keys only."""
    oidc_audience: str | None = None
    """What the issuer's tokens for this service name as their audience."""
    oidc_algorithms: str = "RS256,ES256"
    """Signatures that are taken."""
    oidc_jwks_url: str | None = None
    """Where the issuer's keys are; unset: where its discovery document says."""
    oidc_role_claim: str = "roles"
    """Where a token says its holder's roles: a claim's name (a URL too), or a path like `realm_access.roles`."""
    oidc_roles: str = ""
    """Our roles by the claim's values, for example `trust-and-safety=analyst,platform=admin`."""
    oidc_client_id: str | None = None
    """As whom the service is registered at the issuer; unset: the console offers no redirect to it."""
    oidc_client_secret: SecretStr | None = None
    """What the service proves that with (`client_secret_basic`); unset: it is a public client."""
    oidc_scopes: str = "openid profile"
    """What the redirect asks the issuer for."""
    oidc_name: str = "your identity provider"
    """What the console calls the issuer."""
    public_url: str | None = None
    """The address people open the console by, for example `https://graph.example`; unset: loopback, by http."""

    passphrase: SecretStr | None = None
    """What `graphsvc backup` and `restore` seal and open with, where there is no terminal to ask on."""
    retention: str = ""
    """What `graphsvc retention` removes without options, for example `activity=90d,sessions=180d`."""

    webhook_allowed_hosts: str = ""
    """Hosts that webhooks and messages may reach although their addresses are not public, and without TLS, with commas
    between them."""
    kafka_config: Path | None = None
    """Settings of the Kafka client that sends events to topics, a line `key=value` each: how to sign in."""

    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    """Path below which a proxy offers the service, for example `/graph`; unset: none."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Processes that `graphsvc serve` answers from; unset: one a core, eight at most."""
    allowed_hosts: str = ""
    """Names the service is asked by (`Host`), with commas between them, besides its address and those of loopback;
    `*`: any."""
    rate_limit: str = "60000/minute"
    """Rows a principal may ask for in a time, in all its requests."""
    client_rate_limit: str = "1000/second"
    """Requests an address may send in a time; a refused sign-in counts as many."""
    requests_at_once: Annotated[int, Field(ge=1)] = 32
    """GraphQL requests that are executed at a time."""
    requests_waiting: Annotated[int, Field(ge=0)] = 128
    """GraphQL requests that may wait for their turn."""
    cost_at_once: Annotated[int, Field(ge=1)] = 40_000
    """Rows that GraphQL requests of more than 250 rows may read at a time; the others of them wait."""
    principal_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Part of all these that one principal may have."""
    wait_timeout: Annotated[float, Field(gt=0)] = 4.0
    """Seconds a GraphQL request may wait for its turn."""
    request_timeout: Annotated[float, Field(gt=0)] = 60.0
    """Seconds a GraphQL request may take, waiting included."""
    read_timeout: Annotated[float, Field(gt=0)] = 10.0
    """Seconds the head of a request may take to arrive, and its body; each 2,000 bytes that arrive add one."""
    persisted_only: bool = False
    """Whether only the documents of the front end are executed."""
    drain_seconds: Annotated[float, Field(ge=0)] = 1.0
    """Seconds between SIGTERM, when `/readyz` begins to say `draining`, and the end of listening."""
    shutdown_seconds: Annotated[int, Field(ge=0)] = 10
    """Seconds that running requests have after that."""
    log_format: Literal["json", "text"] | None = None
    """Form of the service's log; unset: text at a terminal, else JSON."""
    otel_endpoint: str | None = None
    """Where OpenTelemetry traces go (OTLP over HTTP), for example `http://127.0.0.1:4318`; needs `graphsvc[otel]`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment by our own rules."""
        return init_settings, Environment(settings_cls, _PREFIX, _IN_FILES)

    @field_validator("data_dir", "cache_dir")
    @classmethod
    def _resolve_dir(cls, given: Path) -> Path:
        """Return an absolute path, so that the current directory gets nothing by accident."""
        if str(given).startswith(("$", "'", '"')):
            raise ValueError(
                f"{given} begins with a quote or a variable that nothing expanded; write the path itself"
            )
        try:
            if str(given).startswith("~") and os.environ.get("HOME") == "":
                raise RuntimeError  # else `~` would be the root directory
            place = given.expanduser().absolute()
        except RuntimeError:
            raise ValueError("no home directory is known; write a whole path, or set HOME") from None
        try:
            # Neo4j reads our files of its settings as UTF-8, so both must mean the same bytes.
            fits = str(place).encode("utf-8") == os.fsencode(place)
        except UnicodeEncodeError:
            fits = False
        if not fits:
            shown = os.fsencode(place).decode("utf-8", "backslashreplace")
            raise ValueError(f"{shown} is no UTF-8 in this locale; rename it, or set LC_ALL=C.UTF-8")
        return place

    @field_validator("root_path")
    @classmethod
    def _clean_root_path(cls, given: str) -> str:
        return clean_root_path(given)

    @model_validator(mode="after")
    def _require_password(self) -> "Settings":
        if self.neo4j_uri is not None and self.neo4j_password is None:
            raise ValueError("GRAPHSVC_NEO4J_URI is set, so GRAPHSVC_NEO4J_PASSWORD must be too")
        return self

    @property
    def managed(self) -> bool:
        """Return whether graphsvc runs its own local Neo4j."""
        return self.neo4j_uri is None

    def divide(self, limit: int) -> int:
        """Return the part of a limit of the service that one of its processes has, rounded up."""
        return -(-limit // (self.workers or 1))

    @property
    def local_database(self) -> str:
        """Return the name of the managed server's database."""
        return (self.neo4j_database or "neo4j").lower()  # as Neo4j has names of databases

    @property
    def keys_dir(self) -> Path:
        """Return the directory of this installation's secrets; mode 0700, files 0600."""
        return self.data_dir / "keys"

    @property
    def runs_dir(self) -> Path:
        """Return the directory of the graphs that the last runs read, a directory each."""
        return self.data_dir / "runs"

    @property
    def score_dir(self) -> Path:
        """Return the directory of what sign-ups are scored against, written by each run; mode 0700."""
        return self.data_dir / "score"

    @property
    def dead_letters_dir(self) -> Path:
        """Return dead-letter files, one a load."""
        return self.data_dir / "dead-letters"


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        SettingsError: a value is malformed or missing; names the variable, not its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        reasons = "; ".join(
            f"{_PREFIX + '_'.join(str(p) for p in e['loc']).upper() + ': ' if e['loc'] else ''}"
            f"{e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False, include_context=False)
            if e["type"] != "default_factory_not_called"  # follows from another
        )
        raise SettingsError(f"The settings do not fit: {reasons}.", "Correct the environment.") from None
