"""A served socket with real parts behind it, and short words for what every test of it does.

Law: a test speaks to the socket as a user does: HTTP by a client, or bytes by hand. Behind it stands a real outbox, in
memory; `Steering` stands for the dispatcher, which is on the same floor.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import plain_dialect
from aiohttp import ClientSession, UnixConnector, web
from clocks import FakeClock
from memory_outbox import MemoryOutbox
from msgspec import json

from sidecar import unixsocket
from sidecar.api import Parts, make_app, serving
from sidecar.dialects import DIALECTS
from sidecar.errors import NotFound
from sidecar.meters import Meters
from sidecar.metrics import Metrics
from sidecar.model import FAR, Attempt, Claim, Dead, Delivered, Endpoint, Health, Instance, Response, Secret, Settlement
from sidecar.ports import Dialect
from sidecar.registry import (
    FileRegistry,
    RegistryFile,
    SqliteHooks,
    SqliteProjects,
    SqliteReplays,
    open_file,
    open_projects,
)
from sidecar.replays import Replayer
from sidecar.web.gate import Gate

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
MINIMAL = {**NDJSON, "Prefer": "return=minimal"}
PROBLEM = "application/problem+json"
LIMIT = 4096
KEY = (Secret(b"k" * 32),)

HOOK = Endpoint("hook", "drone", "https://user:hush@ci.example/hooks?token=hush", KEY)
BUILDS = Endpoint("builds", "drone", "https://ci.example/builds", KEY, events=("build:*",), concurrency=3)
PLAIN = Endpoint("plain", "plain", "https://plain.example/")

SPOKEN: Mapping[str, Dialect] = {"drone": DIALECTS["drone"], "plain": plain_dialect}


@dataclass
class Steering:
    """What the dispatcher knows and does, for the endpoints it has."""

    known: Mapping[str, Health]
    flight: dict[int, str] = field(default_factory=dict)
    secrets: dict[str, tuple[Secret, ...]] = field(default_factory=dict)

    def health(self, endpoint: str) -> Health:
        if endpoint not in self.known:
            raise NotFound(f"no endpoint {endpoint}")
        return self.known[endpoint]

    def in_flight(self, endpoint: str = "") -> frozenset[int]:
        return frozenset(number for number, name in self.flight.items() if endpoint in ("", name))

    async def pause(self, endpoint: str) -> None:
        self.known = {**self.known, endpoint: Health("paused", since=self.health(endpoint).since, reason="by hand")}

    async def resume(self, endpoint: str) -> None:
        self.known = {**self.known, endpoint: Health("active", since=self.health(endpoint).since)}

    def set_secrets(self, endpoint: str, secrets: tuple[Secret, ...] | None) -> None:
        self.health(endpoint)
        self.secrets.pop(endpoint, None)
        if secrets is not None:
            self.secrets[endpoint] = secrets

    def overridden(self, endpoint: str) -> bool:
        return endpoint in self.secrets


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.decode(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.decode(line) for line in self.body.splitlines()]


@dataclass
class House:
    """A served socket at `path`."""

    app: web.Application
    path: str
    outbox: MemoryOutbox
    projects: SqliteProjects
    hooks: SqliteHooks
    replayer: Replayer
    clock: FakeClock
    control: Steering
    gate: Gate
    session: ClientSession
    meters: Meters

    async def get(self, path: str, **parameters: str) -> Answer:
        return await self.ask("GET", path, params=parameters)

    async def post(self, path: str, body: Any = None, headers: Mapping[str, str] = JSON) -> Answer:
        return await self.ask("POST", path, data=body, headers=headers)

    async def ask(self, method: str, path: str, **rest: Any) -> Answer:
        async with self.session.request(
            method, f"http://sidecar{path}", skip_auto_headers={"Content-Type"}, **rest
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def still_good(self) -> None:
        """Whatever came before: an event is taken now."""
        answer = await self.post("/events", build())
        assert (answer.status, answer.json["duplicate"]) == (202, False)

    async def accepted(self, *bodies: bytes) -> list[int]:
        """Post events; the number of each one's first delivery."""
        answers = [await self.post("/events", body) for body in bodies]
        assert {answer.status for answer in answers} == {202}
        return [answer.json["deliveries"][0]["id"] for answer in answers]

    async def claim(self, endpoint: str = "hook") -> Claim:
        claimed = await self.outbox.claim(endpoint, 1, self.clock.now(), FAR)
        return claimed.claims[0]

    async def settle(self, claim: Claim, verdict: Delivered | Dead, outcome: Response) -> None:
        now = self.clock.now()
        attempt = Attempt(claim.number, now - 7, 6_543, outcome)
        await self.outbox.settle(Settlement(claim, attempt, verdict, now, 0))


