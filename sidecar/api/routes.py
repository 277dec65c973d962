"""The socket's routes, and serving them. Law: the routes are one table; every error goes through `problems.tell`."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sidecar.api import deliveries, endpoints, events, explain, hooks, keys, packages, probes, projects, replays, why
from sidecar.api.changes import is_change, peer, told
from sidecar.api.intake import DEFAULT
from sidecar.api.parts import PARTS, Parts
from sidecar.web.problems import HttpLog, expect, tell

ROUTES = (
    ("POST", "/events", events.post_events),
    ("POST", "/events/{dialect}", events.post_events),
    ("GET", "/events/{id}", events.get_event),
    ("GET", "/events/{id}/why", why.get_why),
    ("GET", "/deliveries", deliveries.get_deliveries),
    ("GET", "/deliveries/{id}", deliveries.get_delivery),
    ("POST", "/deliveries/{id}/resend", deliveries.resend),
    ("POST", "/replays", replays.post_replay),
    ("GET", "/replays", replays.get_replays),
    ("GET", "/replays/{id}", replays.get_replay),
    ("DELETE", "/replays/{id}", replays.delete_replay),
    ("GET", "/endpoints", endpoints.get_endpoints),
    ("POST", "/endpoints/{name}/ping", endpoints.ping),
    ("POST", "/endpoints/{name}/pause", endpoints.pause),
    ("POST", "/endpoints/{name}/resume", endpoints.resume),
    ("PUT", "/endpoints/{name}/secret", endpoints.put_secret),
    ("DELETE", "/endpoints/{name}/secret", endpoints.delete_secret),
    ("POST", "/explain", explain.explain),
    ("POST", "/explain/{dialect}", explain.explain),
    ("GET", "/hooks", hooks.get_hooks),
    ("GET", "/api_3/project/list", projects.get_projects),
    ("POST", "/api_3/project/add/{ownername}", projects.add_project),
    ("POST", "/api_3/project/edit/{ownername}/{projectname}", projects.edit_project),
    ("POST", "/api_3/project/delete/{ownername}/{projectname}", projects.delete_project),
    ("POST", "/api_3/webhook/generate/{ownername}/{projectname}", projects.generate),
    ("GET", "/api_3/package/list", packages.get_packages),
    ("POST", "/api_3/package/add/{ownername}/{projectname}/{package}", packages.add_package),
    ("POST", "/api_3/package/edit/{ownername}/{projectname}/{package}", packages.edit_package),
    ("POST", "/api_3/package/delete/{ownername}/{projectname}/{package}", packages.delete_package),
    ("GET", "/healthz", probes.healthz),
    ("GET", "/readyz", probes.readyz),
    ("GET", "/.well-known/jwks.json", keys.jwks),
    ("GET", "/metrics", probes.metrics),
)

KEEPALIVE = 3600.0
"""Seconds an idle connection is kept: it is local, and costs next to nothing."""

BACKLOG = 1024
"""Connections that may wait to be accepted; the system may allow fewer."""


def make_app(parts: Parts) -> web.Application:
    """The routes over these parts."""
    app = web.Application(middlewares=[tell], client_max_size=parts.max_event_size)
    app[PARTS] = parts
    for method, path, handler in ROUTES:
        if method == "GET":  # and HEAD
            app.router.add_get(path, handler, expect_handler=expect)
        else:
            taken = told(handler, peer) if is_change(method, path) else handler
            app.router.add_route(method, path, taken, expect_handler=expect)
    return app


def straight(app: web.Application, usual: Handler) -> Handler:
    """What takes events as their routes do, but past the router and its chain of middleware, which they would feel
    (docs/performance.md); all else goes the `usual` way."""
    parts = app[PARTS]
    dialects = {"/events": DEFAULT} | {f"/events/{name}": name for name in parts.dialects}

    async def front(request: web.Request) -> web.StreamResponse:
        dialect = dialects.get(request.raw_path) if request.method == "POST" else None
        if dialect is None or hdrs.EXPECT in request.headers:
            return await usual(request)
        return await tell(request, lambda request: events.take(request, parts, dialect))

    return front


@asynccontextmanager
async def serving(app: web.Application, listener: socket.socket, *, patience: float = 5.0) -> AsyncIterator[None]:
    """Serve `app` on a unix socket that listens.

    At the end no connection is accepted any more, and requests under way have `patience` seconds to finish. As long is
    read on what a client sends behind a refusal, so that it comes to hear of it.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=HttpLog("http"),
        auto_decompress=False,
        keepalive_timeout=KEEPALIVE,
        lingering_time=patience,
        shutdown_timeout=patience,
    )
    await runner.setup()
    try:
        assert runner.server is not None
        runner.server.request_handler = straight(app, runner.server.request_handler)  # type: ignore[assignment] # an application's server makes web.Requests
        server = await asyncio.get_running_loop().create_unix_server(runner.server, sock=listener, backlog=BACKLOG)
        try:
            yield
        finally:
            server.close()
    finally:
        await runner.cleanup()
