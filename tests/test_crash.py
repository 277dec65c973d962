"""kill -9 at random moments: what was answered 202 arrives. Law: the real process, a real disk, a real receiver."""

import asyncio
import random
from pathlib import Path

from aiohttp import web
from hook import Seen, hook
from running import build, environment, serving

from faults import kills


async def test_nothing_acknowledged_is_lost_over_kills_at_random_moments_and_few_come_twice() -> None:
    """Five endpoints of which one is well; `make faults` does it as often as one likes."""
    verdict = await kills.run(12, 20)
    assert verdict.kept, verdict
    assert verdict.acknowledged > 100


async def test_killed_in_the_middle_of_an_outage_every_repository_still_keeps_its_order(tmp_path: Path) -> None:
    dice, back = random.Random(4), asyncio.Event()

    async def answer(seen: Seen) -> web.Response:
        shaky = dice.random() < 0.1 and int(seen.headers["X-Drone-Attempt"]) < 3
        return web.Response(status=503 if not back.is_set() or shaky else 204)

    async with hook(answer) as receiver:
        settings = environment(
            tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url, SIDECAR_RETRY_SCHEDULE="50ms,100ms,200ms,1s,1s,1s"
        )
        async with serving(settings) as process:
            for number in range(400):
                status, _ = await process.post("/events", build(number, f"octo/repo-{number % 10}", id=f"e{number}"))
                assert status == 202
            await process.until("endpoint.failing")
            await process.kill()
        assert len(receiver.seen) < 40, "few probes meanwhile"
        back.set()
        for part in (100, 250):
            async with serving(settings) as process:
                await receiver.until_good(part)
                await process.kill()
        async with serving(settings) as process:
            await receiver.until(lambda: len({seen.event for seen in receiver.good}) == 400, 60)
            assert await process.stop() == 0
    taken = [int(seen.event[1:]) for seen in receiver.good]
    for repo in range(10):
        order = list(dict.fromkeys(number for number in taken if number % 10 == repo))
        assert order == sorted(order)
