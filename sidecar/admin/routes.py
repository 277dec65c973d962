"""The routes of the admin listener: the socket's, behind the guard.

Law: every answer leaves with the headers that keep a browser from doing anything with it but show it. Events are handed
in on the socket alone.
"""

from aiohttp import hdrs, web

from sidecar.admin.guard import Guard, visitor
from sidecar.api.changes import is_change, told
from sidecar.api.parts import PARTS
from sidecar.api.routes import ROUTES
from sidecar.web.problems import expect, tell

LIMIT = 64 * 1024
"""Bytes of a body."""

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'"
)

HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer that has no other."""


def make_app(socket_app: web.Application, guard: Guard) -> web.Application:
    """The routes of `socket_app`, over the same parts."""
    app = web.Application(middlewares=[tell, guard.admit], client_max_size=LIMIT)
    app[PARTS] = socket_app[PARTS]
    app.on_response_prepare.append(_dress)
    for method, path, handler in ROUTES:
        if method == "GET":  # and HEAD
            app.router.add_get(path, handler, expect_handler=expect)
        elif is_change(method, path):
            app.router.add_route(method, path, told(handler, visitor), expect_handler=expect)
        elif path.startswith("/explain"):
            app.router.add_route(method, path, handler, expect_handler=expect)
    return app


async def _dress(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "drone-webhook-sidecar"
    if response.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="sidecar"'
