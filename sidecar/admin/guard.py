"""Who may ask what over TCP.

Law: everything is refused that is not let through here. A token is compared in constant time, and a right one is never
refused, whatever was wrong before it.
"""

import hmac
from collections.abc import Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sidecar.admin.hosts import host_of, is_loopback, is_served
from sidecar.admin.slowness import Slowness
from sidecar.errors import Forbidden, Misdirected, Unauthorized
from sidecar.model import Secret
from sidecar.ports import Clock

OPEN = frozenset(("/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"))
"""Paths that are read without a token everywhere: by probes, by Prometheus, by receivers."""

READING = frozenset((hdrs.METH_GET, hdrs.METH_HEAD))

WAY = web.RequestKey("way", str)
"""How whoever asks has shown who it is: `token`, or "" for not at all."""


class Guard:
    """The rules of one listener.

    Args:
        token: `SIDECAR_ADMIN_TOKEN`, None where it is not set.
        hosts: `SIDECAR_ADMIN_HOSTS`, in lower case, IPv6 without brackets.
        loopback: whether the listener can be reached from this machine alone.
    """

    def __init__(self, *, token: Secret | None, hosts: tuple[str, ...], loopback: bool, clock: Clock) -> None:
        self._token = token.reveal() if token is not None else b""
        self._hosts = frozenset(hosts)
        self._loopback = loopback
        self._slowness = Slowness(clock)

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand on what may be asked; raises a `Problem` for the rest."""
        host = self._host(request)
        reading = request.method in READING
        is_open = reading and request.path in OPEN
        request[WAY] = "" if is_open else await self._way(request)
        if not reading:
            _same_origin(request)
            self._may_change(request[WAY])
        elif not is_open and not request[WAY] and self._is_closed(host):
            raise Unauthorized(f"this listener is read with its token: {HOW}")
        return await handler(request)

    def _host(self, request: web.Request) -> str:
        host = host_of(request.headers.get(hdrs.HOST, ""))
        if not is_served(host, self._hosts):
            raise Misdirected(f"{host[:100]!r} is not served here; add it to SIDECAR_ADMIN_HOSTS where it should be")
        return host

    def _is_closed(self, host: str) -> bool:
        """Whether reading needs the token: off loopback, and, where there is one, for who comes by another name, as
        through a proxy."""
        return not self._loopback or (bool(self._token) and not is_loopback(host))

    async def _way(self, request: web.Request) -> str:
        given = request.headers.get(hdrs.AUTHORIZATION)
        if given is None:
            return ""
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "bearer" and self._is_right(token.strip()):
            return "token"
        await self._slowness.wrong(request.remote or "")
        raise Unauthorized(f"that is not the token: {HOW}")

    def _is_right(self, token: str) -> bool:
        """In constant time; where none is set, none is right."""
        return bool(self._token) & hmac.compare_digest(token.encode(errors="surrogateescape"), self._token)

    def _may_change(self, way: str) -> None:
        if not self._token:
            way_out = "set SIDECAR_ADMIN_TOKEN, or use the `sidecar` command on the socket"
            raise Forbidden(f"nothing can be changed over TCP without a token: {way_out}")
        if not way:
            raise Unauthorized(f"a change needs the token: {HOW}")


HOW = "send `Authorization: Bearer <SIDECAR_ADMIN_TOKEN>`"


def visitor(request: web.Request) -> Mapping[str, object]:
    """Who asks, for the log."""
    return {"address": request.remote, "by": request[WAY]}


def _same_origin(request: web.Request) -> None:
    """A page of elsewhere may make a browser send a request; the browser says where the page is from."""
    origin = request.headers.get(hdrs.ORIGIN)
    site = request.headers.get("Sec-Fetch-Site", "none")
    told = origin is None or origin.partition("://")[2].lower() == request.headers.get(hdrs.HOST, "").lower()
    if not told or site not in ("none", "same-origin"):
        raise Forbidden("a page of another origin asks; open the status page itself")
