"""A sidecar's socket with canned answers, and the command line run against it. Law: real socket, real commands."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from click.testing import CliRunner, Result

from sidecar.cli.main import commands

PAST = "2026-01-02T03:04:05.678Z"
FUTURE = "2999-01-02T03:04:05.678Z"


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Stub:
    """Answers by "METHOD /path"; of several the next each time, and the last for ever."""

    path: str
    answers: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    arrivals: asyncio.Queue[Asked] = field(default_factory=asyncio.Queue)

    def says(self, route: str, *answers: object, status: int = 200) -> None:
        bodies = [answer if isinstance(answer, bytes) else json.dumps(answer).encode() for answer in answers]
        self.answers[route] = [(status, body) for body in bodies]

    def refuses(self, route: str, status: int, title: str, detail: str, **more: str) -> None:
        self.says(
            route, {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}, status=status
        )

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(Asked(request.method, request.path_qs, dict(request.headers), await request.read()))
        self.arrivals.put_nowait(self.asked[-1])
        answers = self.answers[f"{request.method} {request.path}"]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(status=status, body=body, content_type="application/json")

    async def run(self, *arguments: str, input: bytes = b"", **environ: str) -> Result:
        """The command line in a thread of its own, as if this stub were the sidecar."""
        env = {"SIDECAR_SOCKET": self.path, "NO_COLOR": None, **environ}
        return await asyncio.to_thread(CliRunner().invoke, commands, list(arguments), input=input, env=env)


@asynccontextmanager
async def stub(folder: Path) -> AsyncIterator[Stub]:
    """A stub listening in `folder`."""
    it = Stub(str(folder / "s.sock"))
    application = web.Application(client_max_size=2**26)
    application.router.add_route("*", "/{tail:.*}", it.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.UnixSite(runner, it.path).start()
    try:
        yield it
    finally:
        await runner.cleanup()


def delivery(**given: Any) -> dict[str, Any]:
    """A delivery as the socket tells of one."""
    return {
        "id": 17,
        "endpoint": "ci.example-hooks",
        "event": "evt-1",
        "dialect": "drone",
        "name": "build:updated",
        "subject": "octocat/hello-world",
        "state": "delivered",
        "attempt_count": 1,
        "created": PAST,
        "next": None,
        "finished": PAST,
        "reason": "",
        "status": 204,
        "held_by": None,
        "rule": "",
        **given,
    }


def attempt(**given: Any) -> dict[str, Any]:
    """An attempt as the socket tells of one."""
    return {"number": 1, "started": PAST, "duration_ms": 12.345, "status": 204, "reason": "", "answer": "", **given}


def endpoint(**given: Any) -> dict[str, Any]:
    """An endpoint as the socket tells of one."""
    return {
        "name": "ci.example-hooks",
        "dialect": "drone",
        "url": "https://ci.example/hooks",
        "state": "active",
        "overridden": False,
        "since": PAST,
        "reason": "",
        "last_failure": None,
        "last_success": PAST,
        "next_probe": None,
        "oldest": None,
        "counts": {"pending": 0, "delivering": 0, "delivered": 3, "dead": 0},
        "concurrency": 16,
        "events": [],
        **given,
    }


def event(*deliveries: dict[str, Any], **given: Any) -> dict[str, Any]:
    """An event as the socket tells of one."""
    return {
        "id": "evt-1",
        "dialect": "drone",
        "name": "build:updated",
        "subject": "octocat/hello-world",
        "accepted": PAST,
        "traceparent": "",
        "size": 812,
        "body": "{}",
        "deliveries": deliveries,
        **given,
    }


def accepted(*deliveries: int, duplicate: bool = False) -> dict[str, Any]:
    """The answer to an event."""
    owed = [{"id": number, "endpoint": "ci.example-hooks"} for number in deliveries]
    return {"id": "evt-1", "duplicate": duplicate, "deliveries": owed}
