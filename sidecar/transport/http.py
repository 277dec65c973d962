"""One POST over HTTP/1.1.

Law: whatever the network does becomes a value (`Response | Unreachable`); only a cancellation goes through. The request
is sent as it was made: no redirect is followed, no cookie kept, nothing recoded.
"""

import encodings.idna  # noqa: F401 - a host's name is encoded by it; else it is imported while the first event waits
import io
import socket
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from sidecar.model import Endpoint, Outcome, Request, Response
from sidecar.transport import direct, failures, networks, targets
from sidecar.transport.names import Names
from sidecar.transport.targets import Target
from sidecar.transport.trial import READ, Trial

TOTAL_CONNECTIONS = 1000

FINAL = range(200, 1000)
"""Statuses that end an exchange. 1xx come before the answer, and are passed over; 101 would begin another protocol."""

_LARGE = 2**20
"""Bytes of a body from which on it is written in pieces, so that the loop is not held up."""

_AIOHTTPS = ("User-Agent", "Content-Type")
"""Headers that aiohttp makes up where we send none."""

_TRIAL: ContextVar[Trial] = ContextVar("trial")
"""For the socket factory, which is told nothing but an address, in whatever task it is called."""


class HttpTransport:
    """`ports.Transport` over aiohttp. To be made within a running event loop, and closed.

    Args:
        endpoints: all that will ever be sent to; found by name.
        blocked: networks that no delivery may connect to.
        proxy_for: the proxy for a URL, "" or None for none.
        total_connections: for all endpoints together.
        resolver: of names, closed with the transport; the system's where none is given.

    Raises:
        Misconfigured: a certificate file is none.
    """

    def __init__(
        self,
        *,
        endpoints: Sequence[Endpoint],
        blocked: Sequence[networks.Network],
        proxy_for: Callable[[str], str | None],
        total_connections: int = TOTAL_CONNECTIONS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._targets = targets.prepare(endpoints, proxy_for, total_connections)
        self._blocked = tuple(blocked)
        self._names = resolver or Names()
        self._kept, self._fresh = self._connector(keep_alive=True), self._connector(keep_alive=False)
        self._session, self._once = self._open(self._kept), self._open(self._fresh)

    async def send(self, endpoint: Endpoint, request: Request) -> Outcome:
        target = self._targets[endpoint.name]
        trial = Trial(target)
        async with target.room:
            token = _TRIAL.set(trial)
            try:
                with target.deadline:
                    await self._attempt(trial, request)
            except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
                return failures.unreachable(error, trial)
            finally:
                _TRIAL.reset(token)
        if trial.status in FINAL:
            return Response(trial.status, trial.answer, trial.retry_after)
        return failures.not_final(trial)

    async def close(self) -> None:
        for target in self._targets.values():
            target.kept.close()
        await self._session.close()
        await self._once.close()
        await self._names.close()

    def _connector(self, *, keep_alive: bool) -> aiohttp.TCPConnector:
        """aiohttp's own bounds of time and number are off: `send` has both."""
        return aiohttp.TCPConnector(
            limit=0,
            force_close=not keep_alive,
            resolver=self._names,
            use_dns_cache=False,
            socket_factory=self._socket,
        )

    def _open(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=READ,
            response_class=_Answer,
        )

    async def _attempt(self, trial: Trial, request: Request) -> None:
        """Once; or twice where a kept connection turned out to be closed.

        A receiver may close an idle connection at the very moment we use it again. That is no failure of its own, so
        the request goes out once more, on a connection made for it. It may have been read after all, and come twice:
        at-least-once allows that, and the id is the same.
        """
        if trial.target.proxy and self._blocked:
            await self._vet(trial.target)
        try:
            await self._exchange(self._session, self._kept, trial, request)
        except (aiohttp.ClientConnectionError, ConnectionError) as error:
            if not failures.stale(error, trial):
                raise
            await self._exchange(self._once, self._fresh, trial, request)

    async def _exchange(
        self, session: aiohttp.ClientSession, connector: aiohttp.TCPConnector, trial: Trial, request: Request
    ) -> None:
        target, body = trial.target, request.body
        if not target.proxy and len(body) <= _LARGE:
            await direct.exchange(connector, trial, request)
            return
        headers = _headers(request, target)
        response = await session.post(
            target.url,
            data=body if len(body) <= _LARGE else io.BytesIO(body),
            headers=headers,
            skip_auto_headers=None if all(name in headers for name in _AIOHTTPS) else _AIOHTTPS,
            allow_redirects=False,
            ssl=target.context,
            proxy=target.proxy,
        )
        try:
            trial.begin(response.status, response.headers)
            while chunk := await response.content.readany():
                if not trial.hear(chunk):
                    break
        finally:
            if not response.closed:
                response.close()

    async def _vet(self, target: Target) -> None:
        """Behind a proxy, the address connected to is not seen: all that the name has here must be allowed. A name
        unknown here is the proxy's to judge; many networks resolve outside names nowhere else."""
        try:
            addresses = [str(ip_address(target.host))]
        except ValueError:
            try:
                found = await self._names.resolve(target.host, target.port, socket.AddressFamily.AF_UNSPEC)
            except OSError:
                return
            addresses = [result["host"] for result in found]
        for address in addresses:
            networks.check(address, self._blocked)

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """For a connection about to be made: the one place where its address is known for certain. The proxy's own is
        the operator's choice."""
        family, kind, protocol, _, address = info
        trial = _TRIAL.get()
        trial.dialled = True
        if not trial.target.proxy:
            try:
                networks.check(address[0], self._blocked)
            except networks.Blocked as error:
                trial.blocked = error
                raise
        return socket.socket(family, kind, protocol)


class _Answer(aiohttp.ClientResponse):
    """An answer that is broken off is aborted: a polite end of TLS would wait half a minute for a receiver that is too
    slow already."""

    def close(self) -> None:
        if self.connection is not None and self.connection.transport is not None:
            self.connection.transport.abort()
        super().close()


def _headers(request: Request, target: Target) -> CIMultiDict[str]:
    headers = CIMultiDict(request.headers)
    headers["Accept-Encoding"] = "identity"
    if target.authorization:
        headers.setdefault("Authorization", target.authorization)
    return headers
