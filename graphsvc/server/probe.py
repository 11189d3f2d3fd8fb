"""Whether a server answers: asked over its HTTP Query API, so that no driver is needed here."""

import base64
import http.client
import json

from pydantic import SecretStr

from graphsvc.errors import ServerError
from graphsvc.server.home import USER
from graphsvc.server.ports import HOST
from graphsvc.statements import cypher


def answers(port: int, password: SecretStr, statement: str = "server/ready", timeout: float = 10.0) -> bool:
    """Whether the database behind `port` accepts our password and runs `statement` (`timeout` in seconds).

    Bolt is up before HTTP is, so an answer here means that both are.

    Raises:
        ServerError: the server is up and refuses the password.
    """
    token = base64.b64encode(f"{USER}:{password.get_secret_value()}".encode()).decode()
    headers = {
        "Authorization": f"Basic {token}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    body = json.dumps({"statement": cypher(statement)})
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("POST", "/db/neo4j/query/v2", body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    if status == http.client.UNAUTHORIZED:
        raise ServerError(
            "The managed Neo4j is up and refuses the password that graphsvc keeps for it.",
            "If somebody changed it in Neo4j, write the new one into keys/neo4j-password below GRAPHSVC_DATA_DIR.",
        )
    return status in (200, 202)
