"""`deliveries`, `show`, `endpoints`: what a person sees, and what a script gets."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cli_stub import FUTURE, PAST, Stub, attempt, delivery, endpoint, event, stub


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        yield it


async def test_deliveries_are_an_aligned_table(sidecar: Stub) -> None:
    waiting = delivery(
        id=18,
        state="pending",
        attempt_count=2,
        next=FUTURE,
        finished=None,
        status=None,
        reason="timeout: no answer in 15 s",
    )
    held = delivery(id=19, state="pending", attempt_count=0, status=None, held_by=18)
    sidecar.says("GET /deliveries", {"deliveries": [held, waiting, delivery()], "next": None})
    result = await sidecar.run("deliveries")
    assert result.exit_code == 0
    head, first, second, third = result.stdout.splitlines()
    assert head.split() == ["ID", "EVENT", "SUBJECT", "ENDPOINT", "STATE", "TRIES", "ANSWER", "CREATED", "NEXT"]
    assert len({line.index("octocat/hello-world") for line in (first, second, third)}) == 1
    assert "after 18" in first
    assert "  timeout  " in second
    assert " in " in second
    assert "204" in third
    assert " d ago" in third


async def test_filters_go_to_the_socket_as_they_were_given(sidecar: Stub) -> None:
    sidecar.says("GET /deliveries", {"deliveries": [], "next": None})
    result = await sidecar.run(
        *(
            "deliveries",
            "--endpoint",
            "a b&c",
            "--state",
            "dead",
            "--event",
            "evt-1",
            "--subject",
            "octocat/hello-world",
        ),
        *("--since", "2h", "--until", PAST, "--limit", "5", "--after", "40"),
    )
    assert result.exit_code == 0
    assert result.stderr == "no deliveries\n"
    assert sidecar.asked[0].target == (
        "/deliveries?endpoint=a+b%26c&state=dead&event=evt-1&subject=octocat/hello-world"
        "&since=2h&until=2026-01-02T03:04:05.678Z&limit=5&after=40"
    ).replace(":", "%3A").replace("/hello", "%2Fhello")


async def test_more_than_a_page_is_said_and_all_follows_the_cursor(sidecar: Stub) -> None:
    pages = [{"deliveries": [delivery(id=18)], "next": "18"}, {"deliveries": [delivery(id=17)], "next": None}]
    sidecar.says("GET /deliveries", *pages)
    some = await sidecar.run("deliveries")
    assert "--after 18" in some.stderr
    sidecar.says("GET /deliveries", *pages)
    every = await sidecar.run("deliveries", "--all")
    assert [line.split()[0] for line in every.stdout.splitlines()] == ["ID", "18", "ID", "17"]
    assert not every.stderr
    assert [asked.target for asked in sidecar.asked[1:]] == [
        "/deliveries?limit=1000",
        "/deliveries?limit=1000&after=18",
    ]


@pytest.mark.parametrize(
    ("command", "route"),
    [
        (["deliveries"], "GET /deliveries"),
        (["show", "17"], "GET /deliveries/17"),
        (["show", "evt-1"], "GET /events/evt-1"),
        (["endpoints"], "GET /endpoints"),
        (["why", "evt-1"], "GET /events/evt-1/why"),
    ],
)
async def test_json_is_the_socket_s_answer_byte_for_byte(sidecar: Stub, command: list[str], route: str) -> None:
    answer = b'{"deliveries":[], "endpoints" : [],"next":null,"x":"\\u001b"}'
    sidecar.says(route, answer)
    result = await sidecar.run(*command, "--json")
    assert (result.exit_code, result.stdout_bytes, result.stderr) == (0, answer + b"\n", "")


async def test_show_tells_every_attempt_and_the_next(sidecar: Stub) -> None:
    attempts = [
        attempt(status=503, answer="busy\nlater", duration_ms=7.04),
        attempt(number=2, status=None, reason="refused", answer="", duration_ms=15000.1),
    ]
    found = delivery(state="pending", next=FUTURE, finished=None, attempt_count=2, attempts=attempts)
    sidecar.says("GET /deliveries/17", found)
    result = await sidecar.run("show", "17")
    lines = result.stdout.splitlines()
    assert lines[0] == "delivery 17"
    assert any(line.split()[:2] == ["next", FUTURE] for line in lines)
    assert lines[-2].endswith("7.0 ms  503      busy\\nlater")
    assert lines[-1].endswith("15.0 s  refused")
    assert PAST in lines[-1]


async def test_a_dead_delivery_says_how_to_send_it_again(sidecar: Stub) -> None:
    sidecar.says(
        "GET /deliveries/17", delivery(state="dead", reason="refused", status=422, attempts=[attempt(status=422)])
    )
    assert (await sidecar.run("show", "17")).stdout.endswith("send it again: sidecar resend 17\n")


async def test_an_answer_cannot_drive_the_terminal(sidecar: Stub) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\r\u202eok\u200b\x9b31m"
    sidecar.says("GET /deliveries/17", delivery(subject=hostile, attempts=[attempt(answer=hostile, reason=hostile)]))
    sidecar.says("GET /deliveries", {"deliveries": [delivery(name=hostile, reason=hostile)], "next": hostile})
    sidecar.refuses("GET /endpoints", 500, hostile, hostile, pointer=hostile)
    for command in (["show", "17"], ["deliveries"], ["endpoints"]):
        result = await sidecar.run(*command)
        shown = result.stdout + result.stderr
        assert "\\x1b]0;owned\\x07" in shown
        assert shown.replace("\n", "").isprintable()


async def test_an_answer_is_cut_to_an_excerpt(sidecar: Stub) -> None:
    sidecar.says("GET /deliveries/17", delivery(attempts=[attempt(answer="x" * 2048)]))
    assert (await sidecar.run("show", "17")).stdout.rstrip().endswith("x" * 199 + "…")


async def test_answers_are_shown_in_full_where_asked_for(sidecar: Stub) -> None:
    tried = [attempt(answer="x" * 2048), attempt(number=2, status=500, answer="one\ntwo\x1b[2J")]
    sidecar.says("GET /deliveries/17", delivery(attempts=tried))
    shown = (await sidecar.run("show", "17", "--answers")).stdout
    assert f"answer to attempt 1: 204\n  {'x' * 2048}\n" in shown
    assert shown.endswith("answer to attempt 2: 500\n  one\n  two\\x1b[2J\n")


async def test_show_tells_the_rule_behind_the_state(sidecar: Stub) -> None:
    sentence = "attempt 3 of 10 at 2026-11-25T12:01:00Z, after 503"
    sidecar.says("GET /deliveries/17", delivery(state="pending", rule=sentence, attempts=[]))
    assert f"rule      {sentence}\n" in (await sidecar.run("show", "17")).stdout


async def test_why_is_a_line_for_each_endpoint(sidecar: Stub) -> None:
    told = {
        "event": "evt-1",
        "name": "build:updated",
        "subject": "octocat/hello-world",
        "accepted": PAST,
        "endpoints": [
            {"endpoint": "a", "endpoint_state": "active", "delivery": 3, "state": "delivered", "rule": "delivered it"},
            {"endpoint": "b", "endpoint_state": "failing", "delivery": 4, "state": "pending", "rule": "b is failing"},
            {"endpoint": "c", "endpoint_state": "active", "delivery": None, "state": None, "rule": "kept away: \x07"},
        ],
    }
    sidecar.says("GET /events/evt-1/why", told)
    lines = (await sidecar.run("why", "evt-1")).stdout.splitlines()
    assert lines[0] == "event evt-1  build:updated  octocat/hello-world"
    assert [line.split() for line in lines[-3:]] == [
        ["✓", "a", "delivered", "delivered", "it"],
        ["→", "b", "pending", "b", "is", "failing"],
        ["✗", "c", "kept", "away:", "\\x07"],
    ]
    sidecar.says("GET /events/evt-1/why", {**told, "endpoints": []})
    assert "no endpoints" in (await sidecar.run("why", "evt-1")).stderr


async def test_why_of_an_unknown_event_says_what_that_can_mean(sidecar: Stub) -> None:
    sidecar.refuses("GET /events/stranger/why", 404, "Not found", "there is no such event: …")
    result = await sidecar.run("why", "stranger")
    assert (result.exit_code, result.stderr) == (1, "Not found: there is no such event: …\n")


async def test_an_event_s_id_shows_the_event(sidecar: Stub) -> None:
    sidecar.says("GET /events/evt-1", event(delivery()))
    result = await sidecar.run("show", "evt-1")
    assert result.exit_code == 0
    assert result.stdout.startswith("event evt-1\n")
    assert "812 bytes" in result.stdout
    assert "ci.example-hooks" in result.stdout


async def test_a_number_that_is_no_delivery_may_be_an_event(sidecar: Stub) -> None:
    sidecar.refuses("GET /deliveries/42", 404, "Not found", "there is no delivery 42")
    sidecar.says("GET /events/42", event(id="42"))
    assert (await sidecar.run("show", "42")).stdout.startswith("event 42\n")
    assert (await sidecar.run("show", "42", "--event")).stdout.startswith("event 42\n")
    sidecar.refuses("GET /events/42", 404, "Not found", "there is no event 42")
    result = await sidecar.run("show", "42")
    assert (result.exit_code, result.stderr) == (1, "Not found: there is no delivery 42\n")


async def test_endpoints_in_trouble_say_why_and_what_to_do(sidecar: Stub) -> None:
    failing = endpoint(name="b", state="failing", reason="503 five times", next_probe=FUTURE, last_success=None)
    paused = endpoint(name="c", state="paused", reason="it answered 410")
    sidecar.says("GET /endpoints", {"endpoints": [endpoint(), failing, paused], "next": None})
    result = await sidecar.run("endpoints")
    table, trouble = result.stdout.split("\n\n")
    assert len(table.splitlines()) == 4
    assert "never" in table
    assert "503 five times; next probe in " in trouble
    assert "it answered 410; let it go on: sidecar resume c" in trouble


async def test_no_endpoints_says_what_to_set(sidecar: Stub) -> None:
    sidecar.says("GET /endpoints", {"endpoints": [], "next": None})
    result = await sidecar.run("endpoints")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "DRONE_WEBHOOK_ENDPOINT" in result.stderr


async def test_a_problem_is_one_line_on_stderr_and_its_json_stays_json(sidecar: Stub) -> None:
    sidecar.refuses("GET /deliveries", 422, "Not an event", "state: unknown", pointer="/state")
    result = await sidecar.run("deliveries")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Not an event: state: unknown (/state)\n"
    raw = await sidecar.run("deliveries", "--json")
    assert raw.exit_code == 1
    assert json.loads(raw.stdout)["pointer"] == "/state"


async def test_what_is_no_sidecar_is_told_from_one(sidecar: Stub) -> None:
    sidecar.says("GET /endpoints", b"<html>")
    result = await sidecar.run("endpoints")
    assert result.exit_code == 1
    assert "is that socket a sidecar's?" in result.stderr
