"""The admin listener of the real process. Law: as an operator meets it, by its exit status and log."""

import socket
from pathlib import Path

import aiohttp
from running import environment, serving, start

TOKEN = "correct-horse-battery-staple"


async def test_with_port_0_the_log_says_where_it_listens(tmp_path: Path) -> None:
    async with serving(environment(tmp_path, SIDECAR_ADMIN_LISTEN="127.0.0.1:0")) as process:
        address = (await process.until("admin.listening"))["address"]
        async with aiohttp.ClientSession(f"http://{address}") as session:
            async with session.get("/readyz") as ready:
                assert await ready.json() == {"status": "ready"}


async def test_a_page_that_is_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with serving(environment(tmp_path, SIDECAR_ADMIN_LISTEN="127.0.0.1:0")) as process:
        address = (await process.until("admin.listening"))["address"]
        async with aiohttp.ClientSession(f"http://{address}") as session, session.get("/live") as stream:
            assert await stream.content.readuntil(b"\n\n")
            assert await process.stop() == 0


async def test_off_is_off(tmp_path: Path) -> None:
    async with serving(environment(tmp_path, SIDECAR_ADMIN_LISTEN="off")) as process:
        assert [line for line in process.log if line["event"] == "admin.listening"] == []


async def test_a_taken_port_fails_the_start_with_the_way_out_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = await start(environment(tmp_path, SIDECAR_ADMIN_LISTEN=address))
        assert await process.ended() == 1
    [line] = [line for line in process.log if line["event"] == "sidecar.failed"]
    assert line["detail"] == (
        f"SIDECAR_ADMIN_LISTEN: another process listens on {address}: stop it, "
        "or set SIDECAR_ADMIN_LISTEN to another address, or to off"
    )
    assert not Path(process.socket).exists()


async def test_off_loopback_the_real_process_asks_for_the_token_and_never_says_it(tmp_path: Path) -> None:
    settings = environment(tmp_path, SIDECAR_ADMIN_LISTEN="0.0.0.0:0", SIDECAR_ADMIN_TOKEN=TOKEN)
    async with serving(settings) as process:
        port = (await process.until("admin.listening"))["address"].rpartition(":")[2]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            statuses = []
            for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
                async with session.get("/endpoints", headers=headers) as answer:
                    statuses.append(answer.status)
            assert statuses == [401, 200]
        assert TOKEN not in str(process.log)
