"""Persisted documents (GraphQL over HTTP): those of the project's own front end, known by the SHA-256 of their text.

They lie in `documents/*.graphql`; a request sends `{"documentId": "sha256:…", "variables": {…}}`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from graphsvc.errors import GraphsvcError, NotFound

_DIRECTORY = Path(__file__).parents[1] / "documents"


class UnknownDocument(NotFound):
    """A document id that no document of ours has."""

    code: ClassVar[str] = "unknown_document"


class NotSupported(GraphsvcError):
    """The refusal of Apollo's automatic persisted queries: a hash instead of a document.

    Text, code and status 200 are those of Apollo's protocol, so that its clients send the text next.
    """

    code: ClassVar[str] = "PERSISTED_QUERY_NOT_SUPPORTED"
    http_status: ClassVar[int] = 200


@dataclass(frozen=True, slots=True)
class Document:
    """One document: `name` is that of its file and its operation, but for the case of the first letter."""

    name: str
    text: str
    id: str


@cache
def load_documents() -> tuple[Document, ...]:
    """Return all documents, by name."""
    return tuple(_read_document(path) for path in sorted(_DIRECTORY.glob("*.graphql")))


def find_text(document_id: object) -> str:
    """Return the text of the document of this id.

    Raises:
        UnknownDocument: there is none.
    """
    for document in load_documents():
        if document.id == document_id:
            return document.text
    raise UnknownDocument(
        "There is no document of this id.", "Use the documents of this version of the service."
    )


def is_handshake(body: Mapping[str, object]) -> bool:
    """Return whether a request has only the hash of a document, as Apollo's clients send it first."""
    extensions = body.get("extensions")
    return not body.get("query") and isinstance(extensions, Mapping) and "persistedQuery" in extensions


def refuse_handshake() -> NotSupported:
    """Return the error that makes Apollo's clients send the text."""
    return NotSupported("PersistedQueryNotSupported")


def _read_document(path: Path) -> Document:
    text = path.read_text(encoding="utf-8")
    return Document(path.stem, text, "sha256:" + hashlib.sha256(text.encode()).hexdigest())
