"""Who may ask what over TCP.

Law: everything is refused that is not let through here. A token is compared in constant time, and a right one is never
refused, whatever was wrong before it.
"""

import hmac
from collections.abc import Mapping

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sidecar.admin.forms import form
from sidecar.admin.hosts import host_of, is_loopback, is_served
from sidecar.admin.sessions import COOKIE, Session, Sessions, is_word
from sidecar.errors import Forbidden, Misdirected, Unauthorized
from sidecar.model import Secret
from sidecar.ports import Clock
from sidecar.web.slowness import Slowness

log = structlog.get_logger()

OPEN = frozenset(("/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"))
"""Paths that are read without a token everywhere: by probes, by Prometheus, by receivers."""

SIGN_IN = "/sign-in"
STATIC = "/static/"
"""What a browser needs to sign in; nothing of the sidecar's is told there."""

READING = frozenset((hdrs.METH_GET, hdrs.METH_HEAD))

HOW = "send `Authorization: Bearer <SIDECAR_ADMIN_TOKEN>`"

WAY = web.RequestKey("way", str)
"""How whoever asks has shown who it is: `token`, `session`, or "" for not at all."""

SESSION = web.RequestKey("session", Session)
"""There where the way is `session`."""


class Guard:
    """The rules of one listener.

    Args:
        token: `SIDECAR_ADMIN_TOKEN`, None where it is not set.
        hosts: `SIDECAR_ADMIN_HOSTS`, in lower case, IPv6 without brackets.
        loopback: whether the listener can be reached from this machine alone.
    """

    def __init__(
        self, *, token: Secret | None, hosts: tuple[str, ...], loopback: bool, clock: Clock, sessions: Sessions
    ) -> None:
        self._token = token.reveal() if token is not None else b""
        self._hosts = frozenset(hosts)
        self._loopback = loopback
        self._slowness = Slowness(clock, _tell)
        self.sessions = sessions

    @property
    def has_token(self) -> bool:
        """Whether anything can be changed at all."""
        return bool(self._token)

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand on what may be asked; raises a `Problem` for the rest."""
        host = self._host(request)
        reading = request.method in READING
        is_open = reading and (request.path in OPEN or request.path.startswith(STATIC))
        request[WAY] = "" if is_open else await self._way(request)
        if not reading:
            _same_origin(request)
            if request.path != SIGN_IN:
                await self._may_change(request)
        elif not is_open and request.path != SIGN_IN and not request[WAY] and self._is_closed(host):
            raise Unauthorized(f"this listener is read with its token: {HOW}")
        return await handler(request)

    async def is_right(self, request: web.Request, token: str) -> bool:
        """Whether it is the token; where it is not, the answer comes late. Raises `TooManyTries`."""
        right = self._compare(token)
        if not right:
            await self._slowness.wrong(request.remote or "")
        return right

    def _host(self, request: web.Request) -> str:
        host = host_of(request.headers.get(hdrs.HOST, ""))
        if not is_served(host, self._hosts):
            raise Misdirected(f"{host[:100]!r} is not served here; add it to SIDECAR_ADMIN_HOSTS where it should be")
        return host

    def _is_closed(self, host: str) -> bool:
        """Whether reading needs the token: off loopback, and, where there is one, for who comes by another name, as
        through a proxy."""
        return not self._loopback or (self.has_token and not is_loopback(host))

    async def _way(self, request: web.Request) -> str:
        given = request.headers.get(hdrs.AUTHORIZATION)
        if given is None:
            session = self.sessions.find(request.cookies.get(COOKIE, ""))
            if session is not None:
                request[SESSION] = session
            return "session" if session else ""
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "bearer" and await self.is_right(request, token.strip()):
            return "token"
        raise Unauthorized(f"that is not the token: {HOW}")

    def _compare(self, token: str) -> bool:
        """In constant time; where none is set, none is right."""
        return self.has_token & hmac.compare_digest(token.encode(errors="surrogateescape"), self._token)

    async def _may_change(self, request: web.Request) -> None:
        if not self._token:
            way_out = "set SIDECAR_ADMIN_TOKEN, or use the `sidecar` command on the socket"
            raise Forbidden(f"nothing can be changed over TCP without a token: {way_out}")
        if not request[WAY]:
            raise Unauthorized(f"a change needs the token: {HOW}")
        if request[WAY] == "session" and not is_word(request[SESSION], await _word(request)):
            raise Forbidden("the form is not from a page of this session; load the page again")


def _tell(address: str, count: int) -> None:
    log.warning("admin.wrong_token", address=address, count=count)


def visitor(request: web.Request) -> Mapping[str, object]:
    """Who asks, for the log."""
    return {"address": request.remote, "by": request[WAY]}


async def _word(request: web.Request) -> str:
    """The session's word, as a form or a header brings it."""
    return (await form(request)).get("csrf", request.headers.get("X-CSRF-Token", ""))


def _same_origin(request: web.Request) -> None:
    """A page of elsewhere may make a browser send a request; the browser says where the page is from."""
    origin = request.headers.get(hdrs.ORIGIN)
    site = request.headers.get("Sec-Fetch-Site", "none")
    told = origin is None or origin.partition("://")[2].lower() == request.headers.get(hdrs.HOST, "").lower()
    if not told or site not in ("none", "same-origin"):
        raise Forbidden("a page of another origin asks; open the status page itself")
