"""The routes of the admin listener: the socket's, behind the guard.

Law: every answer leaves with the headers that keep a browser from doing anything with it but show it. Events are handed
in on the socket alone.
"""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from msgspec import Struct, json

from sidecar.admin.guard import Guard, visitor
from sidecar.admin.live import Live
from sidecar.admin.pages import Pages, wants_page
from sidecar.admin.signing_in import SigningIn
from sidecar.api.changes import is_change, told
from sidecar.api.parts import PARTS
from sidecar.api.routes import ROUTES
from sidecar.meters import Meters
from sidecar.model import Owed
from sidecar.ports import Clock
from sidecar.status import ASSETS, Asset
from sidecar.web.problems import TYPE, expect, tell

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


def make_app(
    socket_app: web.Application, guard: Guard, *, meters: Meters, max_owed: int, clock: Clock
) -> web.Application:
    """The routes of `socket_app`, over the same parts, with pages for whom asks with a browser.

    `max_owed`: SIDECAR_MAX_OUTBOX_SIZE, bytes.
    """
    readable = frozenset(path for method, path, _ in ROUTES if method == "GET")
    pages = Pages(guard, meters, max_owed=max_owed, paths=readable)
    app = web.Application(middlewares=[_explained(pages), tell, guard.admit], client_max_size=LIMIT)
    app[PARTS] = socket_app[PARTS]
    app.on_response_prepare.append(_dress)
    for method, path, handler in ROUTES:
        if method == "GET":  # and HEAD
            app.router.add_get(path, pages.shown(path, handler), expect_handler=expect)
        elif is_change(method, path):
            app.router.add_route(method, path, _followed(told(handler, visitor)), expect_handler=expect)
        elif path.startswith("/explain"):
            app.router.add_route(method, path, handler, expect_handler=expect)
    signing_in = SigningIn(guard, pages)
    app.router.add_get("/", pages.front, expect_handler=expect)
    app.router.add_get("/live", Live(clock, meters).stream, allow_head=False, expect_handler=expect)
    app.router.add_get("/sign-in", signing_in.show, expect_handler=expect)
    app.router.add_post("/sign-in", signing_in.begin, expect_handler=expect)
    app.router.add_post("/sign-out", signing_in.end, expect_handler=expect)
    for asset in ASSETS.values():
        app.router.add_get(asset.path, _asset(asset), expect_handler=expect)
    return app


def _explained(pages: Pages) -> Middleware:
    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        """A problem as a page, for whom asks with a browser."""
        response = await handler(request)
        if response.content_type == TYPE and isinstance(response, web.Response) and wants_page(request):
            return await pages.problem(request, response)
        return response

    return explain


def _followed(handler: Handler) -> Handler:
    async def change(request: web.Request) -> web.StreamResponse:
        """A form is answered with the page on which one sees what came of it."""
        response = await handler(request)
        if not wants_page(request):
            return response
        return web.Response(status=303, headers={hdrs.LOCATION: _after(request, response)})

    return change


def _after(request: web.Request, response: web.StreamResponse) -> str:
    what = request.path.rpartition("/")[2]
    if request.path.startswith("/deliveries/"):
        return f"/deliveries/{request.match_info['id']}?done={what}"
    if what == "ping" and isinstance(response, web.Response) and isinstance(response.body, bytes):
        return f"/deliveries/{json.decode(response.body, type=_Owing).deliveries[0].id}?done={what}"
    return f"/?done={what}"


class _Owing(Struct):
    """Of the answer to a ping."""

    deliveries: tuple[Owed, ...]


def _asset(asset: Asset) -> Handler:
    async def send(_: web.Request) -> web.StreamResponse:
        headers = {hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable"}
        return web.Response(body=asset.content, content_type=asset.content_type, headers=headers)

    return send


async def _dress(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "drone-webhook-sidecar"
    if response.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="sidecar"'
