"""The process as an operator meets it: start, stop, signals, who else is there. Law: the real thing, by its exit
status and log."""

import asyncio
import os
import signal
import socket
import stat
from pathlib import Path

import apsw
import pytest
from aiohttp import web
from hook import Seen, hook, say
from running import SECRET, build, environment, serving, start

from sidecar import datadir


async def test_it_says_when_it_is_ready_and_stops_with_0_on_sigterm_and_sigint(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        async with serving(environment(tmp_path)) as process:
            ready = await process.until("sidecar.ready")
            assert ready["waiting"] == 0
            process.process.send_signal(number)
            assert await process.ended() == 0
            assert process.log[-2]["event"] == "sidecar.stopped"
        assert not Path(process.socket).exists()


async def test_on_sigterm_it_takes_no_more_finishes_what_is_due_and_leaves_later_retries(tmp_path: Path) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def answer(seen: Seen) -> web.Response:
        if b'"number": 0,' in seen.body:
            return web.Response(status=404)
        asked.set()
        await go.wait()
        return web.Response()

    async with hook(answer) as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url, SIDECAR_CONCURRENCY="2")
        async with serving(settings) as process:
            for number in range(6):
                await process.post("/events", build(number, f"octo/{number}"))
            await asked.wait()
            async with process.client() as session:
                process.process.send_signal(signal.SIGTERM)
                await process.until("sidecar.draining")
                async with session.post("/events", json=build(9)) as refused:
                    assert refused.status == 503
                    assert int(refused.headers["Retry-After"]) > 0
            go.set()
            assert await process.ended() == 0
            assert len(receiver.good) == 5
            assert process.log[-2]["event"] == "sidecar.stopped"
            assert (process.log[-2]["waiting"], process.log[-2]["drained"]) == (1, True)


async def test_when_the_drain_time_runs_out_it_still_ends_with_0_and_says_what_is_left(tmp_path: Path) -> None:
    async def never(_: Seen) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with hook(never) as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url, SIDECAR_DRAIN_TIMEOUT="200ms")
        async with serving(settings) as process:
            await process.post("/events", build(1))
            await receiver.until(lambda: len(receiver.seen) == 1)
            assert await process.stop() == 0
            assert (process.log[-2]["waiting"], process.log[-2]["drained"]) == (1, False)


async def test_a_second_signal_ends_it_at_once_with_1(tmp_path: Path) -> None:
    async def never(_: Seen) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with hook(never) as receiver:
        async with serving(environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url)) as process:
            await process.post("/events", build(1))
            await receiver.until(lambda: len(receiver.seen) == 1)
            process.process.send_signal(signal.SIGTERM)
            await process.until("sidecar.draining")
            process.process.send_signal(signal.SIGTERM)
            assert await process.ended() == 1


async def test_the_sockets_mode_is_as_configured(tmp_path: Path) -> None:
    for mode in ("0660", "0600", "0666"):
        async with serving(environment(tmp_path, SIDECAR_SOCKET_MODE=mode)) as process:
            found = os.stat(process.socket)  # noqa: PTH116 - a socket, not a file to be read
            assert stat.S_ISSOCK(found.st_mode)
            assert stat.S_IMODE(found.st_mode) == int(mode, 8)


async def test_what_is_kept_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    async with serving(environment(tmp_path)) as process:
        await process.post("/events", build(1))
        data = tmp_path / "data"
        assert stat.S_IMODE(data.stat().st_mode) & 0o007 == 0
        for file in data.glob("outbox.sqlite3*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


async def test_a_stale_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    settings = environment(tmp_path)
    async with serving(settings) as process:
        await process.kill()
    assert Path(settings["SIDECAR_SOCKET"]).exists()
    async with serving(settings) as process:
        assert (await process.get("/healthz"))["status"] == "alive"


async def test_a_live_socket_is_refused_with_a_clear_message(tmp_path: Path) -> None:
    async with serving(environment(tmp_path)) as first:
        second = await start(environment(tmp_path, SIDECAR_DATA_DIR=str(tmp_path / "other")))
        assert await second.ended() == 1
        (line,) = [line for line in second.log if line["event"] == "sidecar.failed"]
        assert first.socket in line["detail"]
        assert "SIDECAR_SOCKET" in line["detail"]
        assert (await first.get("/healthz"))["status"] == "alive"


async def test_a_second_process_on_the_same_data_directory_is_refused(tmp_path: Path) -> None:
    async with serving(environment(tmp_path)):
        second = await start(environment(tmp_path, SIDECAR_SOCKET=str(tmp_path / "other")))
        assert await second.ended() == 1
        (line,) = [line for line in second.log if line["event"] == "sidecar.failed"]
        assert "in use by another sidecar" in line["detail"]


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    settings = environment(tmp_path)
    Path(settings["SIDECAR_SOCKET"]).write_text("precious")
    process = await start(settings)
    assert await process.ended() == 1
    assert Path(settings["SIDECAR_SOCKET"]).read_text() == "precious"


@pytest.mark.parametrize("bad", ["file/data", "file"])
async def test_a_data_directory_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path, bad: str) -> None:
    (tmp_path / "file").write_text("in the way")
    process = await start(environment(tmp_path, SIDECAR_DATA_DIR=str(tmp_path / bad)))
    assert await process.ended() == 1
    (line,) = [line for line in process.log if line["event"] == "sidecar.failed"]
    assert "SIDECAR_DATA_DIR" in line["detail"]


