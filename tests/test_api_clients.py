"""Clients of a stream that hang up, stall, or never read: they hold their own connection, and nothing else.

Law: as in api_rig.py. A test waits for what the socket does, never for time.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from api_rig import MINIMAL, NDJSON, House, build, chunk, head, house, stream, wire
from structlog.testing import capture_logs

from sidecar.api.stream import BATCH, UNDER_WAY

PATIENCE = 10.0


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[House]:
    """One that waits for nobody for more than a moment."""
    async with house(tmp_path, stall=0.05) as served:
        yield served


async def until_stored(sidecar: House, id_: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while id_ not in sidecar.outbox.entries:
            await sidecar.get("/healthz")


# Hanging up


async def test_half_a_line_is_dropped_and_whole_ones_are_kept(sidecar: House) -> None:
    """When the client hangs up in the middle."""
    body = stream(build(id="a"), build(id="b")) + build(id="c")
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, NDJSON), chunk(body))
        await until_stored(sidecar, "b")
    await sidecar.still_good()
    assert {"a", "b"} <= sidecar.outbox.entries.keys()
    assert "c" not in sidecar.outbox.entries


async def test_a_body_shorter_than_announced_ends_in_half_a_line(sidecar: House) -> None:
    """Even where its last line looks whole."""
    body = stream(build(id="a")) + build(id="b")
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(len(body) + 1, NDJSON), body)
        await until_stored(sidecar, "a")
    await sidecar.still_good()
    assert "b" not in sidecar.outbox.entries


async def test_what_was_under_way_when_the_client_hung_up_is_stored(sidecar: House) -> None:
    sidecar.outbox.disk.clear()
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, NDJSON), chunk(stream(build(id="a"))))
        assert (await sidecar.get("/healthz")).status == 200
    assert (await sidecar.get("/healthz")).status == 200
    sidecar.outbox.disk.set()
    await until_stored(sidecar, "a")


async def test_a_broken_chunk_ends_the_stream(hasty: House) -> None:
    """What came whole before it is taken."""
    async with wire(hasty.path) as by_hand:
        await by_hand.send(head(-1, NDJSON), chunk(stream(build(id="a"))))
        assert (await by_hand.line())["id"] == "a"
        await by_hand.send(b"zz\r\nnonsense")
        await by_hand.rest()
    await hasty.still_good()


async def test_a_reset_in_the_middle_of_many_lines_hurts_nobody_else(sidecar: House) -> None:
    body = stream(*(build(number) for number in range(1, 2001)))
    async with wire(sidecar.path) as by_hand:
        await by_hand.send(head(-1, NDJSON), chunk(body))
        by_hand.writer.transport.abort()
    await sidecar.still_good()


# Not sending


async def test_a_client_that_sends_nothing_is_told_and_cut_off(hasty: House) -> None:
    for headers in (NDJSON, MINIMAL):
        async with wire(hasty.path) as by_hand:
            await by_hand.send(head(-1, headers))
            assert await by_hand.status() == 408
    await hasty.still_good()


async def test_a_client_that_stops_in_a_line_is_told_in_that_line(hasty: House) -> None:
    """The lines before it were answered, and the answer ends."""
    async with wire(hasty.path) as by_hand:
        await by_hand.send(head(-1, NDJSON), chunk(stream(build(id="a")) + b'{"ev'))
        assert await by_hand.status() == 202
        assert (await by_hand.line())["id"] == "a"
        assert (await by_hand.line())["error"]["status"] == 408
        assert await by_hand.reader.readuntil(b"0\r\n\r\n")
    await hasty.still_good()


async def test_a_client_that_waits_for_its_answer_has_all_the_time(hasty: House) -> None:
    """It is us it waits for, as long as the disk is busy."""
    hasty.outbox.disk.clear()
    async with wire(hasty.path) as patient, wire(hasty.path) as silent:
        await patient.send(head(-1, NDJSON), chunk(stream(build(id="a"))))
        await silent.send(head(-1, NDJSON))
        assert await silent.status() == 408
        hasty.outbox.disk.set()
        assert (await patient.line())["id"] == "a"
        await patient.send(chunk(stream(build(id="b"))), b"0\r\n\r\n")
        assert (await patient.line())["id"] == "b"


async def test_a_client_that_stops_is_told_its_totals_in_the_minimal_form(hasty: House) -> None:
    async with wire(hasty.path) as by_hand:
        await by_hand.send(head(-1, MINIMAL), chunk(stream(build(), b"", build())))
        assert await by_hand.status() == 202
        late, totals = await by_hand.line(), await by_hand.line()
    assert (late["line"], late["error"]["status"]) == (4, 408)
    assert totals == {"accepted": 2, "duplicates": 0, "refused": 1}


# Not reading


def small_pipe(path: str) -> socket.socket:
    """A connected socket that takes little in before somebody reads."""
    made = socket.socket(socket.AF_UNIX)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    made.connect(path)
    made.settimeout(0)
    return made


async def send_on(pipe: socket.socket, headers: Mapping[str, str], lines: bytes) -> None:
    """Send a stream that never ends."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(pipe, head(-1, headers))
    while True:
        await loop.sock_sendall(pipe, chunk(lines))


async def test_a_client_that_never_reads_is_cut_off(hasty: House) -> None:
    """What was accepted stays accepted, and the others are served meanwhile."""
    lines = stream(*(build(number, id=f"e{number}") for number in range(1, 1001)))
    with capture_logs() as logs, small_pipe(hasty.path) as pipe, pytest.raises(ConnectionError):
        await asyncio.wait_for(send_on(pipe, NDJSON, lines), PATIENCE)
    await hasty.still_good()
    assert "e1" in hasty.outbox.entries
    assert logs == [{"event": "api.cut_off", "log_level": "warning", "reason": "the client did not read for 0.05 s"}]


async def test_what_waits_for_the_disk_has_a_bound(sidecar: House) -> None:
    """However much a client sends: while the disk is busy, no more is read than fits."""
    lines = stream(*(build(number) for number in range(1, 1001)))
    sidecar.outbox.disk.clear()
    with small_pipe(sidecar.path) as pipe:
        sender = asyncio.create_task(send_on(pipe, MINIMAL, lines))
        async with asyncio.timeout(PATIENCE):
            while len(sidecar.outbox.asked) < UNDER_WAY:
                await sidecar.get("/healthz")
        for _ in range(50):
            await sidecar.get("/healthz")
        assert sidecar.outbox.asked == [BATCH] * UNDER_WAY
        assert not sender.done()
        sender.cancel()
