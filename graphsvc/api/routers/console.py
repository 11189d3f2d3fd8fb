"""The investigator's console out of the package: a page of our own at `/`, which asks `/graphql` by document ids only.

Its source is in `console/`; `make console` builds it into `static/console/`. The files hold no data.
"""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

_DIRECTORY = Path(__file__).parents[1] / "static" / "console"

# Nothing inline and nothing from elsewhere: what is not in these files does not run in the page.
_CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
))  # fmt: skip

router = APIRouter()


def build_static_files() -> StaticFiles:
    """Return the app that serves the page's scripts and styles."""
    return StaticFiles(directory=_DIRECTORY)


@router.api_route("/", methods=["GET", "HEAD"])
async def get_page() -> Response:
    """Answer with the page. Only its tab knows who is signed in."""
    return FileResponse(
        _DIRECTORY / "index.html", headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY}
    )
