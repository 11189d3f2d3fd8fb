"""For analysts: the configured database as a `py2neo.Graph` (extra `graphsvc[py2neo]`).

py2neo has reached its end of life; nothing else in graphsvc uses it.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from graphsvc.database import find_address
from graphsvc.errors import SettingsError
from graphsvc.settings import load_settings

if TYPE_CHECKING:
    from py2neo import Graph


def py2neo_graph() -> "Graph":
    """Return a `py2neo.Graph` on the configured database. Start the managed server if it is needed.

    Raises:
        SettingsError: the extra is not installed.
        ServerError: the managed server could not be started.
    """
    try:
        from py2neo import Graph
    except ImportError:
        raise SettingsError("py2neo is not installed.", "Install the extra: graphsvc[py2neo].") from None
    where = find_address(load_settings())
    url = urlsplit(where.uri)
    # py2neo knows one server at a time; neo4j:// would ask it for routing it does badly.
    scheme = "bolt" + url.scheme.removeprefix("neo4j").removeprefix("bolt")
    return Graph(
        f"{scheme}://{url.hostname}:{url.port or 7687}",
        auth=(where.user, where.password.get_secret_value()),
        name=where.database,
    )
