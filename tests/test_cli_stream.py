"""`emit -`: lines in, an account out; whatever comes, memory and waits stay bounded."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from cli_stub import Stub, stub

from sidecar.cli.client import Client
from sidecar.cli.stream import stream

LINES = b'{"event":"user"}\n{"event":"repo"}\n'


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        yield it


def answer(accepted: int, *faults: int, duplicates: int = 0, refused: int | None = None) -> bytes:
    error = {"title": "Not an event", "status": 422, "detail": "a user event needs a user", "pointer": "/user"}
    lines: list[object] = [{"line": line, "error": error} for line in faults]
    refused = len(faults) if refused is None else refused
    lines.append({"accepted": accepted, "duplicates": duplicates, "refused": refused})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


async def test_lines_go_as_they_are_and_the_account_is_shown(sidecar: Stub) -> None:
    sidecar.says("POST /events", answer(2, duplicates=1), status=202)
    result = await sidecar.run("emit", "-", input=LINES + b'{"no":"newline"}')
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("2 accepted, 1 duplicates, 0 refused (3 events, ")
    (asked,) = sidecar.asked
    assert asked.body == LINES + b'{"no":"newline"}'
    assert asked.headers["Content-Type"] == "application/x-ndjson"
    assert asked.headers["Prefer"] == "return=minimal"
    assert asked.headers["Transfer-Encoding"] == "chunked"


async def test_refused_lines_are_listed_on_stderr_and_exit_1(sidecar: Stub) -> None:
    sidecar.says("POST /events", answer(1, 2), status=202)
    result = await sidecar.run("emit", "-", input=LINES)
    assert result.exit_code == 1
    assert result.stdout.startswith("1 accepted, 0 duplicates, 1 refused")
    assert result.stderr.splitlines() == [
        "line 2: Not an event: a user event needs a user (/user)",
        "1 of 2 lines refused; the others are accepted",
    ]


async def test_more_faults_than_are_listed_are_said_to_be_more(sidecar: Stub) -> None:
    sidecar.says("POST /events", answer(0, 1, refused=2), status=202)
    assert "2 of 2 lines refused, 1 of them above" in (await sidecar.run("emit", "-", input=LINES)).stderr


async def test_json_is_the_socket_s_answer(sidecar: Stub) -> None:
    sidecar.says("POST /events", answer(1, 2), status=202)
    result = await sidecar.run("emit", "-", "--json", input=LINES)
    assert result.stdout_bytes == answer(1, 2)
    assert result.exit_code == 1


async def test_nothing_to_send_is_no_failure(sidecar: Stub) -> None:
    sidecar.says("POST /events", answer(0), status=202)
    result = await sidecar.run("emit", "-")
    assert result.exit_code == 0
    assert result.stdout.startswith("0 accepted")


async def test_a_problem_and_a_broken_answer_exit_1(sidecar: Stub) -> None:
    sidecar.refuses("POST /events", 503, "Not taking events", "the outbox is full")
    result = await sidecar.run("emit", "-", input=LINES)
    assert (result.exit_code, result.stderr.splitlines()[0]) == (1, "Not taking events: the outbox is full")
    sidecar.says("POST /events", answer(1, 2)[:-20], status=202)
    result = await sidecar.run("emit", "-", input=LINES)
    assert result.exit_code == 1
    assert "broke off" in result.stderr


async def test_an_answer_before_the_end_is_heard(tmp_path: Path) -> None:
    """A sidecar that is stopping refuses at once and reads no further."""

    async def refuse(request: web.Request) -> web.Response:
        response = web.json_response({"title": "Not taking events", "detail": "stopping"}, status=503)
        response.force_close()
        return response

    application = web.Application()
    application.router.add_post("/events", refuse)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "s")).start()
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sidecar", "emit", "-", "--socket", str(tmp_path / "s")),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await program.communicate(LINES * 200_000)
    await runner.cleanup()
    assert program.returncode == 1
    assert err.decode().splitlines()[0] == "Not taking events: stopping"


async def test_a_pipe_that_falls_silent_gets_its_answer_and_may_go_on(
    sidecar: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    sidecar.says("POST /events", answer(1), answer(0, 1, 2), status=202)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        streaming = asyncio.create_task(asyncio.to_thread(stream, Client(sidecar.path), file, silence=0.01))
        os.write(writer, b'{"a":1}\n')
        assert (await sidecar.arrivals.get()).body == b'{"a":1}\n'
        os.write(writer, b'{"a":2}\n{"a":')
        os.write(writer, b"3}\n")
        os.close(writer)
        with pytest.raises(Exception, match="2 of 3 lines refused"):
            await streaming
    assert b"".join(asked.body for asked in sidecar.asked[1:]) == b'{"a":2}\n{"a":3}\n'
    told = capsys.readouterr()
    assert [line.partition(":")[0] for line in told.err.splitlines()] == ["line 2", "line 3"]
    assert told.out.startswith("1 accepted, 0 duplicates, 2 refused")
