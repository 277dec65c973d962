"""What posting one event promises. Law: as in api_rig.py."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from api_rig import HOOK, JSON, PROBLEM, House, build, chunk, head, house, wire
from msgspec import json

from sidecar.errors import NoSpace, OutboxBroken, Unavailable

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


async def test_an_event_is_answered_with_its_id_and_what_it_owes(sidecar: House) -> None:
    """To the endpoints of its dialect whose filters want it."""
    answer = await sidecar.post("/events", build(action="updated"))
    assert answer.status == 202
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json
    assert told == {
        "id": told["id"],
        "duplicate": False,
        "deliveries": [{"id": 1, "endpoint": "hook"}, {"id": 2, "endpoint": "builds"}],
    }
    event = await sidecar.outbox.event(told["id"])
    assert event is not None
    assert (event.name, event.subject, event.accepted_at) == ("build:updated", "octocat/hello", sidecar.clock.now())


async def test_an_event_that_nobody_wants_is_taken_and_owes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, endpoints=()) as sidecar:
        answer = await sidecar.post("/events", build())
        assert (answer.status, answer.json["deliveries"]) == (202, [])


async def test_nothing_is_called_taken_before_the_outbox_has_it(sidecar: House) -> None:
    """While the disk is busy there is no answer; then there is."""
    sidecar.outbox.disk.clear()
    asked = asyncio.create_task(sidecar.post("/events", build(), {**JSON, "Idempotency-Key": "a"}))
    assert (await sidecar.get("/healthz")).status == 200
    assert not asked.done()
    sidecar.outbox.disk.set()
    assert (await asked).status == 202


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON ;x=y"])
async def test_the_content_type_may_have_parameters(sidecar: House, kind: str) -> None:
    assert (await sidecar.post("/events", build(), {"Content-Type": kind})).status == 202


async def test_blanks_around_an_event_are_no_part_of_it(sidecar: House) -> None:
    """A body with a newline behind it is the same body."""
    await sidecar.post("/events", build(id="a"))
    answer = await sidecar.post("/events", b" \r\n" + build(id="a") + b"\n")
    assert (answer.status, answer.json["duplicate"]) == (202, True)


# Names


@pytest.mark.parametrize("key", ["a", "A-1_b.c", "x" * 128])
async def test_a_header_may_name_the_event(sidecar: House, key: str) -> None:
    answer = await sidecar.post("/events", build(), {**JSON, "Idempotency-Key": key})
    assert (answer.status, answer.json["id"]) == (202, key)


async def test_header_and_body_may_agree(sidecar: House) -> None:
    answer = await sidecar.post("/events", build(id="a"), {**JSON, "Idempotency-Key": "a"})
    assert (answer.status, answer.json["id"]) == (202, "a")


async def test_header_and_body_may_not_differ(sidecar: House) -> None:
    answer = await sidecar.post("/events", build(id="a"), {**JSON, "Idempotency-Key": "b"})
    assert (answer.status, answer.json["pointer"]) == (422, "/id")
    assert await sidecar.outbox.event("a") is None
    assert await sidecar.outbox.event("b") is None


async def test_the_same_event_again_is_answered_like_the_first(sidecar: House) -> None:
    """Whether header or body names it."""
    first = await sidecar.post("/events", build(id="a"))
    for body, headers in ((build(id="a"), JSON), (build(), {**JSON, "Idempotency-Key": "a"})):
        again = await sidecar.post("/events", body, headers)
        assert again.status == 202
        assert again.json == {**first.json, "duplicate": True}
    assert len(sidecar.outbox.items) == 2


async def test_another_event_of_the_same_id_is_a_conflict(sidecar: House) -> None:
    await sidecar.post("/events", build(1, id="a"))
    answer = await sidecar.post("/events", build(2, id="a"))
    assert (answer.status, answer.headers["Content-Type"]) == (409, PROBLEM)
    assert answer.json == {
        "type": "urn:sidecar:problem:conflicting",
        "title": "Conflict",
        "status": 409,
        "detail": "the id a is taken, by an event with another body",
        "pointer": "/id",
    }


async def test_of_equal_events_at_once_one_is_the_first(sidecar: House) -> None:
    answers = await asyncio.gather(*(sidecar.post("/events", build(id="a")) for _ in range(10)))
    assert [answer.status for answer in answers] == [202] * 10
    assert sorted(answer.json["duplicate"] for answer in answers) == [False] + [True] * 9


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (TRACE, TRACE),
        ("", ""),
        (TRACE.upper(), ""),
        (TRACE.replace("00-", "01-", 1), ""),
        (f"{TRACE}-more", ""),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""),
        (f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01", ""),
    ],
)
async def test_a_well_formed_traceparent_is_kept_and_any_other_ignored(sidecar: House, given: str, kept: str) -> None:
    answer = await sidecar.post("/events", build(id="a"), {**JSON, "traceparent": given})
    assert answer.status == 202
    event = await sidecar.outbox.event("a")
    assert event is not None
    assert event.traceparent == kept


# Dialects


async def test_each_dialect_has_its_route_and_its_endpoints(sidecar: House) -> None:
    answer = await sidecar.post("/events/plain", b'{"name":"n","subject":"s","id":"p"}')
    assert answer.status == 202
    assert answer.json == {"id": "p", "duplicate": False, "deliveries": [{"id": 1, "endpoint": "plain"}]}
    assert (await sidecar.post("/events/drone", build())).status == 202


async def test_an_unknown_dialect_is_answered_with_those_there_are(sidecar: House) -> None:
    answer = await sidecar.post("/events/drome", build())
    assert answer.status == 404
    assert answer.json["detail"] == "there is no dialect 'drome'; there is drone, plain"


# How it may be sent


async def test_an_event_may_come_in_chunks(sidecar: House) -> None:
    body = build(id="a")
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1), *(chunk(body[at : at + 7]) for at in range(0, len(body), 7)), b"0\r\n\r\n")
        assert await by_hand.status() == 202
    assert await sidecar.outbox.event("a") is not None


async def test_a_client_may_ask_before_it_sends(sidecar: House) -> None:
    """`Expect: 100-continue`, as curl does with a large body."""
    body = build(id="a")
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(body, {**JSON, "Expect": "100-continue"}))
        assert await by_hand.status() == 100
        await by_hand.send(body)
        assert await by_hand.status() == 202


async def test_a_connection_serves_one_request_after_another(sidecar: House) -> None:
    """Also after a refusal."""
    async with wire(sidecar.path) as by_hand:
        for body, status in ((build(), 202), (b"{", 400), (build(), 202)):
            await by_hand.send(head(body), body)
            text = await by_hand.reader.readuntil(b"\r\n\r\n")
            assert text.startswith(b"HTTP/1.1 %d" % status)
            length = text.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            await by_hand.reader.readexactly(int(length))


async def test_requests_sent_ahead_are_answered_in_order(sidecar: House) -> None:
    bodies = [build(id="a"), b"{", build(id="b")]
    async with wire(sidecar.path) as by_hand:
        last = head(bodies[2], {**JSON, "Connection": "close"})
        await by_hand.send(head(bodies[0]), bodies[0], head(bodies[1]), bodies[1], last, bodies[2])
        text = await by_hand.rest()
    assert [part[:3] for part in text.split(b"HTTP/1.1 ")[1:]] == [b"202", b"400", b"202"]


async def test_an_event_may_be_as_large_as_the_limit(tmp_path: Path) -> None:
    body = build(title="x")
    async with house(tmp_path, limit=len(build())) as sidecar:
        assert (await sidecar.post("/events", build())).status == 202
        assert (await sidecar.post("/events", body)).status == 413


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_above_the_limit_is_not_read_to_its_end(sidecar: House, framing: str) -> None:
    """The answer comes while the client could still send for ever."""
    async with wire(sidecar.path) as by_hand:
        if framing == "length":
            await by_hand.send(head(10**12), build())
        else:
            await by_hand.send(head(-1), *[chunk(b"x" * 1000)] * 5)
        assert await by_hand.status() == 413
    await sidecar.still_good()


# Refusals that are nobody's fault


@pytest.mark.parametrize(
    ("trouble", "wait", "told"),
    [
        (NoSpace("no space left in SIDECAR_DATA_DIR"), "30", "SIDECAR_DATA_DIR"),
        (OutboxBroken("checksum of page 7"), "5", "nothing was taken"),
        (Unavailable("full", retry_after=7), "7", "full"),
        (Unavailable("full"), "30", "full"),
    ],
)
async def test_what_the_outbox_cannot_take_may_be_sent_again_later(
    sidecar: House, trouble: Exception, wait: str, told: str
) -> None:
    sidecar.outbox.trouble = trouble
    answer = await sidecar.post("/events", build())
    assert (answer.status, answer.headers["Content-Type"]) == (503, PROBLEM)
    assert answer.headers["Retry-After"] == wait
    assert answer.json["type"] == "urn:sidecar:problem:unavailable"
    assert told in answer.json["detail"]
    assert "checksum" not in answer.json["detail"]
    sidecar.outbox.trouble = None
    await sidecar.still_good()


async def test_while_draining_no_event_is_taken(sidecar: House) -> None:
    """But everything may be looked at."""
    sidecar.gate.drain()
    answer = await sidecar.post("/events", build())
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "stopping" in answer.json["detail"]
    assert sidecar.outbox.entries == {}
    assert (await sidecar.get("/deliveries")).status == 200


# Clients that do not stay


async def test_a_client_that_stops_sending_is_told_and_cut_off(tmp_path: Path) -> None:
    async with house(tmp_path, stall=0.05) as sidecar:
        async with wire(sidecar.path) as by_hand:
            await by_hand.send(head(1000), b'{"event":')
            assert await by_hand.status() == 408
            assert b"request timeout" in (await by_hand.reader.readuntil(b"}")).lower()
        await sidecar.still_good()


async def test_a_client_that_hangs_up_mid_body_leaves_nothing(sidecar: House) -> None:
    async with wire(sidecar.path) as by_hand:
        body = build(id="a")
        await by_hand.send(head(len(body)), body[:-1])
    await sidecar.still_good()
    assert await sidecar.outbox.event("a") is None


async def test_a_client_that_hangs_up_before_the_answer_was_heard(sidecar: House) -> None:
    """What was under way is stored all the same; sent again, it is a duplicate."""
    sidecar.outbox.disk.clear()
    body = build(id="a")
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(body), body)
        assert (await sidecar.get("/healthz")).status == 200
    sidecar.outbox.disk.set()
    answer = await sidecar.post("/events", body)
    assert answer.json["duplicate"] is True


def secretless(told: object) -> bool:
    return b"hush" not in json.encode(told)


@pytest.mark.parametrize("headers", [JSON, {**JSON, "Accept": "text/html"}])
async def test_a_surprise_is_a_problem_without_its_inner_text(sidecar: House, headers: Mapping[str, str]) -> None:
    answer = await sidecar.post("/events/plain", b'{"trap":"hush"}', headers)
    assert (answer.status, answer.headers["Content-Type"]) == (500, PROBLEM)
    assert answer.json["type"] == "urn:sidecar:problem:internal-error"
    assert secretless(answer.json)
    assert b"sesame" not in answer.body
    await sidecar.still_good()


def test_the_rig_has_a_secret_to_hide() -> None:
    assert "hush" in HOOK.url


@pytest.mark.parametrize("path", ["/events", "/events/drone", "/events/plain", "/events/nobodys"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/plain"])
@pytest.mark.parametrize(
    "body", [build(id="e"), b"{", b"", b"x" * 5000], ids=["an event", "half", "nothing", "too much"]
)
async def test_an_event_is_answered_alike_whether_or_not_it_goes_past_the_table_of_routes(
    sidecar: House, path: str, kind: str, body: bytes
) -> None:
    """Which it does where its path has no query."""
    await sidecar.post("/events", body, {"Content-Type": kind})  # what comes from here on is a duplicate
    straight, routed = [await sidecar.post(path + query, body, {"Content-Type": kind}) for query in ("", "?by=table")]
    assert (straight.status, straight.body) == (routed.status, routed.body)
    assert {**straight.headers, "Date": ""} == {**routed.headers, "Date": ""}
    assert [(await sidecar.ask("PUT", "/events" + query)).status for query in ("", "?by=table")] == [405, 405]
    await sidecar.still_good()
