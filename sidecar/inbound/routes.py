"""The two routes, and how what goes wrong is told and noted.

Law: whoever posts is told no more than it must know to mend it; what it was and why it was refused is in the log of
hooks. A path is never told or logged, because there may be a secret in it.
"""

import logging
import socket
import traceback
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from msgspec import structs

from sidecar import tcpsocket
from sidecar.errors import MethodNotAllowed, NoSpace, NotFound, OutboxBroken, Problem, RegistryBroken, Unavailable
from sidecar.inbound.parts import PARTS, Parts
from sidecar.inbound.relay import post_drone
from sidecar.inbound.visit import VISIT, Visit
from sidecar.inbound.webhooks import post_webhook
from sidecar.web.problems import BROKEN_WAIT, InternalError, UnknownExpectation, refusal, respond
from sidecar.web.slowness import place

PROJECT = "/webhooks/{ownername}/{projectname}/{secret}"
ROUTES = (
    (PROJECT, post_webhook),
    (f"{PROJECT}/", post_webhook),
    (f"{PROJECT}/{{package}}", post_webhook),
    (f"{PROJECT}/{{package}}/", post_webhook),
    ("/hooks/drone", post_drone),
    ("/hooks/drone/", post_drone),
)

HEAD_TIME = 10.0
"""Seconds from connecting to the end of the first request's head."""

CONNECTIONS, PER_PLACE = 256, 64
"""At once, and of them from one address (of IPv6, one /64)."""

PAUSE = 0.01
"""Seconds between two connections: a flood has at most so many a second, and whoever is refused has to come anew."""

log = structlog.get_logger()


class InboundLog(logging.Logger):
    """What aiohttp complains of by itself, by its type alone, and seldom: anybody can make it complain."""

    def __init__(self) -> None:
        super().__init__("inbound")
        self._count = 0

    def exception(self, msg: object, *args: object, exc_info: Any = True, **rest: Any) -> None:
        self._count += 1
        if self._count & (self._count - 1) == 0:
            log.warning("inbound.not_http", error=type(exc_info).__name__, count=self._count)


def wrong_secret(address: str, count: int) -> None:
    """For `Slowness`."""
    log.warning("inbound.wrong_secret", address=address, count=count)


def make_app(parts: Parts) -> web.Application:
    """The routes over these parts."""
    app = web.Application(middlewares=[tell])
    app[PARTS] = parts
    app.on_response_prepare.append(_dress)
    for path, handler in ROUTES:
        app.router.add_post(path, handler, expect_handler=_expect)
    return app


def serving(
    parts: Parts, listeners: Sequence[socket.socket], *, head_time: float = HEAD_TIME
) -> AbstractAsyncContextManager[None]:
    """Serve them on `listeners`; a connection has `head_time` seconds to say what it wants."""
    return tcpsocket.serving(
        make_app(parts),
        listeners,
        logger=InboundLog(),
        first_request=head_time,
        connections=CONNECTIONS,
        per_place=PER_PLACE,
        place=place,
        pause=PAUSE,
    )


@web.middleware
async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where an exception becomes an answer, and is noted."""
    parts = request.app[PARTS]
    request[VISIT] = Visit.of(request, parts.clock.now())
    try:
        response = await handler(request)
        parts.observer.hooked(request[VISIT].hook.route, taken=response.status < 400)
        return response  # noqa: TRY300 - what is refused is counted where it is noted
    except (Problem, NoSpace, OutboxBroken, RegistryBroken) as error:
        return _refused(request, _problem(error))
    except web.HTTPMethodNotAllowed:
        return _closed(respond(MethodNotAllowed("webhooks are posted"), allow=hdrs.METH_POST))
    except web.HTTPException:
        return _closed(respond(NotFound("there is POST /webhooks/… and POST /hooks/drone here")))
    except ConnectionError:
        return web.Response()  # the client has gone; nobody will read this
    except Exception as error:  # noqa: BLE001 - whatever it was: this request fails, the process goes on
        return _refused(request, _failed(request, error))


def _refused(request: web.Request, problem: Problem) -> web.Response:
    visit = request[VISIT]
    hook = structs.replace(visit.hook, outcome="refused", status=problem.status, reason=visit.why or problem.detail)
    parts = request.app[PARTS]
    parts.hooks.note(hook)
    parts.observer.hooked(hook.route, taken=False)
    response = respond(problem)
    return response if problem.status >= 500 else _closed(response)


def _closed(response: web.Response) -> web.Response:
    """Whoever is wrong has to come anew, and connections have their pace."""
    response.force_close()
    return response


def _problem(error: Problem | NoSpace | OutboxBroken | RegistryBroken) -> Problem:
    if isinstance(error, RegistryBroken):
        return Unavailable("the registry is broken, the log says how; nothing was taken", retry_after=BROKEN_WAIT)
    return refusal(error)


def _failed(request: web.Request, error: BaseException) -> InternalError:
    resource = request.match_info.route.resource
    log.error(
        "inbound.failed",
        path=resource.canonical if resource else "",
        error=type(error).__name__,
        traceback="".join(traceback.format_tb(error.__traceback__)),
    )
    return InternalError("the sidecar failed; its log says where, as inbound.failed")


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """`100 Continue` is said where the body is read: after the secret."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return respond(UnknownExpectation("Expect may be 100-continue, or left out"))
    return None


async def _dress(_: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = "drone-webhook-sidecar"
