"""`listen`: the real program on a real port."""

import asyncio
import signal
import socket
import sys
import time
from asyncio import create_subprocess_exec, subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientSession
from signed import BODY, KEY, plain, request, rfc9421

from sidecar.cli import saved

GOLDEN = Path(__file__).parent / "golden"
SECRETS = {"pagure": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123", "launchpad": "sekrit"}


class Listening(NamedTuple):
    """The program, once it listens."""

    program: subprocess.Process
    url: str

    async def line(self) -> str:
        """What it prints next."""
        assert self.program.stdout
        return (await asyncio.wait_for(self.program.stdout.readline(), 10)).decode()

    async def stop(self, number: int = signal.SIGINT) -> int:
        self.program.send_signal(number)
        return await self.program.wait()


@asynccontextmanager
async def listening(*arguments: str, folder: Path | None = None) -> AsyncIterator[Listening]:
    """The program with its secret in the environment, or in the `.env` of `folder`."""
    program = await create_subprocess_exec(
        *(sys.executable, "-m", "sidecar", "listen", "--port", "0", *arguments),
        cwd=folder,
        env={} if folder else {"DRONE_WEBHOOK_SECRET": KEY.decode()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert program.stderr
        said = (await asyncio.wait_for(program.stderr.readline(), 10)).decode()
        yield Listening(program, said.split()[2])
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


async def post(url: str, headers: dict[str, str], body: bytes = BODY) -> tuple[int, str]:
    async with ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


def at() -> int:
    return int(time.time() * 1000)


async def test_a_verified_delivery_is_printed_and_answered_204() -> None:
    async with listening() as it:
        assert await post(it.url, request(at=at())) == (204, "")
        printed = (await it.line()).split()
        assert printed[1:] == [
            *("✓", "204", "build:updated", "octocat/hello-world", "cavage", "standard", "evt-1"),
            *("delivery", "17", "attempt", "2"),
        ]
        assert await it.stop() == 0


async def test_what_is_not_right_is_answered_401_with_the_step_that_failed() -> None:
    async with listening() as it:
        status, text = await post(it.url, request(at=at()), BODY.replace(b"octocat", b"mallory"))
        assert (status, text.partition(":")[0]) == (401, "digest")
        assert "✗ 401  digest: " in await it.line()
        status, text = await post(it.url, request(at=at() - 600_000))
        assert (status, text.partition(":")[0]) == (401, "date")
        assert (await post(it.url, {}))[0] == 401
        assert await it.stop(signal.SIGTERM) == 0


async def test_the_secret_of_the_sidecar_s_own_dotenv_will_do(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"DRONE_WEBHOOK_SECRET='" + KEY + b"'\n")
    async with listening(folder=tmp_path) as it:
        assert (await post(it.url, request(at=at())))[0] == 204


async def test_the_answer_and_the_tolerance_can_be_chosen() -> None:
    async with listening("--status", "503", "--tolerance", "1h", "--dialect", "drone") as it:
        assert (await post(f"{it.url}any/path", request(at=at() - 600_000)))[0] == 503
        assert "✓ 503" in await it.line()


async def test_a_golden_delivery_of_each_other_dialect_is_printed() -> None:
    for dialect, name, told in (
        ("pagure", "issue.edit", ["issue.edit", "hello", "sha1", "sha256"]),
        ("launchpad", "git-push", ["git:push:0.1", "/~octocat/hello/+git/hello", "sha1"]),
    ):
        golden = saved.whole((GOLDEN / dialect / f"{name}.http").read_bytes().removesuffix(b"\n"))
        async with listening("--dialect", dialect, "--secret", SECRETS[dialect]) as it:
            assert (await post(it.url, golden.headers, golden.body))[0] == 204
            assert (await it.line()).split()[3:][: len(told)] == told


async def test_rfc9421_is_checked_by_the_url_it_came_to_or_the_one_that_is_told() -> None:
    async with listening() as it:
        url = f"{it.url}hooks?a=b"
        assert (await post(url, rfc9421(plain(at=at()), url, at=at())))[0] == 204
        assert "rfc9421" in await it.line()
    async with listening("--url", "https://proxy.example/hooks") as it:
        assert (await post(it.url, rfc9421(plain(at=at()), "https://proxy.example/hooks", at=at())))[0] == 204


async def test_a_hostile_delivery_cannot_drive_the_terminal() -> None:
    body = '{"event":"build","action":"\x1b[2J","repo":{"slug":"\u202e\\u001b]0;x\\u0007"}}'.encode()
    body = body.replace(b"\x1b", b"\\u001b")
    async with listening() as it:
        assert (await post(it.url, request(body, at=at()), body))[0] == 204
        assert (await it.line()).rstrip("\n").isprintable()


async def test_a_port_in_use_is_said_and_exits_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = await create_subprocess_exec(
            *(sys.executable, "-m", "sidecar", "listen", "--port", str(port)),
            env={"DRONE_WEBHOOK_SECRET": "x"},
            stderr=subprocess.PIPE,
        )
        _, err = await program.communicate()
    assert program.returncode == 1
    assert err.decode() == (
        f"sidecar: port {port} of 127.0.0.1 is in use: choose another with --port (0: any that is free)\n"
    )


async def test_no_secret_is_said_and_exits_2() -> None:
    program = await create_subprocess_exec(*(sys.executable, "-m", "sidecar", "listen"), env={}, stderr=subprocess.PIPE)
    _, err = await program.communicate()
    assert program.returncode == 2
    assert "no secret in DRONE_WEBHOOK_SECRET" in err.decode()
