"""Access to the Maven repository: the list of the server's jars, and the bytes of each."""

import configparser
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graphsvc.errors import ServerError
from graphsvc.server.lock import Folder, Jar

if TYPE_CHECKING:
    import requests
    from jgo.maven import MavenContext

SERVER = (
    "org.neo4j.app:neo4j-server:2026.08.1",
    "org.neo4j:neo4j:2026.08.1",
    "org.neo4j.client:neo4j-browser:5.24.0",
)
PLUGIN = ("org.neo4j.gds:proc:2.26.0", "org.neo4j.gds:opengds-extension:2.26.0")
"""What the server is made of. Change a version here, then run `graphsvc neo4j lock`."""

# The jars of GDS in which Neo4j looks for procedures and functions; a small folder starts faster.
_PROCEDURES = re.compile(r"proc(-.*)?|cypher-aggregation|neo4j-adapter")
_TIMEOUT = (15.0, 60.0)


@contextmanager
def open_session(connections: int) -> Iterator["requests.Session"]:
    """Open an HTTP session that trusts the system's certificates and retries passing faults.

    Companies that inspect TLS put their authority into the system's trust store, not into the bundle of
    Python packages. `truststore` is active only inside the block.
    """
    import requests
    import truststore
    from urllib3.util import Retry

    retry = Retry(total=4, connect=1, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))
    truststore.inject_into_ssl()
    try:
        with requests.Session() as http:
            adapter = requests.adapters.HTTPAdapter(pool_maxsize=connections, max_retries=retry)
            http.mount("https://", adapter)
            http.mount("http://", adapter)
            yield http
    finally:
        truststore.extract_from_ssl()


def stream_jar(http: "requests.Session", jar: Jar) -> Iterator[bytes]:
    """Yield the bytes of a jar as they arrive, from the first repository that has it.

    Raises:
        ServerError: no repository answers, or none has it.
    """
    import requests

    context = _build_context()
    file = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier, "jar")
    failure = "no repository is configured"
    for base in context.remote_repos.values():
        address = f"{base}/{file.component.path_prefix.as_posix()}/{file.filename}"
        try:
            with http.get(address, stream=True, timeout=_TIMEOUT) as answer:
                if answer.ok:
                    yield from answer.iter_content(1 << 16)
                    return
                failure = f"HTTP status {answer.status_code}"
        except requests.RequestException as error:
            failure = _find_reason(error)
    raise ServerError(
        f"{jar.coordinate}, a part of the managed Neo4j, could not be downloaded: {failure}.",
        "Check the network (a proxy is set with HTTPS_PROXY, a company's certificate authority belongs into the "
        "system's trust store) and start again: what was already downloaded is kept. Without a network, copy "
        "GRAPHSVC_CACHE_DIR from a machine that has it, or set GRAPHSVC_NEO4J_URI to a Neo4j of your own.",
    )


def _build_context(repository_cache: Path | None = None) -> "MavenContext":
    """Return Maven's repositories: those of the user's jgo configuration, where mirrors are named, then Central."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    try:
        repositories = dict(GlobalSettings.load().repositories)
    except configparser.Error as error:
        raise ServerError(
            f"The configuration of jgo, which names Maven repositories, is malformed: {type(error).__name__}.",
            "Correct or remove ~/.config/jgo.conf.",
        ) from error
    repositories.setdefault("central", MAVEN_CENTRAL_URL)
    return MavenContext(repo_cache=repository_cache, remote_repos=repositories, timeout=60)


def _find_reason(error: Exception) -> str:
    """Return the innermost reason of a network error, without addresses and object names."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {re.sub(r'<[^>]*>[,:]?', '', str(cause)).strip()}"


def resolve_jars(repository_cache: Path) -> list[Jar]:
    """Resolve the runtime dependencies of `SERVER` and `PLUGIN`; sorted, hash and size still empty.

    Raises:
        ServerError: a root or one of its parents cannot be resolved.
    """
    import requests

    logging.getLogger("jgo").setLevel(logging.ERROR)
    context = _build_context(repository_cache)
    closure: dict[tuple[str, str, str], str] = {}
    try:
        # The server comes last, so its version of a common artifact wins: the server was tested with it.
        for roots in (PLUGIN, SERVER):
            wanted = [context.create_dependency(root) for root in roots]
            inputs, transitive = context.resolver.resolve(wanted)
            for one in [*inputs, *transitive]:
                if one.type == "jar" and one.scope in (None, "compile", "runtime"):
                    closure[one.groupId, one.artifactId, one.classifier] = one.version
    except (requests.RequestException, RuntimeError, ValueError) as error:
        raise ServerError(
            f"The jars of the managed Neo4j could not be resolved: {_find_reason(error)}.",
            "Check the network and the versions in graphsvc/server/maven.py, then try again.",
        ) from error
    return sorted(
        Jar(_choose_folder(group, artifact), group, artifact, version, classifier, "", 0)
        for (group, artifact, classifier), version in closure.items()
    )


def _choose_folder(group: str, artifact: str) -> Folder:
    is_plugin = group == "org.neo4j.gds" and _PROCEDURES.fullmatch(artifact) is not None
    return "plugins" if is_plugin else "lib"
