"""A replay over a kill -9, by the real process: it goes on, and nothing comes more often than at least once allows.

Law: as in test_crash.py; real receiver, real disk, real commands.
"""

import asyncio
from collections import Counter
from pathlib import Path

from aiohttp import web
from hook import Seen, hook
from running import Process, build, environment, serving

EVENTS = 300


async def test_a_replay_goes_on_after_a_kill_in_its_middle_and_owes_nothing_twice(tmp_path: Path) -> None:
    mended = asyncio.Event()

    async def answer(seen: Seen) -> web.Response:
        return web.Response(status=204 if mended.is_set() else 422)

    async with hook(answer) as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url, SIDECAR_CONCURRENCY="4")
        async with serving(settings) as process:
            for number in range(EVENTS):
                await process.post("/events", build(number, f"octo/repo-{number % 9}", id=f"e{number}"))
            await receiver.until(lambda: len(receiver.seen) == EVENTS, 60)
            await dead(process, EVENTS)
            mended.set()
            assert (await process.post("/replays", {}))[0] == 202
            await receiver.until(lambda: len(receiver.good) > EVENTS // 4, 60)
            await process.kill()
        at_kill = len(receiver.good)
        assert at_kill < EVENTS
        async with serving(settings) as process:
            await process.until("replay.finished")
            await receiver.until(lambda: len({seen.event for seen in receiver.good}) == EVENTS, 60)
            await dead(process, 0)
            told = (await process.get("/replays"))["replays"]
            assert [(one["state"], one["progress"]) for one in told] == [("done", 1.0)]
            assert await process.stop() == 0
    times = Counter(seen.event for seen in receiver.good)
    assert len(times) == EVENTS
    assert sum(times.values()) - EVENTS <= 4, "only what was in flight when it was killed came again"
    taken = list(dict.fromkeys(int(seen.event[1:]) for seen in receiver.good))
    for repo in range(9):
        order = [number for number in taken if number % 9 == repo]
        assert order == sorted(order)


async def dead(process: Process, count: int) -> None:
    """Wait until so many are dead."""
    async with asyncio.timeout(60):
        while True:
            [endpoint] = (await process.get("/endpoints"))["endpoints"]
            if endpoint["counts"]["dead"] == count:
                return
            await asyncio.sleep(0)


async def test_a_fresh_event_need_not_wait_for_the_end_of_a_replay(tmp_path: Path) -> None:
    """A hundred are owed again at once, and no more."""
    mended, held = asyncio.Event(), asyncio.Event()

    async def answer(seen: Seen) -> web.Response:
        if mended.is_set() and seen.event != "fresh":
            await held.wait()
        return web.Response(status=204 if mended.is_set() else 422)

    async with hook(answer) as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url, SIDECAR_CONCURRENCY="4")
        async with serving(settings) as process:
            for number in range(EVENTS):
                await process.post("/events", build(number, f"octo/repo-{number}", id=f"e{number}"))
            await dead(process, EVENTS)
            mended.set()
            await process.post("/replays", {})
            await dead(process, EVENTS - 100)
            await process.post("/events", build(1, "octo/fresh", id="fresh"))
            held.set()
            await receiver.until(lambda: any(seen.event == "fresh" for seen in receiver.good), 60)
            behind = [seen.event for seen in receiver.good].index("fresh")
            assert behind <= 100 + 8
            assert await process.stop() == 0
