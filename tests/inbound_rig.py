"""The inbound listener with real parts behind it: SQLite files, TCP sockets, HTTP by a client.

Law: a test posts as a forge does. Time is a number; who is wrong is kept waiting by it, so waits are over at once.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import ClientSession
from clocks import FakeClock
from forge_bodies import GITHUB
from msgspec import json

from sidecar import inbound, tcpsocket
from sidecar.dialects import DIALECTS
from sidecar.incoming import Hook
from sidecar.model import Endpoint, Event, Instance, Query, Secret
from sidecar.outboxes.sqlite import open_outbox
from sidecar.ports import Outbox
from sidecar.projects import Package, Project
from sidecar.registry import SqliteHooks, SqliteProjects, open_file, open_projects
from sidecar.web.gate import Gate
from sidecar.web.slowness import Slowness

SECRET = "a-secret-of-the-project-that-nobody-has"
RELAY = "00112233445566778899aabbccddeeff"
HOOK = Endpoint("hook", "drone", "https://ci.example/", (Secret(b"k" * 32),))
NANO = Package("nano", "https://github.com/rpms/nano", "main", "", webhook_rebuild=True)
SOUL = Package("soul", "https://github.com/rpms/soul", "main", "", webhook_rebuild=True)


class Waits(FakeClock):
    """A clock whose waits are over at once; `waited` has how long they were, in ms."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[int] = []

    async def wait(self, event: asyncio.Event, until: int) -> None:
        self.waited.append(until - self.now())


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.decode(self.body)


@dataclass
class Post:
    """A running listener."""

    port: int
    parts: inbound.Parts
    outbox: Outbox
    projects: SqliteProjects
    hooks: SqliteHooks
    clock: Waits
    gate: Gate
    session: ClientSession
    told: list[tuple[str, int]] = field(default_factory=list)

    async def post(self, body: bytes, headers: Mapping[str, str] = GITHUB, path: str = f"/{SECRET}/") -> Answer:
        return await self.ask("POST", f"/webhooks/@rpms/tools{path}", data=body, headers=headers)

    async def ask(self, method: str, path: str, **rest: Any) -> Answer:
        async with self.session.request(method, path, skip_auto_headers={"Content-Type"}, **rest) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def logged(self) -> Hook:
        """The newest entry of the log."""
        return (await self.hooks.page(1, 0))[0]

    async def events(self) -> list[Event]:
        """All that is owed to somebody, oldest first."""
        rows = await self.outbox.deliveries(Query(limit=1000))
        found = [await self.outbox.event(row.event) for row in reversed(rows)]
        return [event for event in found if event]


@asynccontextmanager
async def listening(
    folder: Path, *, packages: Sequence[Package] = (NANO, SOUL), head_time: float = 10.0, **more: Any
) -> AsyncIterator[Post]:
    """A listener with the project @rpms/tools, which has these packages; `more` are fields of `inbound.Parts`."""
    clock, gate = Waits(), Gate()
    told: list[tuple[str, int]] = []
    async with AsyncExitStack() as stack:
        outbox = await open_outbox(folder, now=clock.now, hold=0, order="subject", max_size=2**20, ballast=0)
        stack.push_async_callback(outbox.close)
        file = await open_file(folder)
        stack.push_async_callback(file.close)
        projects, hooks = await open_projects(file), SqliteHooks(file)
        if projects.find("@rpms", "tools") is None:
            await projects.add(Project(0, "@rpms", "tools", ("fedora-44-x86_64",)))
            await projects.grant("@rpms", "tools", Secret(SECRET.encode()), now=clock.now(), overlap=0)
            for package in packages:
                await projects.put_package("@rpms", "tools", package, new=True)
        given: dict[str, Any] = {
            "outbox": outbox,
            "projects": projects,
            "hooks": hooks,
            "clock": clock,
            "gate": gate,
            "slowness": Slowness(clock, lambda address, count: told.append((address, count))),
            "drone": DIALECTS["drone"],
            "audience": lambda: (HOOK,),
            "instance": Instance(),
            "relay_secrets": [Secret(RELAY.encode())],
            "require_signature": False,
            "max_event_size": 4096,
        }
        parts = inbound.Parts(**{**given, **more})
        listeners = tcpsocket.listen("127.0.0.1", 0, setting="SIDECAR_LISTEN")
        port = listeners[0].getsockname()[1]
        await stack.enter_async_context(inbound.serving(parts, listeners, head_time=head_time))
        session = await stack.enter_async_context(ClientSession(f"http://127.0.0.1:{port}"))
        yield Post(port, parts, outbox, projects, hooks, clock, gate, session, told)
