"""What a stream of events promises: one event a line, an answer for each. Law: as in api_rig.py."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from api_rig import LIMIT, MINIMAL, NDJSON, PROBLEM, House, build, chunk, head, house, stream, wire
from structlog.testing import capture_logs

from sidecar.errors import NoSpace, OutboxBroken, Unavailable


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


def kinds(lines: list[Any]) -> list[Any]:
    """Of each line, the status of its problem or the event's id."""
    return [line["error"]["status"] if "error" in line else line["id"] for line in lines]


async def test_every_line_is_answered_like_an_event_of_its_own(sidecar: House) -> None:
    """In the order of the lines."""
    answer = await sidecar.post("/events", stream(build(1, id="a"), build(2, id="b")), NDJSON)
    assert answer.status == 202
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    owed = [[{"id": at, "endpoint": "hook"}, {"id": at + 1, "endpoint": "builds"}] for at in (1, 3)]
    assert answer.lines == [
        {"id": "a", "duplicate": False, "deliveries": owed[0]},
        {"id": "b", "duplicate": False, "deliveries": owed[1]},
    ]
    assert answer.body.endswith(b"\n")


async def test_a_thousand_lines_are_taken_in_their_order(sidecar: House) -> None:
    ids = [f"e{number}" for number in range(1000)]
    answer = await sidecar.post("/events", stream(*(build(id=id_) for id_ in ids)), NDJSON)
    assert kinds(answer.lines) == ids
    numbers = [line["deliveries"][0]["id"] for line in answer.lines]
    assert numbers == sorted(numbers)
    rows = [item.event.id for item in sidecar.outbox.items.values() if item.endpoint == "hook"]
    assert rows == ids


async def test_a_bad_line_spoils_only_itself(sidecar: House) -> None:
    """Each kind of fault, between good lines; among them a surprise."""
    plain = b'{"name":"n","subject":"s","id":"%s"}'
    lines = [plain % b"a", b"nonsense", plain % b"b", b"[]", b'{"trap":"x"}', b" " * LIMIT + b"{}", plain % b"c"]
    with capture_logs() as logs:
        answer = await sidecar.post("/events/plain", stream(*lines), NDJSON)
    assert kinds(answer.lines) == ["a", 400, "b", 422, 500, 413, "c"]
    assert [entry["event"] for entry in logs] == ["api.failed"]
    [wrong] = [line["error"] for line in answer.lines if "error" in line and line["error"]["status"] == 413]
    assert wrong == {
        "type": "urn:sidecar:problem:too-large",
        "title": "Content too large",
        "status": 413,
        "detail": f"an event may have {LIMIT} bytes (SIDECAR_MAX_EVENT_SIZE)",
    }


async def test_a_fault_in_a_line_points_to_it(sidecar: House) -> None:
    answer = await sidecar.post("/events/plain", b'{"subject":"s"}\n', NDJSON)
    assert answer.lines[0]["error"]["pointer"] == "/name"


async def test_duplicates_and_conflicts_are_seen_within_a_stream(sidecar: House) -> None:
    body = stream(build(1, id="a"), build(1, id="a"), build(2, id="a"))
    first, again, other = (await sidecar.post("/events", body, NDJSON)).lines
    assert again == {**first, "duplicate": True}
    assert other["error"]["status"] == 409


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"", b"\n\n\r\n"])
async def test_lines_may_end_as_they_like(sidecar: House, end: bytes) -> None:
    """CR is tolerated, blank lines are none, and the last line needs no newline."""
    body = b"\n" + build(id="a") + b"\r\n\r\n \n" + build(id="b") + end
    answer = await sidecar.post("/events", body, NDJSON)
    assert kinds(answer.lines) == ["a", "b"]
    again = await sidecar.post("/events", build(id="b"))
    assert again.json["duplicate"] is True


@pytest.mark.parametrize("body", [b"", b"\n\n"])
async def test_a_stream_of_nothing_is_answered_with_nothing(sidecar: House, body: bytes) -> None:
    answer = await sidecar.post("/events", body, NDJSON)
    assert (answer.status, answer.body) == (202, b"")


async def test_a_line_may_be_as_large_as_an_event(tmp_path: Path) -> None:
    """And CR is not counted; the line behind one too large is read."""
    fits = build(id="a")
    async with house(tmp_path, limit=len(fits)) as sidecar:
        body = fits + b"\r\n" + build(id="bb") + b"\r\n" + build(id="c")
        assert kinds((await sidecar.post("/events", body, NDJSON)).lines) == ["a", 413, "c"]


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
async def test_how_the_bytes_arrive_makes_no_difference(sidecar: House, size: int) -> None:
    body = stream(build(id="a"), b"nonsense", b"x" * (LIMIT + 2), b"", build(id="b"))[:-1]
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, {**NDJSON, "Connection": "close"}))
        for at in range(0, len(body), size):
            await by_hand.send(chunk(body[at : at + size]))
        await by_hand.send(b"0\r\n\r\n")
        lines = [await by_hand.line() for _ in range(4)]
    assert kinds(lines) == ["a", 400, 413, "b"]


async def test_a_line_is_answered_while_the_client_still_sends(sidecar: House) -> None:
    """So a client may wait for each answer before it sends on."""
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, NDJSON))
        for id_ in ("a", "b", "c"):
            await by_hand.send(chunk(stream(build(id=id_))))
            assert (await by_hand.line())["id"] == id_
        await by_hand.send(b"0\r\n\r\n")


