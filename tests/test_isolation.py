"""An endpoint never waits for another. Law: the real process and real receivers."""

import asyncio
from pathlib import Path

from aiohttp import web
from hook import Seen, hook
from running import build, environment, serving


async def test_with_the_first_endpoint_dead_the_second_gets_100_of_100(tmp_path: Path) -> None:
    async with hook() as dead:
        gone = dead.url
    async with hook() as alive:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=f"{gone},{alive.url}")
        async with serving(settings) as process:
            for number in range(100):
                status, body = await process.post("/events", build(number, f"octo/{number}"))
                assert (status, len(body["deliveries"])) == (202, 2)
            await alive.until_good(100, 10)
            states = {e["url"]: e["state"] for e in (await process.get("/endpoints"))["endpoints"]}
            assert states[alive.url] == "active"


async def test_a_silent_endpoint_delays_neither_the_caller_nor_the_other(tmp_path: Path) -> None:
    silent = asyncio.Event()

    async def never(_: Seen) -> web.Response:
        await silent.wait()
        return web.Response()

    async with hook(never) as slow, hook() as quick:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=f"{slow.url},{quick.url}")
        async with serving(settings) as process:
            for number in range(100):
                assert (await process.post("/events", build(number, f"octo/{number}")))[0] == 202
            await quick.until_good(100, 10)
            assert slow.good == []
            assert slow.most_in_flight <= 16
            silent.set()
            await slow.until_good(100)
