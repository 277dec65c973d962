"""kill -9 at random moments: what was answered 202 arrives. Law: the real process, a real disk, a real receiver."""

import asyncio
import random
from collections import Counter
from pathlib import Path

from aiohttp import ClientError, ClientSession, web
from hook import Answer, Hook, Seen, hook
from running import Process, build, environment, serving, start

ROUNDS = 20
CONCURRENCY = 8
REPOSITORIES = 12


class Injector:
    """Posts events over four connections until the process is gone; keeps the ids that were answered 202."""

    def __init__(self, process: Process, first: int, dice: random.Random) -> None:
        self._process = process
        self._numbers = iter(range(first, first + 10_000))
        self._dice = dice
        self.accepted: list[str] = []
        self.enough = asyncio.Event()
        self.target = dice.randrange(1, 60)

    async def run(self) -> None:
        await asyncio.gather(*[self._connection(lines=n == 0) for n in range(4)])

    async def _connection(self, *, lines: bool) -> None:
        try:
            async with self._process.client() as session:
                while True:
                    await (self._lines(session) if lines else self._one(session))
        except (ClientError, OSError):
            return

    async def _one(self, session: ClientSession) -> None:
        number = next(self._numbers)
        body = build(number, f"octo/repo-{number % REPOSITORIES}", id=f"e{number}")
        async with session.post("/events", json=body) as answer:
            assert answer.status == 202, await answer.text()
            self._took((await answer.json())["id"])

    async def _lines(self, session: ClientSession) -> None:
        """An NDJSON stream; each line of the answer counts as it comes."""
        numbers = [next(self._numbers) for _ in range(20)]
        text = [
            f'{{"id":"e{n}","action":"created","repo":{{"slug":"octo/repo-{n % 12}"}},"build":{{"number":{n}}}}}\n'
            for n in numbers
        ]
        headers = {"Content-Type": "application/x-ndjson"}
        async with session.post("/events", data="".join(text).encode(), headers=headers) as answer:
            async for line in answer.content:
                self._took(line.decode().split('"')[3])

    def _took(self, id_: str) -> None:
        assert id_.startswith("e")
        self.accepted.append(id_)
        if len(self.accepted) >= self.target:
            self.enough.set()


def slow_or_silent(dice: random.Random, loop_over: asyncio.Event) -> Answer:
    """Answers at once, after others, or not at all until the killing is over."""

    async def answer(seen: Seen) -> web.Response:
        if dice.random() < 0.05:
            await loop_over.wait()
        for _ in range(dice.randrange(30)):
            await asyncio.sleep(0)  # others go first; nothing waits for the clock
        return web.Response(status=204)

    return answer


async def test_nothing_acknowledged_is_lost_over_20_kills_and_few_come_twice(tmp_path: Path) -> None:
    dice, over = random.Random(20), asyncio.Event()
    async with hook(slow_or_silent(dice, over)) as receiver:
        settings = environment(
            tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url, SIDECAR_CONCURRENCY=str(CONCURRENCY), SIDECAR_TIMEOUT="5s"
        )
        accepted: list[str] = []
        for number in range(ROUNDS):
            accepted += await one_life(settings, receiver, number, dice)
        over.set()
        async with serving(settings) as process:
            wanted = set(accepted)
            await receiver.until(lambda: wanted <= {seen.event for seen in receiver.good}, 60)
            assert await process.stop() == 0
    assert len(accepted) == len(wanted) > ROUNDS
    repeated = sum(count - 1 for count in Counter(seen.event for seen in receiver.seen).values())
    assert repeated <= CONCURRENCY * (ROUNDS + 1)


async def one_life(settings: dict[str, str], receiver: Hook, number: int, dice: random.Random) -> list[str]:
    """Start, inject, kill: once so many were acknowledged, or a few delivered, whichever is sooner."""
    process = await start(settings)
    await process.until("sidecar.ready")
    injector = Injector(process, 1_000 * number, dice)
    injecting = asyncio.ensure_future(injector.run())
    moments = [injector.enough.wait(), receiver.until_good(len(receiver.good) + dice.randrange(1, 60))]
    waiting = [asyncio.ensure_future(moment) for moment in moments]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await process.kill()
    for moment in waiting:
        moment.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await injecting
    return injector.accepted


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
