"""A disk that fails under the running process. Law: the real process on the faulty VFS; no 202 that is not on disk."""

import signal
from pathlib import Path

from faulty_vfs import EVER, faulty_disk
from hook import hook
from running import build, environment, serving
from simulation import Sent, endpoint, simulation

from sidecar.model import Response

PROGRAM = str(Path(__file__).parent / "broken_disk.py")


async def test_a_failed_fsync_is_never_tried_again_no_202_exit_1_and_the_next_start_is_consistent(
    tmp_path: Path,
) -> None:
    async with hook() as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url)
        async with serving(settings, PROGRAM) as process:
            assert (await process.post("/events", build(1, id="before")))[0] == 202
            await process.until("delivery.attempted")  # on disk: nothing but the next event is written from here on
            process.process.send_signal(signal.SIGUSR1)
            status, problem = await process.post("/events", build(2, id="after"))
            assert (status, problem["status"]) == (503, 503)
            assert await process.ended() == 1
            (line,) = [line for line in process.log if line["event"] == "outbox.broken"]
            assert "outbox.sqlite3" in line["detail"] or "cannot be written" in line["detail"]
        async with serving(settings) as process:
            assert (await process.get("/events/before"))["id"] == "before"
            assert (await process.post("/events", build(2, id="after")))[0] == 202, "it may or may not have been kept"
            await receiver.until(lambda: {seen.event for seen in receiver.good} == {"before", "after"})


async def test_with_no_space_left_events_are_refused_with_503_and_the_process_stays_up(tmp_path: Path) -> None:
    settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT="http://127.0.0.1:1/")
    async with serving(settings, PROGRAM) as process:
        assert (await process.post("/events", build(1, id="before")))[0] == 202
        process.process.send_signal(signal.SIGUSR2)
        async with process.client() as session, session.post("/events", json=build(2, id="after")) as refused:
            assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (503, True)
            assert "SIDECAR_DATA_DIR" in (await refused.json(content_type=None))["detail"]
        assert (await process.get("/readyz"))["status"] == "unready"
        assert (await process.get("/healthz"))["status"] == "alive"
        assert await process.stop() == 0
    async with serving(settings) as process:
        assert (await process.get("/events/before"))["id"] == "before"
        assert (await process.post("/events", build(2, id="after")))[0] == 202


async def test_when_no_verdict_can_be_written_no_attempt_starts_anywhere_until_there_is_space(tmp_path: Path) -> None:
    with faulty_disk() as disk:

        def fills(_: Sent) -> Response:
            if not it.wire.good:
                disk.room = lambda: 0
            return Response(204)

        hooks = [endpoint("a", concurrency=1), endpoint("b", concurrency=1)]
        async with simulation(tmp_path, fills, endpoints=hooks, vfs=disk.name) as it:
            await it.add(*[f"s{n}" for n in range(40)], to=("a", "b"))
            await it.pass_(60_000)
            assert 1 <= len(it.wire.sent) <= 2
            disk.room = lambda: EVER
            await it.until(lambda: len(it.wire.good) == 80)
            assert len({(sent.event, sent.endpoint) for sent in it.wire.sent}) == len(it.wire.sent) == 80
