"""`secret`: from a file or a pipe, never from an argument. Law: real socket, real commands."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cli_stub import Stub, endpoint, stub

ROUTE = "/endpoints/ci.example-hooks/secret"


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        it.says(f"PUT {ROUTE}", endpoint(overridden=True))
        it.says(f"DELETE {ROUTE}", endpoint())
        yield it


async def test_a_secret_comes_from_a_file_or_a_pipe_byte_for_byte(sidecar: Stub, tmp_path: Path) -> None:
    secret = b"new-hush\xff\r\nold-hush\n"
    (tmp_path / "secret").write_bytes(secret)
    for given, piped in (((), secret), (("--file", "-"), secret), (("--file", str(tmp_path / "secret")), b"")):
        result = await sidecar.run("secret", "ci.example-hooks", *given, input=piped)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == "ci.example-hooks: secret set, from the next attempt on\n"
        asked = sidecar.asked.pop()
        assert (asked.method, asked.target, asked.body) == ("PUT", ROUTE, secret)
        assert asked.headers["Content-Type"] == "text/plain"


async def test_it_goes_back_to_the_configured_one(sidecar: Stub) -> None:
    result = await sidecar.run("secret", "ci.example-hooks", "--delete")
    assert (result.exit_code, result.stdout) == (
        0,
        "ci.example-hooks: the configured secret counts again, from the next attempt on\n",
    )
    assert [asked.method for asked in sidecar.asked] == ["DELETE"]


async def test_what_is_refused_is_one_line_and_exit_1(sidecar: Stub) -> None:
    sidecar.refuses(f"PUT {ROUTE}", 422, "Not a secret", "there are 0 secrets; send 1 to 8, newest first")
    result = await sidecar.run("secret", "ci.example-hooks")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Not a secret: there are 0 secrets; send 1 to 8, newest first\n"


async def test_what_makes_no_sense_asks_nothing(sidecar: Stub, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    for status, given in (
        (2, ["--delete", "--file", "-"]),
        (2, ["hush-hush"]),
        (2, ["--file", str(tmp_path / "none")]),
        (1, ["--file", str(tmp_path / "large")]),
    ):
        assert (await sidecar.run("secret", "ci.example-hooks", *given)).exit_code == status
    assert sidecar.asked == []


async def test_a_terminal_is_refused_as_it_would_show_the_secret(sidecar: Stub) -> None:
    ours, theirs = os.openpty()
    program = [sys.executable, "-m", "sidecar", "secret", "ci.example-hooks", "--socket", sidecar.path]
    try:
        done = await asyncio.to_thread(subprocess.run, program, stdin=theirs, capture_output=True, check=False)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 2
    assert b"a terminal would show the secret: give --file FILE, or pipe it in" in done.stderr
    assert sidecar.asked == []


async def test_endpoints_names_those_overridden_and_says_nothing_where_none_is(sidecar: Stub) -> None:
    sidecar.says("GET /endpoints", {"endpoints": [endpoint(overridden=True), endpoint(name="b")], "next": None})
    assert (await sidecar.run("endpoints")).stdout.endswith("\n\nsecret overridden: ci.example-hooks\n")
    sidecar.says("GET /endpoints", {"endpoints": [endpoint()], "next": None})
    assert "overridden" not in (await sidecar.run("endpoints")).stdout
