"""Files for Neo4j Browser: a guide through the graph, and the style and scripts of `cypher/browser/`.

They are the same for all users and hold no data, so they need no key. Neo4j Browser runs on another origin.
Only pages of this machine and of the database's host may read them, so other sites cannot find out that the
service is here.
"""

import html
import re
from functools import cache
from io import BytesIO
from urllib.parse import urlsplit
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from graphsvc.statements import list_names, load_text, read_file

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PLACEHOLDER = re.compile(r"\{\{([\w/]+)\}\}")

# The page has a few styles of its own and nothing else; Neo4j Browser takes its text only.
_CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'", "style-src 'unsafe-inline'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
))  # fmt: skip


def build_routes(database: str) -> list[Route]:
    """Build the routes below `/browser`.

    Args:
        database: address of the database. The same host serves Neo4j Browser, at any port.
    """
    # Neo4j Browser sends headers of its own, those of its tracing among them, so the browser asks beforehand.
    shared = Middleware(
        CORSMiddleware, allow_origin_regex=_build_origin_pattern(database), allow_headers=("*",)
    )
    return [
        Route(f"/browser/{name}", answer, methods=["GET", "OPTIONS"], middleware=[shared])
        for name, answer in (("guide", get_guide), ("style.grass", get_style), ("scripts.zip", get_scripts))
    ]


async def get_guide(request: Request) -> Response:
    """Answer with the guide through the largest cluster: prose around the statements of `cypher/`."""
    service = str(request.base_url).rstrip("/")

    def fill_placeholder(found: re.Match[str]) -> str:
        return html.escape(service if found[1] == "service" else load_text(found[1]))

    page = _PLACEHOLDER.sub(fill_placeholder, read_file("browser/guide.html"))
    return HTMLResponse(page, headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY})


async def get_style(_: Request) -> Response:
    """Answer with colours and captions for `:style`."""
    return PlainTextResponse(read_file("browser/style.grass"))


async def get_scripts(_: Request) -> Response:
    """Answer with the ten questions as a zip file, the only form that Neo4j Browser imports at once."""
    return Response(
        _build_archive(),
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="graphsvc-scripts.zip"'},
    )


def list_questions() -> list[str]:
    """Return the names of the ten questions, in order."""
    return [name for name in list_names("browser") if name.count("/") == 1]


@cache
def _build_archive() -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name in list_questions():
            # A fixed time: the same scripts are the same bytes.
            entry = ZipInfo(f"graphsvc/{name.removeprefix('browser/')}.cypher")
            archive.writestr(entry, read_file(f"{name}.cypher"))
    return packed.getvalue()


def _build_origin_pattern(database: str) -> str:
    host = urlsplit(database).hostname
    hosts = [f"[{each}]" if ":" in each else each for each in (*_LOOPBACK, host) if each]
    return rf"https?://({'|'.join(map(re.escape, hosts))})(:\d+)?"
