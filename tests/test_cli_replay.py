"""`sidecar replay`: what is asked of the socket, and what is said of it. Law: real commands against a stub."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cli_stub import PAST, Stub, stub


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        yield it


def job(**given: Any) -> dict[str, Any]:
    """A replay as the socket tells of one."""
    part = {"endpoint": "ci", "endpoint_state": "active", "since": None, "resent": 2, "progress": 0.5, "done": False}
    return {
        "id": 3,
        "state": "running",
        "endpoint": "ci",
        "since": "last healthy",
        "until": None,
        "states": ["dead"],
        "created": PAST,
        "finished": None,
        "resent": 2,
        "progress": 0.5,
        "endpoints": [part],
        **given,
    }


async def test_what_is_asked_for_goes_to_the_socket_and_nothing_else(sidecar: Stub) -> None:
    sidecar.says("POST /replays", job(), status=202)
    result = await sidecar.run("replay", "--endpoint", "ci", "--since", "last healthy", "--state", "dead")
    assert json.loads(sidecar.asked[-1].body) == {"endpoint": "ci", "since": "last healthy", "states": ["dead"]}
    assert result.stdout == "replay 3: running, 2 sent again, 50% of the log looked through\n"
    await sidecar.run("replay")
    assert json.loads(sidecar.asked[-1].body) == {}
    await sidecar.run("replay", "--until", "2h", "--state", "dead", "--state", "delivered")
    assert json.loads(sidecar.asked[-1].body) == {"until": "2h", "states": ["dead", "delivered"]}


async def test_an_endpoint_in_trouble_is_named_as_what_the_job_waits_for(sidecar: Stub) -> None:
    sidecar.says("POST /replays", job(endpoints=[{**job()["endpoints"][0], "endpoint_state": "failing"}]), status=202)
    assert "ci is failing: no more than 100 are owed to it" in (await sidecar.run("replay")).stdout


async def test_the_end_is_waited_for_where_asked_for(sidecar: Stub) -> None:
    sidecar.says("POST /replays", job(), status=202)
    sidecar.says("GET /replays/3", job(), job(), job(state="done", progress=1.0))
    result = await sidecar.run("replay", "--wait", "20s")
    assert (result.exit_code, result.stdout) == (0, "replay 3: done, 2 sent again, 100% of the log looked through\n")
    sidecar.says("GET /replays/3", job())
    result = await sidecar.run("replay", "--wait", "20ms")
    assert result.exit_code == 1
    assert "replay 3 still runs" in result.stderr


async def test_jobs_are_listed_and_cancelled(sidecar: Stub) -> None:
    sidecar.says("GET /replays", {"replays": [job(), job(id=2, endpoint=None, since=None, state="done")], "next": None})
    lines = (await sidecar.run("replay", "--list")).stdout.splitlines()
    assert lines[0].split() == ["ID", "STATE", "ENDPOINT", "SINCE", "STATES", "RESENT", "PROGRESS", "CREATED"]
    assert lines[1].split()[:7] == ["3", "running", "ci", "last", "healthy", "dead", "2"]
    assert lines[2].split()[:5] == ["2", "done", "each", "ever", "dead"]
    sidecar.says("DELETE /replays/3", job(state="cancelled"))
    assert (await sidecar.run("replay", "--cancel", "3")).stdout.startswith("replay 3: cancelled, 2 sent again")
    sidecar.says("GET /replays", {"replays": [], "next": None})
    assert (await sidecar.run("replay", "--list")).stderr == "no replays\n"


@pytest.mark.parametrize("more", [["--endpoint", "ci"], ["--cancel", "3"], ["--wait", "1s"]])
async def test_a_list_is_no_change_so_it_stands_alone(sidecar: Stub, more: list[str]) -> None:
    result = await sidecar.run("replay", "--list", *more)
    assert result.exit_code == 2
    assert sidecar.asked == []


@pytest.mark.parametrize("arguments", [["--list"], ["--cancel", "3"], []])
async def test_json_is_the_socket_s_answer(sidecar: Stub, arguments: list[str]) -> None:
    for route in ("GET /replays", "DELETE /replays/3", "POST /replays"):
        sidecar.says(route, {**job(), "replays": []})
    assert json.loads((await sidecar.run("replay", *arguments, "--json")).stdout)["id"] == 3
