"""Receivers that behave as they are told: rightly, wrongly, or not at all; a proxy; and a transport to try them with.

Law: raw asyncio on port 0 of 127.0.0.1, no HTTP library; nothing waits for time: who is slow waits for the sender to
hang up. Leaving the context ends every connection.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sidecar.model import Endpoint, Outcome, Request
from sidecar.transport import HttpTransport
from sidecar.transport.names import Names
from sidecar.transport.networks import Network

HERE = "127.0.0.1"


@dataclass
class Received:
    """One request, as it came. Header names are in lower case; `peer` is the sender's port."""

    line: str
    headers: Mapping[str, str]
    body: bytes
    peer: int

    @property
    def target(self) -> str:
        return self.line.split()[1]


class Wire:
    """One connection, on the receiver's side. `served` counts its requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.served = 0

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def hang(self) -> None:
        """Until the sender hangs up."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """End the connection by RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def request(self) -> Received | None:
        """The next one, None at the end."""
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return None
        line, *fields = head.strip().split("\r\n")
        pairs = (text.partition(":") for text in fields)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        self.served += 1
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Received(line, headers, body, self.writer.get_extra_info("peername")[1])


Behaviour = Callable[[Wire, Received], Awaitable[None]]
"""What a receiver does once a request was read. A connection it has not closed is read again."""


@dataclass
class Receiver:
    """A running receiver, and what it saw. `behave` may be changed while it runs."""

    port: int
    scheme: str
    behave: Behaviour | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    _left: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    _came: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def url(self, rest: str = "/", *, host: str = HERE, user: str = "") -> str:
        return f"{self.scheme}://{user}{host}:{self.port}{rest}"

    async def got_one(self) -> None:
        """Wait for a request."""
        await self._came.acquire()

    async def one_left(self) -> None:
        """Wait for the end of a connection."""
        await self._left.acquire()


Serve = Callable[[Receiver, Wire], Awaitable[None]]


