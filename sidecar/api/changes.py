"""Whoever changes something is written down. Law: one line for each change that was made; events are no
changes, they have their own log."""

import socket
import struct
from collections.abc import Callable, Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from sidecar.api.parts import PARTS

CREDENTIALS = struct.Struct("3i")
"""`struct ucred` of Linux (unix(7)): pid, uid, gid."""

log = structlog.get_logger()

Who = Callable[[web.Request], Mapping[str, object]]
"""What is known of who asks."""


def is_change(method: str, path: str) -> bool:
    """Whether a route changes something else than that an event comes in."""
    return method != "GET" and not path.startswith(("/events", "/explain"))


def told(handler: Handler, who: Who) -> Handler:
    """`handler`, with a line of the log for each request that was not refused."""

    async def telling(request: web.Request) -> web.StreamResponse:
        response = await handler(request)
        request.app[PARTS].observer.changed()
        path = request.rel_url.raw_path[:200]
        log.info("api.changed", method=request.method, path=path, status=response.status, **who(request))
        return response

    return telling


def peer(request: web.Request) -> Mapping[str, object]:
    """User and process at the other end of the unix socket, as the system had them when it connected."""
    if request.transport is None:
        return {}
    connection = request.transport.get_extra_info("socket")
    try:
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    except (AttributeError, OSError):  # no Linux; or it has gone
        return {}
    pid, uid, _ = CREDENTIALS.unpack(found)
    return {"uid": uid, "pid": pid}
