"""`emit` of one event: bytes untouched, an answer told, and, where asked for, its end waited for."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cli_stub import FUTURE, Stub, accepted, delivery, stub

REPO = b'{ "slug": "octocat/hello-world",\n  "new_field": 1.0, "n": 1e2, "u": "\\u00fc" }\n'
BUILD = b'{"number":1,"number":2}'


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        yield it


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "repo.json").write_bytes(REPO)
    (tmp_path / "build.json").write_bytes(BUILD)
    (tmp_path / "bad.json").write_bytes(b'{"slug": "a/b"}, "system": {}')
    return tmp_path


async def test_resources_reach_the_socket_byte_for_byte(sidecar: Stub, files: Path) -> None:
    sidecar.says("POST /events", accepted(17, 18), status=202)
    result = await sidecar.run(
        *("emit", "build", "updated", "--repo", f"{files}/repo.json", "--build", f"{files}/build.json"),
        *("--user", "-", "--system", f"{files}/build.json", "--id", 'x"y'),
        input=b'{"login":"octocat"}',
    )
    assert (result.exit_code, result.stderr) == (0, "")
    (asked,) = sidecar.asked
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.body == (
        b'{"event":"build","action":"updated","id":"x\\"y","user":{"login":"octocat"},"repo":'
        + REPO
        + b',"build":'
        + BUILD
        + b',"system":'
        + BUILD
        + b"}"
    )
    assert result.stdout == (
        "event evt-1 accepted\n  delivery  17  → ci.example-hooks\n  delivery  18  → ci.example-hooks\n"
    )


async def test_events_of_pagure_and_launchpad_go_to_their_own_routes(sidecar: Stub, files: Path) -> None:
    sidecar.says("POST /events/pagure", accepted(17), accepted(18), status=202)
    sidecar.says("POST /events/launchpad", accepted(19), status=202)
    of_pagure = ("emit", "--dialect", "pagure", "issue.new", "--project", "rpms/bash", "--msg", f"{files}/repo.json")
    of_launchpad = ("emit", "--dialect", "launchpad", "git:push:0.1", "--payload", "-", "--target", "/t", "--id", "a")
    assert (await sidecar.run(*of_pagure)).exit_code == 0
    assert (await sidecar.run(*of_launchpad, input=b'{"a" : 1}')).exit_code == 0
    assert [asked.body for asked in sidecar.asked] == [
        b'{"topic":"issue.new","project":"rpms/bash","msg":' + REPO + b"}",
        b'{"type":"git:push:0.1","target":"/t","id":"a","payload":{"a" : 1}}',
    ]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("build", "updated", "--project", "x"), "--project is no part of an event of drone"),
        (("--dialect", "launchpad", "bug:0.1", "new"), "ACTION is no part of an event of launchpad"),
        (("--dialect", "pagure", "-", "--project", "x"), "nothing beside"),
    ],
)
async def test_a_part_of_another_dialect_is_refused(sidecar: Stub, arguments: tuple[str, ...], fault: str) -> None:
    result = await sidecar.run("emit", *arguments)
    assert (result.exit_code, fault in result.stderr, sidecar.asked) == (2, True, [])


async def test_a_duplicate_and_an_unwanted_event_say_so(sidecar: Stub, files: Path) -> None:
    sidecar.says("POST /events", accepted(17, duplicate=True), accepted(), status=202)
    command = ("emit", "repo", "enabled", "--repo", f"{files}/repo.json")
    assert "known already: nothing is sent again" in (await sidecar.run(*command)).stdout
    assert "no endpoint wants it" in (await sidecar.run(*command)).stdout


async def test_json_is_the_socket_s_answer(sidecar: Stub, files: Path) -> None:
    answer = b'{"id":"evt-1", "duplicate":false,"deliveries":[]}'
    sidecar.says("POST /events", answer, status=202)
    result = await sidecar.run("emit", "repo", "enabled", "--repo", f"{files}/repo.json", "--json")
    assert result.stdout_bytes == answer + b"\n"


async def test_what_is_no_json_is_told_by_its_file_and_never_sent(sidecar: Stub, files: Path) -> None:
    result = await sidecar.run("emit", "repo", "enabled", "--repo", f"{files}/bad.json")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"--repo {files}/bad.json: not JSON: Extra data: line 1 column 16")
    assert not sidecar.asked


async def test_a_refused_event_is_told_with_its_pointer(sidecar: Stub, files: Path) -> None:
    sidecar.refuses("POST /events", 422, "Not an event", "a build event needs a build", pointer="/build")
    result = await sidecar.run("emit", "build", "created", "--repo", f"{files}/repo.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Not an event: a build event needs a build (/build)\n"


async def test_wait_ends_when_all_is_delivered(sidecar: Stub, files: Path) -> None:
    pending = delivery(state="pending", attempt_count=1, status=503, next=FUTURE)
    done = delivery(id=18, attempt_count=2)
    sidecar.says("POST /events", accepted(17, 18), status=202)
    sidecar.says("GET /events/evt-1", {"deliveries": [pending, done]}, {"deliveries": [delivery(), done]})
    result = await sidecar.run("emit", "repo", "enabled", "--repo", f"{files}/repo.json", "--wait")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == [
        "  delivery 17  delivered  204  1 try",
        "  delivery 18  delivered  204  2 tries",
    ]


async def test_wait_exits_1_where_a_delivery_is_dead(sidecar: Stub, files: Path) -> None:
    sidecar.says("POST /events", accepted(17), status=202)
    sidecar.says("GET /events/evt-1", {"deliveries": [delivery(state="dead", status=422, reason="refused")]})
    result = await sidecar.run("emit", "repo", "enabled", "--repo", f"{files}/repo.json", "--wait", "30s")
    assert result.exit_code == 1
    assert "422 refused" in result.stdout
    assert result.stderr == "1 of 1 dead; see `sidecar show evt-1`\n"


async def test_wait_exits_1_where_its_time_runs_out(sidecar: Stub, files: Path) -> None:
    sidecar.says("POST /events", accepted(17), status=202)
    sidecar.says("GET /events/evt-1", {"deliveries": [delivery(state="pending", next=FUTURE)]})
    command = ("emit", "repo", "enabled", "--repo", f"{files}/repo.json", "--wait", "1ms")
    result = await sidecar.run(*command)
    assert result.exit_code == 1
    assert result.stderr == "1 of 1 not finished in 1 ms; the sidecar goes on, see `sidecar show evt-1`\n"
    raw = await sidecar.run(*command, "--json")
    assert [sorted(json.loads(line)) for line in raw.stdout.splitlines()] == [
        ["deliveries", "duplicate", "id"],
        ["deliveries"],
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-", "created"],
        ["-", "--id", "x"],
        ["-", "--wait", "3"],
        ["build", "created", "--repo", "-", "--build", "-"],
        ["build", "created", "--repo", "/nowhere/repo.json"],
        ["build", "created", "--wait", "soon"],
        [],
    ],
)
async def test_a_wrong_command_line_exits_2_and_sends_nothing(sidecar: Stub, arguments: list[str]) -> None:
    result = await sidecar.run("emit", *arguments, input=b"{}")
    assert result.exit_code == 2
    assert not sidecar.asked
