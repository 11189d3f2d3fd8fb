"""Serve everything below a path, as a proxy offers it. Plain ASGI, outermost."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Prefix:
    """Tells the routes about the prefix, whether or not the proxy removes it from paths."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        """Remember the prefix.

        Args:
            app: the application behind the prefix.
            root_path: with a slash at its beginning and none at its end; empty: no prefix.
        """
        self._app = app
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request, or one WebSocket, on; the lifespan passes through."""
        if self._root and scope["type"] in ("http", "websocket"):
            if scope["path"] == self._root and scope["type"] == "http":
                # The page's own links are relative, so its address ends with a slash.
                await RedirectResponse(f"{self._root}/", 307)(scope, receive, send)
                return
            # ASGI: `path` includes `root_path`. Some proxies strip the prefix, some do not.
            if not scope["path"].startswith(f"{self._root}/"):
                scope["path"] = self._root + scope["path"]
            scope["root_path"] = self._root
        await self._app(scope, receive, send)
