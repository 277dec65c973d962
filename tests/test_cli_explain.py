"""`explain`: takes what `emit` takes, or a whole event, and says of each endpoint what would become of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cli_stub import Stub, stub

REPO = b'{ "slug": "octocat/hello-world",\n  "n": 1e2 }\n'
COMMAND = ("explain", "repo", "enabled", "--repo")


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    (tmp_path / "repo.json").write_bytes(REPO)
    async with stub(tmp_path) as it:
        yield it


def one(endpoint: str, rule: str = "", state: str = "active", body: str = "{}") -> dict[str, Any]:
    """An endpoint as the socket explains it."""
    request = {
        "method": "POST",
        "url": "https://ci.example/",
        "headers": [["Date", "now"], ["X", "\x1b"]],
        "body": body,
    }
    return {
        "endpoint": endpoint,
        "dialect": "drone",
        "wanted": not rule,
        "rule": rule,
        "state": state,
        "request": None if rule else request,
    }


def told(*endpoints: dict[str, Any]) -> dict[str, Any]:
    event = {"id": "evt-1", "name": "repo:enabled", "subject": "octocat/hello-world", "refs": []}
    return {"event": event, "endpoints": endpoints}


async def test_each_endpoint_has_a_line_that_says_why(sidecar: Stub, tmp_path: Path) -> None:
    away = one("audit", "no glob of build:* matches repo:enabled")
    sidecar.says("POST /explain", told(one("ci"), away, one("sick", state="failing"), one("held", state="paused")))
    result = await sidecar.run(*COMMAND, f"{tmp_path}/repo.json", "--id", "evt-1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "→ ci  would be sent",
        "✗ audit  kept away: no glob of build:* matches repo:enabled",
        "→ sick  would wait for the next probe: the endpoint is failing",
        "→ held  would be kept: the endpoint is paused",
    ]
    (asked,) = sidecar.asked
    assert asked.body == b'{"event":"repo","action":"enabled","id":"evt-1","repo":' + REPO + b"}"
    assert asked.headers["Content-Type"] == "application/json"


async def test_the_request_is_shown_where_asked_for_and_never_obeyed(sidecar: Stub, tmp_path: Path) -> None:
    """Nothing of it reaches the terminal unescaped, and of a long body the beginning alone."""
    body = "\n".join(["x" * 300, "\x1b[2J", *map(str, range(20))])
    sidecar.says("POST /explain", told(one("ci", body=body), one("audit", "no")))
    result = await sidecar.run(*COMMAND, f"{tmp_path}/repo.json", "--request")
    assert result.stdout.splitlines() == [
        "→ ci  would be sent",
        "  POST https://ci.example/",
        "  Date: now",
        "  X: \\x1b",
        "",
        f"  {'x' * 199}…",
        "  \\x1b[2J",
        *(f"  {number}" for number in range(8)),
        "  … 12 lines more",
        "",
        "✗ audit  kept away: no",
    ]


async def test_a_whole_event_comes_from_a_file_or_standard_input(sidecar: Stub, tmp_path: Path) -> None:
    for route in ("/explain", "/explain/pagure"):
        sidecar.says(f"POST {route}", told(one("ci")))
    (tmp_path / "event.json").write_bytes(REPO)
    for arguments in (("-",), ("--dialect", "pagure", "-"), ("--dialect", "pagure", f"{tmp_path}/event.json")):
        assert (await sidecar.run("explain", *arguments, input=REPO)).exit_code == 0
    assert [(asked.target, asked.body) for asked in sidecar.asked] == [
        ("/explain", REPO),
        ("/explain/pagure", REPO),
        ("/explain/pagure", REPO),
    ]


async def test_json_is_the_socket_s_answer(sidecar: Stub, tmp_path: Path) -> None:
    answer = b'{"event": {},"endpoints":[]}'
    sidecar.says("POST /explain", answer)
    result = await sidecar.run(*COMMAND, f"{tmp_path}/repo.json", "--json")
    assert (result.stdout_bytes, result.stderr) == (answer + b"\n", "")


async def test_without_endpoints_the_way_out_is_told(sidecar: Stub, tmp_path: Path) -> None:
    sidecar.says("POST /explain", told())
    result = await sidecar.run(*COMMAND, f"{tmp_path}/repo.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "DRONE_WEBHOOK_ENDPOINT" in result.stderr


async def test_a_refused_event_is_told_with_its_pointer(sidecar: Stub, tmp_path: Path) -> None:
    sidecar.refuses("POST /explain", 422, "Not an event", "a build event needs a build", pointer="/build")
    result = await sidecar.run("explain", "build", "created", "--repo", f"{tmp_path}/repo.json")
    assert (result.exit_code, result.stderr) == (1, "Not an event: a build event needs a build (/build)\n")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("-", "--id", "a"), 2, "nothing is taken beside"),
        (("--dialect", "pagure", "issue", "new"), 2, "ACTION is no part of an event of pagure"),
        (("-",), 1, "-: not JSON: "),
        (("--dialect", "pagure", "missing.json"), 1, "missing.json: No such file or directory"),
        (("repo", "enabled", "--user", "-", "--repo", "-"), 2, "standard input can be one"),
    ],
)
async def test_what_cannot_be_asked_is_not(sidecar: Stub, arguments: tuple[str, ...], status: int, words: str) -> None:
    result = await sidecar.run("explain", *arguments, input=b"{")
    assert result.exit_code == status
    assert words in result.stderr
    assert not sidecar.asked
