"""A receiver of webhooks, for `listen` and `demo`. Law: what is not verified is answered 401 with the reason, and
reported as such; nothing is stored."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

from sidecar import receiver
from sidecar.cli.keys import Sender
from sidecar.cli.moments import now
from sidecar.receiver import TOLERANCE, InvalidSignature, Verified

LARGEST = 2**26
PATIENCE = 0.1


class Received(NamedTuple):
    """A request: `verified`, or None and the `fault` it has."""

    at: int
    verified: Verified | None
    fault: str = ""


class Receiver:
    """Verifies each request by `sender` and hands it to `report`, which says how to answer one that is right."""

    def __init__(self, sender: Sender, report: Callable[[Received], int], *, tolerance: int = TOLERANCE) -> None:
        self._trust = sender
        self._report = report
        self._tolerance = tolerance

    async def handle(self, request: web.Request) -> web.Response:
        received = self._received(request, await request.read())
        status = self._report(received)
        if received.verified is None:
            return web.Response(status=401, text=f"{received.fault}\n")
        return web.Response(status=status)

    def _received(self, request: web.Request, body: bytes) -> Received:
        at, sender = now(), self._trust
        try:
            verified = receiver.verify(
                request.headers,
                body,
                sender.secrets,
                keys=sender.keys,
                url=sender.url or str(request.url),
                dialect=sender.dialect,
                now=at,
                tolerance=self._tolerance,
            )
        except InvalidSignature as fault:
            return Received(at, None, str(fault))
        return Received(at, verified)

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Listens while the block runs; gives the port. Raises OSError where it cannot."""
        application = web.Application(client_max_size=LARGEST)
        application.router.add_post("/{tail:.*}", self.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=PATIENCE)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
