"""`ping`, `pause`, `resume`, `resend`: one change, and what came of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cli_stub import FUTURE, Stub, accepted, attempt, delivery, endpoint, stub


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        yield it


async def test_a_ping_is_waited_for_and_told(sidecar: Stub) -> None:
    waiting = delivery(state="pending", attempt_count=0, status=None, attempts=[])
    sidecar.says("POST /endpoints/ci.example-hooks/ping", accepted(17), status=202)
    sidecar.says("GET /deliveries/17", waiting, waiting, delivery(attempts=[attempt()]))
    result = await sidecar.run("ping", "ci.example-hooks")
    assert (result.exit_code, result.stdout) == (0, "ci.example-hooks: delivered: 204 in 12 ms\n")
    assert len(sidecar.asked) == 4


async def test_a_ping_that_fails_says_how_and_exits_1(sidecar: Stub) -> None:
    failed = delivery(state="pending", next=FUTURE, attempts=[attempt(status=503)])
    sidecar.says("POST /endpoints/ci.example-hooks/ping", accepted(17), status=202)
    sidecar.says("GET /deliveries/17", failed)
    result = await sidecar.run("ping", "ci.example-hooks")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("ci.example-hooks: failed: 503 in 12 ms; next try in ")
    assert result.stderr.endswith("see `sidecar show 17`\n")


async def test_a_ping_that_is_not_tried_names_the_endpoint_s_state(sidecar: Stub) -> None:
    sidecar.says("POST /endpoints/ci.example-hooks/ping", accepted(17), status=202)
    sidecar.says("GET /deliveries/17", delivery(state="pending", status=None, attempts=[]))
    sidecar.says("GET /endpoints", {"endpoints": [endpoint(state="paused")], "next": None})
    result = await sidecar.run("ping", "ci.example-hooks", "--wait", "1ms")
    assert result.exit_code == 1
    assert result.stderr == "ci.example-hooks: no attempt in 1 ms; the endpoint is paused\n"


async def test_a_ping_need_not_be_waited_for(sidecar: Stub) -> None:
    sidecar.says("POST /endpoints/ci.example-hooks/ping", accepted(17), status=202)
    result = await sidecar.run("ping", "ci.example-hooks", "--wait", "0")
    assert (result.exit_code, result.stdout) == (0, "ping is delivery 17; see `sidecar show 17`\n")


async def test_a_ping_in_json_is_the_answer_and_then_the_delivery(sidecar: Stub) -> None:
    sidecar.says("POST /endpoints/ci.example-hooks/ping", accepted(17), status=202)
    sidecar.says("GET /deliveries/17", delivery(attempts=[attempt()]))
    result = await sidecar.run("ping", "ci.example-hooks", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["evt-1", 17]


async def test_an_unknown_endpoint_is_the_socket_s_problem(sidecar: Stub) -> None:
    for command in ("ping", "pause", "resume"):
        sidecar.refuses(
            f"POST /endpoints/a/b/{command}", 404, "Not found", "no endpoint a/b; there is ci.example-hooks"
        )
        result = await sidecar.run(command, "a/b")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Not found: no endpoint a/b; there is ci.example-hooks\n"
        assert sidecar.asked[-1].target == f"/endpoints/a%2Fb/{command}"


async def test_pause_and_resume_tell_the_state_that_came_of_it(sidecar: Stub) -> None:
    counts = {"pending": 4, "delivering": 0, "delivered": 3, "dead": 0}
    sidecar.says("POST /endpoints/ci.example-hooks/pause", endpoint(state="paused", counts=counts))
    sidecar.says("POST /endpoints/ci.example-hooks/resume", endpoint(counts=counts))
    assert (await sidecar.run("pause", "ci.example-hooks")).stdout == "ci.example-hooks: paused, 4 pending\n"
    assert (await sidecar.run("resume", "ci.example-hooks")).stdout == "ci.example-hooks: active, 4 pending\n"


async def test_resend_owes_a_delivery_again(sidecar: Stub) -> None:
    sidecar.says("POST /deliveries/17/resend", delivery(state="pending"), status=202)
    result = await sidecar.run("resend", "17")
    assert (result.exit_code, result.stdout) == (0, "delivery 17 to ci.example-hooks: pending\n")


@pytest.mark.parametrize(
    "command", [["resend", "x"], ["resend", "0"], ["ping"], ["ping", "a", "--wait", "soon"], ["push"]]
)
async def test_a_wrong_command_line_exits_2_and_asks_nothing(sidecar: Stub, command: list[str]) -> None:
    result = await sidecar.run(*command)
    assert result.exit_code == 2
    assert not sidecar.asked
