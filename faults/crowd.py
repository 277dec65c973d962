"""Who receives: five endpoints on loopback, of which one is well.

Law: what a request asks for goes into the ledger when it has been read, and what was answered 2xx when that was said.
The dead one holds its port, so that nobody else can have it, and does not listen.
"""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from receivers import HERE, Behaviour, Received, Receiver, Wire, answers, bound, connected, status

from faults.ledger import Ledger, named

ENDPOINTS = ("healthy", "dead", "slow", "flapping", "failing")
GOOD = status("204 No Content")
BAD = status("500 Internal Server Error", b"no")
BUSY = status("503 Service Unavailable")
SLOW = 0.15
"""Seconds that the slow one takes at most."""


@dataclass
class Crowd:
    """The five, each with how it behaves now."""

    ledger: Ledger
    dice: random.Random
    stack: AsyncExitStack
    sockets: dict[str, socket.socket] = field(init=False)
    ways: dict[str, Behaviour] = field(init=False)
    connections: int = 0

    def __post_init__(self) -> None:
        self.sockets = {name: bound() for name in ENDPOINTS}
        well = {name: self.well(name) for name in ENDPOINTS}
        slow, flapping = self._slow(well["slow"]), self._flapping(well["flapping"])
        self.ways = {**well, "slow": slow, "flapping": flapping, "failing": answers(BAD)}

    def settings(self) -> dict[str, str]:
        """Where they are, as the sidecar is told."""
        urls = {name: f"http://{HERE}:{sock.getsockname()[1]}/" for name, sock in self.sockets.items()}
        return {f"SIDECAR_ENDPOINT_{name.upper()}_URL": url for name, url in urls.items()}

    async def listen(self, name: str) -> None:
        """From now on somebody is there."""

        async def serve(_: Receiver, wire: Wire) -> None:
            self.connections += 1
            try:
                while not wire.writer.is_closing() and (request := await wire.request()) is not None:
                    self._note(name, request)
                    await self.ways[name](wire, request)
            finally:
                self.connections -= 1
                await self.ledger.tell()

        await self.stack.enter_async_context(connected(serve, sock=self.sockets[name]))

    async def heal(self) -> None:
        """All are well."""
        self.ways = {name: self.well(name) for name in ENDPOINTS}
        await self.listen("dead")

    async def quiet(self) -> None:
        """Return once every connection has ended: all that a process sent before it died has been read."""
        await self.ledger.until(lambda: self.connections == 0, 10)

    def _note(self, name: str, request: Received) -> None:
        event, body = named(request.headers["webhook-id"]), request.body
        whole = b'"number": %d,' % event.number in body and b'"octo/%s"' % event.subject.encode() in body
        self.ledger.came(name, event, whole=whole)

    def well(self, name: str) -> Behaviour:
        """Answers 204 at once, and tells the ledger."""

        async def behave(wire: Wire, request: Received) -> None:
            self.ledger.taken(name, named(request.headers["webhook-id"]))
            await wire.say(GOOD)
            await self.ledger.tell()

        return behave

    def _slow(self, well: Behaviour) -> Behaviour:
        async def behave(wire: Wire, request: Received) -> None:
            await asyncio.sleep(self.dice.uniform(0, SLOW))
            await well(wire, request)

        return behave

    def _flapping(self, well: Behaviour) -> Behaviour:
        """Well for a while, then not, in one of the ways there are."""
        ways = [answers(BAD), answers(BUSY), _hang_up, _reset]
        turns = self._turns()

        async def behave(wire: Wire, request: Received) -> None:
            await (well if next(turns) else self.dice.choice(ways))(wire, request)

        return behave

    def _turns(self) -> Iterator[bool]:
        while True:
            yield from [True] * self.dice.randrange(1, 40)
            yield from [False] * self.dice.randrange(1, 12)


async def _hang_up(wire: Wire, _: Received) -> None:
    wire.writer.close()


async def _reset(wire: Wire, _: Received) -> None:
    wire.reset()


@asynccontextmanager
async def crowd(ledger: Ledger, dice: random.Random) -> AsyncIterator[Crowd]:
    """All but the dead one listen."""
    async with AsyncExitStack() as stack:
        it = Crowd(ledger, dice, stack)
        for sock in it.sockets.values():
            stack.callback(sock.close)
        for name in ENDPOINTS:
            if name != "dead":
                await it.listen(name)
        yield it