async def test_a_bad_configuration_names_every_fault_and_ends_with_2(tmp_path: Path) -> None:
    settings = environment(tmp_path, SIDECAR_TIMEOUT="soon", SIDECAR_CONCURENCY="4", DRONE_WEBHOOK_EVENTS="[a-")
    process = await start(settings)
    assert await process.ended() == 2
    text = "".join(line.get("text", "") for line in process.log)
    for part in ("SIDECAR_TIMEOUT", "SIDECAR_CONCURENCY", "SIDECAR_CONCURRENCY", "DRONE_WEBHOOK_EVENTS"):
        assert part in text
    assert not Path(settings["SIDECAR_SOCKET"]).exists()


async def test_damage_of_the_disk_is_told_at_the_start_and_nothing_crashes(tmp_path: Path) -> None:
    settings = environment(tmp_path)
    async with serving(settings) as process:
        await process.stop()
    file = tmp_path / "data" / "outbox.sqlite3"
    file.write_bytes(b"noise" * 5000)
    process = await start(settings)
    assert await process.ended() == 1
    (line,) = [line for line in process.log if line["event"] == "outbox.broken"]
    assert str(file) in line["detail"]


async def test_no_secret_and_no_query_is_ever_said(tmp_path: Path) -> None:
    async with hook() as receiver:
        url = receiver.url.replace("http://", "http://user:hunter2@") + "?token=s3cr3t-query"
        async with serving(environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=url)) as process:
            await process.post("/events", build(1, id="one"))
            await receiver.until_good(1)
            shown = [
                await process.get(p) for p in ("/endpoints", "/deliveries", "/deliveries/1", "/events/one", "/readyz")
            ]
            await process.stop()
        assert receiver.seen[0].headers["Authorization"].startswith("Basic ")
        said = f"{process.log} {shown}"
        for secret in (SECRET, "hunter2", "s3cr3t-query"):
            assert secret not in said


async def test_idle_it_uses_no_cpu(tmp_path: Path) -> None:
    """Measured in the kernel's own clock ticks while a blocked read of ours waits for a second of wall time."""
    async with serving(environment(tmp_path, DRONE_WEBHOOK_ENDPOINT="http://127.0.0.1:1/")) as process:
        await process.get("/readyz")
        stat_file = Path(f"/proc/{process.process.pid}/stat")

        def ticks() -> int:
            fields = stat_file.read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        before = ticks()
        left, right = socket.socketpair()
        with left, right:
            left.settimeout(1.0)
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(left.recv, 1)
        assert ticks() - before <= 3


async def test_a_data_directory_that_is_made_is_on_disk_before_anything_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power loss could take the whole of it, with all that was promised."""
    synced: list[int] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    with datadir.held(tmp_path / "a" / "b"):
        assert synced == [tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino]
    with datadir.held(tmp_path / "a" / "b"):
        assert len(synced) == 2, "it was there"


async def test_after_a_long_absence_what_is_owed_is_tried_before_it_is_too_old(tmp_path: Path) -> None:
    async with hook(say(500)) as receiver:
        settings = environment(
            tmp_path,
            DRONE_WEBHOOK_ENDPOINT=receiver.url,
            SIDECAR_MAX_AGE="2s",
            SIDECAR_RETRY_SCHEDULE="3s",
        )
        async with serving(settings) as process:
            await process.post("/events", build(1))
            await receiver.until(lambda: len(receiver.seen) == 1)
            assert await process.stop() == 0
        age(tmp_path / "data" / "outbox.sqlite3", 5 * 86_400_000)
        receiver.answer = say(204)
        async with serving(settings) as process:
            await receiver.until_good(1)


def age(file: Path, span: int) -> None:
    """Make the file look as if that much time had passed since it was written."""
    db = apsw.Connection(str(file))
    db.execute("UPDATE totals SET written = written - ?", (span,))
    db.execute("UPDATE deliveries SET owed_since = owed_since - ?", (span,))
    db.close()
