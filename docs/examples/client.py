"""A small typed client: the strongest clusters and why, page by page.

    GRAPHSVC_KEY=… python docs/examples/client.py http://127.0.0.1:8000

Needs httpx.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

CLUSTERS = """query Clusters($least: Float!, $after: String) {
  clusters(filter: {minScore: $least}, first: 50, after: $after) {
    edges { node { id size score status summary } }
    pageInfo { hasNextPage endCursor }
  }
}"""


class Refused(Exception):
    """The service answered with an error; `code` is stable, the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Cluster:
    """A published cluster."""

    id: str
    size: int
    score: float
    status: str
    summary: str | None


class Client:
    """Asks one service with one key. Use it in a `with`."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30.0)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The data of a query.

        Raises:
            Refused: the service answered with an error.
        """
        answer = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
        for error in answer.get("errors", ()):
            raise Refused(error["extensions"]["code"], error["message"])
        data: dict[str, Any] = answer["data"]
        return data

    def clusters(self, least: float) -> Iterator[Cluster]:
        """All clusters of at least this score, highest first; a page at a time."""
        after = None
        while True:
            page = self.ask(CLUSTERS, least=least, after=after)["clusters"]
            for edge in page["edges"]:
                yield Cluster(**edge["node"])
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


def main() -> None:
    """Prints a line a cluster."""
    with Client(sys.argv[1], os.environ["GRAPHSVC_KEY"]) as client:
        for cluster in client.clusters(least=0.5):
            print(
                f"{cluster.id}  {cluster.size:,} accounts  {cluster.score:.2f}  {cluster.status}  {cluster.summary}"
            )


if __name__ == "__main__":
    main()
