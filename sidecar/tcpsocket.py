"""A listener on TCP, and serving HTTP there to whoever comes.

Law: what cannot be bound names the setting and the way out. Strangers may come: connections have a bound, and one that
asks nothing is not kept.
"""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from logging import Logger

from aiohttp import web
from aiohttp.typedefs import Handler

from sidecar.errors import Occupied

BACKLOG = 128
"""Connections that may wait to be accepted; the system may allow fewer."""

CONNECTIONS = 256
"""At once, of one listener; one more is closed as it comes."""

FIRST_REQUEST = 10.0
"""Seconds from connecting to the end of the first request's head."""

KEEPALIVE = 30.0
"""Seconds an idle connection is kept, also with a head that is not whole."""

LINE, HEADERS = 4096, 64
"""Bytes of a request's first line, or of one header; and how many headers there may be. More is answered 400."""

ELSEWHERE = frozenset((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))
"""Of several addresses of one name, those that this machine has not."""


def listen(host: str, port: int, *, setting: str) -> tuple[socket.socket, ...]:
    """Sockets that listen at every address of `host` (IPv6 without brackets); port 0 takes any free one.

    `[::]` takes IPv4 as well. `setting` is the variable that the address comes from.

    Raises:
        Occupied: another process listens there.
        OSError: it cannot be bound; the message names the setting and the way out.
    """
    where = shown(host, port)
    try:
        # The addresses are those of this machine: no name is asked for on the wire but where a user wrote one.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise OSError(error.errno, f"{setting}: {host!r} is no host that is known here; write an address") from error
    with_ports: list[socket.socket] = []
    last: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        taken = with_ports[0].getsockname()[1] if with_ports else address[1]
        try:
            with_ports.append(_bound(family, (address[0], taken, *address[2:])))
        except OSError as error:
            last = error
            if error.errno not in ELSEWHERE:
                break
    if with_ports and (last is None or last.errno in ELSEWHERE):
        return tuple(with_ports)
    for one in with_ports:
        one.close()
    assert last is not None
    raise _told(last, setting, where) from last


def shown(host: str, port: int) -> str:
    """`host:port`, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.settimeout(0)
    except OSError:
        listener.close()
        raise
    return listener


def _told(error: OSError, setting: str, where: str) -> Exception:
    """The failure in words for a person."""
    way_out = f"set {setting} to another address, or to off"
    match error.errno:
        case errno.EADDRINUSE:
            return Occupied(f"{setting}: another process listens on {where}: stop it, or {way_out}")
        case errno.EACCES:
            return OSError(error.errno, f"{setting}: the sidecar's user may not listen on {where}: {way_out}")
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return OSError(error.errno, f"{setting}: {where} is no address of this machine: {way_out}")
        case _:
            why = os.strerror(error.errno) if error.errno else str(error)
            return OSError(error.errno, f"{setting}: cannot listen on {where} ({why}): {way_out}")


@asynccontextmanager
async def serving(
    app: web.Application,
    listeners: Sequence[socket.socket],
    *,
    logger: Logger,
    patience: float = 1.0,
    first_request: float = FIRST_REQUEST,
    connections: int = CONNECTIONS,
    per_place: int = CONNECTIONS,
    place: Callable[[str], str] = str,
    pause: float = 0,
) -> AsyncIterator[None]:
    """Serve `app` on `listeners`, and close them at the end, when requests under way have `patience` seconds to finish.

    `first_request`: seconds a connection may take to ask for something; `connections`: at once, and `per_place` of
    them from what `place` makes of an address; `pause`: seconds between one that is let in and the next, which waits
    with the system meanwhile.
    """
    door = _Door(first_request, connections, per_place, place)
    app.middlewares.insert(0, door.note)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=logger,
        auto_decompress=False,
        keepalive_timeout=KEEPALIVE,
        lingering_time=patience,
        shutdown_timeout=patience,
        max_line_size=LINE,
        max_field_size=LINE,
        max_headers=HEADERS,
    )
    async with AsyncExitStack() as stack:
        for one in listeners:
            stack.callback(one.close)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        door.server = runner.server
        for one in listeners:
            if pause:
                stack.callback(asyncio.ensure_future(door.let_in(one, pause)).cancel)
            else:
                server = await asyncio.get_running_loop().create_server(door.connected, sock=one, backlog=BACKLOG)
                stack.callback(server.close)
        yield


class _Door:
    """Whom it lets in, and for how long who says nothing."""

    def __init__(self, first_request: float, connections: int, per_place: int, place: Callable[[str], str]) -> None:
        self._first_request = first_request
        self._connections = connections
        self._per_place = per_place
        self._place = place
        self._silent: dict[web.RequestHandler, asyncio.TimerHandle] = {}
        self.server: web.Server | None = None

    def connected(self) -> asyncio.Protocol:
        return _Guest(self._enter)

    async def let_in(self, listener: socket.socket, pause: float) -> None:
        """One after another, without end: however many come, most of the event loop's time is left to others."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(OSError):  # it has gone already; or there is no descriptor left, now
                connection, _ = await loop.sock_accept(listener)
                await loop.connect_accepted_socket(self.connected, connection)
            await asyncio.sleep(pause)

    def _enter(self, transport: asyncio.Transport) -> None:
        assert self.server is not None
        inside = self.server.connections
        where = self._where(transport.get_extra_info("peername"))
        if (
            len(inside) >= self._connections
            or [self._where(one.peername) for one in inside].count(where) >= self._per_place
        ):
            transport.close()
            return
        for gone in [one for one in self._silent if one.transport is None]:
            self._listened_to(gone)  # or what it said would be kept until its time is over
        handler = self.server()
        self._silent[handler] = asyncio.get_running_loop().call_later(self._first_request, self._lose_patience, handler)
        transport.set_protocol(handler)
        handler.connection_made(transport)

    def _where(self, peer: object) -> str:
        return self._place(str(peer[0])) if isinstance(peer, tuple) else ""

    @web.middleware
    async def note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._listened_to(request.protocol)
        return await handler(request)

    def _listened_to(self, handler: web.RequestHandler) -> None:
        if timer := self._silent.pop(handler, None):
            timer.cancel()

    def _lose_patience(self, handler: web.RequestHandler) -> None:
        self._listened_to(handler)
        handler.force_close()


class _Guest(asyncio.Protocol):
    """A connection of which is not yet known where it is from."""

    def __init__(self, enter: Callable[[asyncio.Transport], None]) -> None:
        self._enter = enter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._enter(transport)  # type: ignore[arg-type]  # of a stream it is one