async def test_a_connection_serves_on_after_a_stream(sidecar: House) -> None:
    body = stream(build(id="a"))
    async with wire(sidecar.path) as by_hand:
        for _ in range(3):
            await by_hand.send(head(body, NDJSON), body)
            assert await by_hand.status() == 202
            assert (await by_hand.line())["id"] == "a"
            await by_hand.reader.readuntil(b"0\r\n\r\n")


async def test_an_old_client_is_answered_without_chunks(sidecar: House) -> None:
    """HTTP/1.0: the answer ends with the connection."""
    body = stream(build(id="a"))
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(body, NDJSON).replace(b"HTTP/1.1", b"HTTP/1.0"), body)
        text = await by_hand.rest()
    assert text.startswith(b"HTTP/1.0 202")
    assert text.endswith(b'"endpoint":"builds"}]}\n')


async def test_a_traceparent_counts_for_every_line(sidecar: House) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await sidecar.post("/events", stream(build(id="a"), build(id="b")), {**NDJSON, "traceparent": trace})
    assert {entry.event.traceparent for entry in sidecar.outbox.entries.values()} == {trace}


# What the outbox refuses


@pytest.mark.parametrize("trouble", [NoSpace("disk full"), OutboxBroken("page 7"), Unavailable("too much is owed")])
async def test_what_the_outbox_cannot_take_is_refused_line_by_line(sidecar: House, trouble: Exception) -> None:
    """A line that was bad anyway keeps its own fault."""
    sidecar.outbox.trouble = trouble
    answer = await sidecar.post("/events", stream(build(id="a"), b"nonsense", build(id="b")), NDJSON)
    assert (answer.status, kinds(answer.lines)) == (202, [503, 400, 503])
    assert sidecar.outbox.entries == {}


async def test_a_stream_goes_on_when_the_outbox_takes_events_again(sidecar: House) -> None:
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, NDJSON))
        found = []
        for trouble in (None, NoSpace("disk full"), None):
            sidecar.outbox.trouble = trouble
            await by_hand.send(chunk(stream(build())))
            found.append("error" in await by_hand.line())
        assert found == [False, True, False]


async def test_while_draining_a_stream_is_refused_whole_or_from_there_on(sidecar: House) -> None:
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, NDJSON), chunk(stream(build(id="a"))))
        assert (await by_hand.line())["id"] == "a"
        sidecar.gate.drain()
        await by_hand.send(chunk(stream(build(id="b"))), b"0\r\n\r\n")
        assert (await by_hand.line())["error"]["status"] == 503
    answer = await sidecar.post("/events", stream(build()), NDJSON)
    assert (answer.status, answer.headers["Content-Type"]) == (503, PROBLEM)
    assert list(sidecar.outbox.entries) == ["a"]


# The minimal form


async def test_the_minimal_form_tells_faults_by_line_and_totals(sidecar: House) -> None:
    """Blank lines are counted as lines, and as nothing else."""
    body = stream(b"", build(1, id="a"), b"nonsense", build(1, id="a"), build(2, id="a"), build(3, id="b"))
    answer = await sidecar.post("/events", body, MINIMAL)
    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == "return=minimal"
    malformed, conflict, totals = answer.lines
    assert (malformed["line"], malformed["error"]["status"]) == (3, 400)
    assert (conflict["line"], conflict["error"]["status"]) == (5, 409)
    assert totals == {"accepted": 2, "duplicates": 1, "refused": 2}


async def test_the_minimal_form_of_nothing_has_totals_too(sidecar: House) -> None:
    answer = await sidecar.post("/events", b"", MINIMAL)
    assert answer.lines == [{"accepted": 0, "duplicates": 0, "refused": 0}]


async def test_the_minimal_form_tells_the_first_thousand_faults(sidecar: House) -> None:
    """But counts them all."""
    answer = await sidecar.post("/events", b"x\n" * 1500 + stream(build()), MINIMAL)
    *faults, totals = answer.lines
    assert [fault["line"] for fault in faults] == list(range(1, 1001))
    assert totals == {"accepted": 1, "duplicates": 0, "refused": 1500}


@pytest.mark.parametrize(
    "prefer", ["return=minimal", "respond-async, return=minimal; x=y", 'Return="minimal"', "wait=5,return = minimal"]
)
async def test_the_preference_may_be_one_of_several(sidecar: House, prefer: str) -> None:
    answer = await sidecar.post("/events", stream(build()), {**NDJSON, "Prefer": prefer})
    assert answer.lines == [{"accepted": 1, "duplicates": 0, "refused": 0}]


@pytest.mark.parametrize("prefer", ["return=representation", "minimal", ""])
async def test_any_other_preference_is_the_full_form(sidecar: House, prefer: str) -> None:
    answer = await sidecar.post("/events", stream(build(id="a")), {**NDJSON, "Prefer": prefer})
    assert kinds(answer.lines) == ["a"]
    assert "Preference-Applied" not in answer.headers


async def test_the_minimal_form_answers_only_after_the_last_line(sidecar: House) -> None:
    """It is for clients that read only after they have sent."""
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, MINIMAL), chunk(stream(build(), build())))
        async with asyncio.timeout(5):
            while len(sidecar.outbox.entries) < 2:
                await sidecar.get("/healthz")
        answer = asyncio.create_task(by_hand.status())
        await sidecar.get("/healthz")
        assert not answer.done()
        await by_hand.send(b"0\r\n\r\n")
        assert await answer == 202
        assert await by_hand.line() == {"accepted": 2, "duplicates": 0, "refused": 0}
