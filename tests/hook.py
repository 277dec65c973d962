"""A real HTTP receiver for tests: keeps what came, answers as told. Law: nobody sleeps; who waits, waits for a
request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Answer = Callable[["Seen"], Awaitable[web.Response]]


@dataclass(frozen=True)
class Seen:
    """One request as it came. `nth`: from 1."""

    nth: int
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Hook:
    """`answers`: what to say, by default 204 to all; `seen`: what came, in order; `good`: what was answered 2xx."""

    url: str
    answer: Answer
    seen: list[Seen] = field(default_factory=list)
    good: list[Seen] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        seen = Seen(len(self.seen) + 1, dict(request.headers), await request.read())
        self.seen.append(seen)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self._tell()
        try:
            response = await self.answer(seen)
        finally:
            self.in_flight -= 1
        if response.status // 100 == 2:
            self.good.append(seen)
        await self._tell()
        return response

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until `true()`, which may change with each request."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(true)

    async def until_good(self, count: int, seconds: float = 30) -> None:
        """Wait until `count` requests were answered 2xx."""
        await self.until(lambda: len(self.good) >= count, seconds)


def say(status: int, body: str = "", **headers: str) -> Answer:
    """Always the same answer; `Retry_After="1"` is a header."""

    async def answer(_: Seen) -> web.Response:
        return web.Response(status=status, text=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


@asynccontextmanager
async def hook(answer: Answer | None = None, port: int = 0) -> AsyncIterator[Hook]:
    """A receiver on loopback."""
    it = Hook("", answer or say(204))
    application = web.Application(client_max_size=2**26)
    application.router.add_route("*", "/{path:.*}", it.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield it
    finally:
        await runner.cleanup()
