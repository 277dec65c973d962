"""The real process, for tests that stop, kill and restart it. Law: ends what it started, by pid, and shows its log on
failure."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

SECRET = "0123456789abcdef0123456789abcdef"
START = 30.0


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """A clean environment with `settings`; the data directory is in `folder`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "SIDECAR_DATA_DIR": str(folder / "data"),
        "SIDECAR_SOCKET": str(folder / "s"),
        "SIDECAR_ADMIN_LISTEN": "off",
        "DRONE_WEBHOOK_SECRET": SECRET,
        "PYTHONUNBUFFERED": "1",
        **settings,
    }


class Process:
    """One run of `sidecar serve`; `log` has its lines so far."""

    def __init__(self, process: asyncio.subprocess.Process, settings: Mapping[str, str]) -> None:
        self.process = process
        self.socket = settings["SIDECAR_SOCKET"]
        self.log: list[dict[str, Any]] = []
        self._said = asyncio.Condition()
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            async with self._said:
                self.log.append(json.loads(line) if line.startswith(b"{") else {"event": "", "text": line.decode()})
                self._said.notify_all()
        async with self._said:
            self.log.append({"event": "(end)"})
            self._said.notify_all()

    async def until(self, event: str, count: int = 1, seconds: float = START) -> dict[str, Any]:
        """Wait for the `count`-th line named `event`."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.log if line["event"] == event]

        async with asyncio.timeout(seconds), self._said:
            await self._said.wait_for(lambda: len(found()) >= count or self.log[-1:] == [{"event": "(end)"}])
        assert len(found()) >= count, f"it ended before {event}: {self.log}"
        return found()[count - 1]

    async def ended(self, seconds: float = START) -> int:
        async with asyncio.timeout(seconds):
            status = await self.process.wait()
            await self._reading
        return status

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        self.process.kill()
        await self.ended()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession("http://sidecar", connector=aiohttp.UnixConnector(self.socket)) as session:
            yield session

    async def get(self, path: str) -> Any:
        async with self.client() as session, session.get(path) as answer:
            return await answer.json(content_type=None)

    async def post(self, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        async with self.client() as session, session.post(path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


async def start(settings: Mapping[str, str], *program: str) -> Process:
    """Start it, or `program` in its place; it may not be ready yet, or may refuse."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *(program or ("-m", "sidecar", "serve"))),
        env=settings,
        cwd=Path(settings["SIDECAR_SOCKET"]).parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**20,
    )
    return Process(process, settings)


@asynccontextmanager
async def serving(settings: Mapping[str, str], *program: str) -> AsyncIterator[Process]:
    """Started and ready; stopped at the end, if it still runs."""
    it = await start(settings, *program)
    try:
        await it.until("sidecar.ready")
        yield it
    finally:
        if it.process.returncode is None:
            it.process.kill()
        await it.ended()


def build(number: int, slug: str = "octocat/hello-world", **more: object) -> dict[str, object]:
    """A build event."""
    return {"action": "updated", "repo": {"slug": slug}, "build": {"number": number, "status": "success"}, **more}
