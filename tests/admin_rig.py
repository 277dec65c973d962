"""A served admin listener with real parts behind it. Law: a test speaks to it as a browser or curl does, over TCP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, CookieJar
from api_rig import Answer, House, house

from sidecar import dice, tcpsocket
from sidecar.admin import Guard, Sessions, make_app
from sidecar.model import Secret
from sidecar.web.problems import HttpLog

TOKEN = "correct-horse-battery-staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer wrong-horse"}
HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass
class Admin:
    """What is served at `port`, over the parts of `house`."""

    house: House
    port: int
    session: ClientSession

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **rest: Any) -> Answer:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **rest) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return await self.ask("GET", path, headers)

    async def post(self, path: str, headers: dict[str, str] | None = None, **rest: Any) -> Answer:
        return await self.ask("POST", path, headers, **rest)


@asynccontextmanager
async def administered(
    directory: Path, *, token: str = TOKEN, hosts: tuple[str, ...] = HOSTS, loopback: bool = True, **rest: Any
) -> AsyncIterator[Admin]:
    """A house with its admin listener; `loopback` False: as if it could be reached from elsewhere."""
    async with house(directory, **rest) as served:
        secret = Secret(token.encode()) if token else None
        sessions = Sessions(served.clock, dice.new_secret)
        guard = Guard(token=secret, hosts=hosts, loopback=loopback, clock=served.clock, sessions=sessions)
        listeners = tcpsocket.listen("127.0.0.1", 0, setting="SIDECAR_ADMIN_LISTEN")
        port = listeners[0].getsockname()[1]
        page = make_app(served.app, guard, meters=served.meters, max_owed=2**30, clock=served.clock)
        async with (
            tcpsocket.serving(page, listeners, logger=HttpLog("admin"), patience=0.1),
            ClientSession(cookie_jar=CookieJar(unsafe=True)) as session,
        ):
            yield Admin(served, port, session)