def _metrics(outbox: MemoryOutbox, control: Steering, clock: FakeClock, meters: Meters, directory: Path) -> Metrics:
    return Metrics(
        outbox=outbox,
        control=control,
        clock=clock,
        meters=meters,
        endpoints=list(control.known),
        max_owed=outbox.max_size,
        data_dir=str(directory),
    )


@asynccontextmanager
async def house(
    directory: Path,
    *,
    endpoints: Sequence[Endpoint] = (HOOK, BUILDS, PLAIN),
    stall: float = 30.0,
    limit: int = LIMIT,
    dialects: Mapping[str, Dialect] = SPOKEN,
) -> AsyncIterator[House]:
    """Everything there, and gone at the end."""
    clock, gate, path = FakeClock(), Gate(), str(directory / "s.sock")
    outbox = MemoryOutbox(clock.now)
    control = Steering({one.name: Health(since=clock.now() - 1000) for one in endpoints})
    ids = iter(range(1_000_000))
    meters = Meters([one.name for one in endpoints], clock.now())
    file = await open_file(directory)
    projects, hooks = await open_projects(file), SqliteHooks(file)
    replayer = Replayer(SqliteReplays(file), outbox, clock, [one.name for one in endpoints])
    app = make_app(
        Parts(
            outbox=outbox,
            registry=FileRegistry(directory),
            projects=projects,
            hooks=hooks,
            replaying=replayer,
            control=control,
            clock=clock,
            configured=endpoints,
            instance=Instance(),
            dialects=dialects,
            max_event_size=limit,
            gate=gate,
            new_id=lambda now: f"{now:x}-{next(ids)}",
            new_secret=lambda: f"hush-{next(ids)}",
            attempts=10,
            stall=stall,
            observer=meters,
            metrics=_metrics(outbox, control, clock, meters, directory).text,
        )
    )
    async with _served(app, path, file) as session:
        yield House(app, path, outbox, projects, hooks, replayer, clock, control, gate, session, meters)


@asynccontextmanager
async def _served(app: web.Application, path: str, file: RegistryFile) -> AsyncIterator[ClientSession]:
    listener = unixsocket.listen(path, 0o660)
    try:
        async with serving(app, listener, patience=0.1), ClientSession(connector=UnixConnector(path)) as session:
            yield session
    finally:
        await file.close()


def build(number: int = 1, slug: str = "octocat/hello", **rest: Any) -> bytes:
    """A Drone event; `rest` are further top-level members."""
    repo, made = {"slug": slug}, {"number": number}
    return json.encode({"event": "build", "action": "created", **rest, "repo": repo, "build": made})


def stream(*lines: bytes) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def head(body: bytes | int, headers: Mapping[str, str] = JSON, path: str = "/events") -> bytes:
    """The head of a POST by hand; `body` or its length, -1 for chunks."""
    length = body if isinstance(body, int) else len(body)
    framing = {"Transfer-Encoding": "chunked"} if length < 0 else {"Content-Length": str(length)}
    told = {"Host": "sidecar", **framing, **headers}
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    ).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Wire:
    """A connection by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *data: bytes) -> None:
        self.writer.writelines(data)
        await self.writer.drain()

    async def line(self) -> Any:
        """The next line of JSON in a chunked answer."""
        while not (line := await self.reader.readline()).startswith(b"{"):
            assert line, "the answer has ended"
        return json.decode(line)

    async def status(self) -> int:
        """The next head's status; its headers are read over."""
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        found = re.match(r"HTTP/1\.1 (\d{3})", text)
        assert found, text
        return int(found[1])

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        data = b""
        try:
            while more := await self.reader.read(65536):
                data += more
        except ConnectionError:
            pass
        return data


@asynccontextmanager
async def wire(path: str, limit: int = 2**16) -> AsyncIterator[Wire]:
    """A connection by hand to the socket at `path`."""
    reader, writer = await asyncio.open_unix_connection(path, limit=limit)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
