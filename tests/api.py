"""What the tests of the API share: the app over a published graph, a key, a client."""

import re
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from graphsvc.store import Store

FIXTURES = Path(__file__).parent / "fixtures"
DOCS = Path(__file__).parents[1] / "docs" / "graphql"


def text(fixture: str) -> str:
    """The statement of `fixtures/<fixture>.cypher`."""
    lines = (FIXTURES / f"{fixture}.cypher").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))


def write(store: Store, fixture: str) -> None:
    """Runs `fixtures/<fixture>.cypher`."""
    store.apply_schema(text(fixture))


class Api:
    """A client with a key."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client = client
        self.key = key

    def post(self, query: str, **variables: object) -> Response:
        """The HTTP answer to a query."""
        return self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.key}"},
        )

    def data(self, query: str, **variables: object) -> Any:
        """The data of a query that must succeed."""
        answer = self.post(query, **variables)
        assert answer.status_code == 200, answer.text
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    def error(self, query: str, **variables: object) -> dict[str, Any]:
        """The only error of a query that must fail."""
        errors = self.post(query, **variables).json()["errors"]
        assert len(errors) == 1, errors
        return dict(errors[0])


def examples(api: Api, page: str, **values: object) -> list[Any]:
    """Runs every query of `docs/graphql/<page>.md` with those of `values` that it declares; returns their data."""
    blocks = re.findall(r"```graphql\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    found = []
    for block in blocks:
        declared = re.findall(r"\$(\w+):", block.split("{")[0])
        found.append(api.data(block, **{name: values[name] for name in declared if name in values}))
    return found