@asynccontextmanager
async def receiving(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver that reads requests and answers each by `behaviour`."""

    async def serve(receiver: Receiver, wire: Wire) -> None:
        while not wire.writer.is_closing() and (request := await wire.request()) is not None:
            receiver.received.append(request)
            receiver._came.release()
            await (receiver.behave or behaviour)(wire, request)

    async with connected(serve, tls=tls) as receiver:
        yield receiver


@asynccontextmanager
async def connected(
    serve: Serve, *, tls: ssl.SSLContext | None = None, sock: socket.socket | None = None
) -> AsyncIterator[Receiver]:
    """A server that does with each connection what `serve` says; on a port of its own, or on `sock`, already bound."""
    tasks: set[asyncio.Task[None]] = set()
    receiver: Receiver

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                await serve(receiver, Wire(reader, writer))
        finally:
            writer.transport.abort() if tls else writer.close()
            receiver._left.release()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.get_running_loop().create_task(run(reader, writer)))

    server = await asyncio.start_server(begin, sock=sock or bound(), ssl=tls)
    receiver = Receiver(server.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def bound() -> socket.socket:
    """A socket with a port of its own, that does not listen: whoever connects is refused."""
    sock = socket.socket()
    sock.bind((HERE, 0))
    return sock


def unused_port() -> int:
    """A port nobody listens on, most likely for some time."""
    with socket.socket() as sock:
        sock.bind((HERE, 0))
        return int(sock.getsockname()[1])


# --- behaviours ------------------------------------------------------------------------------------------------------


def status(line: str, body: bytes = b"", *fields: str) -> bytes:
    """A proper answer: `status("204 No Content")`."""
    head = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def answers(raw: bytes) -> Behaviour:
    async def behave(wire: Wire, request: Received) -> None:
        await wire.say(raw)

    return behave


ok = answers(status("200 OK", b"thanks"))


def says_then_closes(raw: bytes) -> Behaviour:
    async def behave(wire: Wire, request: Received) -> None:
        await wire.say(raw)
        wire.writer.close()

    return behave


def says_then_hangs(raw: bytes) -> Behaviour:
    async def behave(wire: Wire, request: Received) -> None:
        await wire.say(raw)
        await wire.hang()

    return behave


def says_then_resets(raw: bytes) -> Behaviour:
    async def behave(wire: Wire, request: Received) -> None:
        await wire.say(raw)
        wire.reset()

    return behave


def never_ends(head: bytes, again: bytes) -> Behaviour:
    """`head`, then `again` for as long as anybody reads; in blocks, or the writing would keep the loop to itself."""
    block = again * (65536 // len(again) + 1)

    async def behave(wire: Wire, request: Received) -> None:
        await wire.say(head)
        while not wire.writer.is_closing():
            await wire.say(block)

    return behave


def answers_first(count: int) -> Behaviour:
    """Answers `count` requests of each connection, and closes it on the next, which it has read."""

    async def behave(wire: Wire, request: Received) -> None:
        if wire.served > count:
            wire.writer.close()
        else:
            await wire.say(status("200 OK"))

    return behave


def shakes_hands(context: ssl.SSLContext) -> Serve:
    """TLS by hand, as far as the handshake: when it fails, the alert that says why is sent (asyncio drops it)."""

    async def serve(receiver: Receiver, wire: Wire) -> None:
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(inward, outward, server_side=True)
        while chunk := await wire.reader.read(65536):
            inward.write(chunk)
            with suppress(ssl.SSLError):
                tls.do_handshake()
            await wire.say(outward.read())

    return serve


# --- a proxy ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def proxying() -> AsyncIterator[Receiver]:
    """CONNECT makes a tunnel, an absolute target is passed on in origin form. To it, every name is at 127.0.0.1."""

    async def serve(proxy: Receiver, wire: Wire) -> None:
        request = await wire.request()
        if request is None:
            return
        proxy.received.append(request)
        method, target, version = request.line.split()
        tunnel = method == "CONNECT"
        authority, _, path = target.removeprefix("http://").partition("/")
        reader, writer = await asyncio.open_connection(HERE, int(authority.rpartition(":")[2]))
        try:
            if tunnel:
                await wire.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                fields = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
                writer.write(f"{method} /{path} {version}\r\n{fields}\r\n".encode() + request.body)
            await asyncio.gather(_copy(wire.reader, writer), _copy(reader, wire.writer))
        finally:
            writer.close()

    async with connected(serve) as proxy:
        yield proxy


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


# --- a transport -----------------------------------------------------------------------------------------------------

REQUEST = Request(
    (("User-Agent", "sidecar/test"), ("Content-Type", "application/json"), ("X-Drone-Event", "build")),
    b'{"event":"build"}',
)

Send = Callable[[], Awaitable[Outcome]]


@asynccontextmanager
async def sender(
    url: str,
    *,
    request: Request = REQUEST,
    blocked: Sequence[Network] = (),
    proxy: str = "",
    lookup: Callable[..., Any] | None = None,
    **fields: Any,
) -> AsyncIterator[Send]:
    """What sends `request` to `url`, as often as it is called; no answer of `lookup` is kept."""
    endpoint = Endpoint("hooks", "drone", url, **{"timeout": 10_000, **fields})
    names = Names(lookup, keep=0) if lookup else None
    transport = HttpTransport(endpoints=[endpoint], blocked=blocked, proxy_for=lambda _: proxy, resolver=names)
    try:
        yield partial(transport.send, endpoint, request)
    finally:
        await transport.close()


async def sent(url: str, *, within: int = 10_000, **parts: Any) -> Outcome:
    """One attempt, which ends in its time, whatever the receiver does."""
    async with sender(url, timeout=within, **parts) as send, asyncio.timeout(2 * within / 1000):
        return await send()


Info = tuple[Any, ...]
"""As `socket.getaddrinfo` has it."""


def at(*addresses: str) -> Callable[..., list[Info]]:
    """A resolver to which every name is at these addresses; with none, no name is known."""

    def lookup(host: str, port: int, **_: Any) -> list[Info]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [_info(address, port) for address in addresses]

    return lookup


def _info(address: str, port: int) -> Info:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)
