"""Probe a server over its HTTP Query API, which needs no driver."""

import base64
import http.client
import json
from typing import Literal, TypeAlias

from pydantic import SecretStr

from graphsvc.server.home import USER
from graphsvc.server.ports import HOST
from graphsvc.statements import load_text

Answer: TypeAlias = Literal["ready", "refused", "silent"]


def send_probe(
    port: int, password: SecretStr, database: str, statement: str = "server/ready", timeout: float = 10.0
) -> Answer:
    """Run a statement on the server at `port`, and classify the answer.

    Args:
        port: of HTTP. Bolt is up before HTTP, so `ready` means that both are.
        password: of the server. Another program may listen there and answer `refused`.
        database: name.
        statement: name of the statement.
        timeout: seconds.
    """
    token = base64.b64encode(f"{USER}:{password.get_secret_value()}".encode()).decode()
    kind = "application/json"
    headers = {"Authorization": f"Basic {token}", "Content-Type": kind, "Accept": kind}
    body = json.dumps({"statement": load_text(statement)})
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("POST", f"/db/{database}/query/v2", body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return "silent"
    finally:
        connection.close()
    if status in (http.client.OK, http.client.ACCEPTED):
        return "ready"
    return "refused" if status == http.client.UNAUTHORIZED else "silent"
