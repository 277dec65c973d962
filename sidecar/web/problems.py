"""RFC 9457 problem details: every error of the socket, in one form, made in one place.

Law: what we raise on purpose is told to the client in full. A surprise is told to the log, and there without its
message, which may hold what nobody should read.
"""

import logging
import re
import traceback
from functools import cache
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from msgspec import Struct, json

from sidecar.errors import MethodNotAllowed, NoSpace, NotFound, OutboxBroken, Problem, TooLarge, Unavailable

TYPE = "application/problem+json"
NO_SPACE_WAIT = 30
BROKEN_WAIT = 5

log = structlog.get_logger()


class TooSlow(Problem):
    """The rest of the body did not come."""

    status = 408
    title = "Request timeout"


class UnknownExpectation(Problem):
    """The `Expect` header asks for something other than `100-continue`."""

    status = 417
    title = "Expectation failed"


class InternalError(Problem):
    """A fault of the sidecar itself; the log has it as `api.failed`."""

    status = 500
    title = "Internal error"


class Document(Struct, omit_defaults=True):
    """RFC 9457, section 3.1; `pointer` (RFC 6901) where a member of the event is at fault."""

    type: str
    title: str
    status: int
    detail: str
    pointer: str = ""


@cache
def urn(name: str) -> str:
    """`NotAnEvent` → `urn:sidecar:problem:not-an-event`."""
    return "urn:sidecar:problem:" + re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def kind(problem: Problem) -> str:
    """`not-an-event`: the end of the problem's type."""
    return urn(type(problem).__name__).rpartition(":")[2]


def document(problem: Problem) -> Document:
    """The problem as it is told. Headers may bring what is no Unicode; JSON must be."""
    told = [text.encode(errors="replace").decode() for text in (problem.detail, problem.pointer)]
    return Document(urn(type(problem).__name__), problem.title, problem.status, *told)


def respond(problem: Problem, *, allow: str = "") -> web.Response:
    """The answer to a request that failed as a whole; `allow` is the header of a 405."""
    response = _response(document(problem))
    if problem.retry_after:
        response.headers[hdrs.RETRY_AFTER] = str(problem.retry_after)
    if allow:
        response.headers[hdrs.ALLOW] = allow
    if isinstance(problem, TooSlow):
        response.force_close()
    return response


def refusal(error: Problem | NoSpace | OutboxBroken) -> Problem:
    """The problem to tell where the outbox, or the gate before it, took nothing."""
    match error:
        case NoSpace():
            return Unavailable(str(error) or "no space left on the disk", retry_after=NO_SPACE_WAIT)
        case OutboxBroken():
            return Unavailable("the outbox is broken, the log says how; nothing was taken", retry_after=BROKEN_WAIT)
        case Unavailable(retry_after=0):
            return Unavailable(error.detail, retry_after=NO_SPACE_WAIT)
        case _:
            return error


def too_large(limit: int) -> TooLarge:
    """The problem of an event above `limit` bytes."""
    return TooLarge(f"an event may have {limit} bytes (SIDECAR_MAX_EVENT_SIZE)")


def failed(request: web.Request, error: BaseException) -> InternalError:
    """Log a surprise: its type, and where it came from."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    log.error(
        "api.failed",
        method=request.method,
        path=request.path,
        error=type(error).__name__,
        traceback="".join(traceback.format_tb(error.__traceback__)),
    )
    return InternalError("the sidecar failed; its log says where, as api.failed")


def cut(request: web.Request) -> None:
    """End the connection here and now: whoever reads the answer must not take it for whole."""
    if request.transport is not None:
        request.transport.abort()


class HttpLog(logging.Logger):
    """What aiohttp complains of by itself, told by its type alone: its messages quote the bytes that were no HTTP."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **rest: Any) -> None:
        log.warning("api.not_http", error=type(exc_info).__name__)


@web.middleware
async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where an exception becomes an answer."""
    try:
        return await handler(request)
    except (Problem, NoSpace, OutboxBroken) as error:
        return respond(refusal(error))
    except web.HTTPException as error:
        return _translate(request, error)
    except ConnectionError:
        return web.Response()  # the client has gone; nobody will read this
    except Exception as error:  # noqa: BLE001 - whatever it was: this request fails, the process goes on
        problem = failed(request, error)
        if request.writer.output_size:
            cut(request)
        return respond(problem)


async def expect(request: web.Request) -> web.StreamResponse | None:
    """Answer `Expect: 100-continue` (RFC 9110, section 10.1.1), with which curl announces a large body."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return respond(UnknownExpectation("Expect may be 100-continue, or left out"))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None


def _translate(request: web.Request, error: web.HTTPException) -> web.Response:
    """What aiohttp raises, in our words where we have some."""
    match error:
        case web.HTTPMethodNotAllowed():
            allow = ", ".join(sorted(error.allowed_methods))
            return respond(MethodNotAllowed(f"{request.method} is not allowed here, but {allow}"), allow=allow)
        case web.HTTPNotFound():
            return respond(NotFound(f"there is no {request.path[:200]} here"))
        case _:
            phrase = HTTPStatus(error.status).phrase
            return _response(Document("about:blank", phrase, error.status, phrase))


def _response(told: Document) -> web.Response:
    return web.Response(body=json.encode(told), status=told.status, content_type=TYPE)
