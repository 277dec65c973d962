"""kill -9 at random moments, under load.

Law: the real process, a real disk, real sockets. The moments are of the clock, not of the load: in the middle of a
start, of a commit, of a request, of nothing.
"""

import asyncio
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import apsw
from running import SECRET, Process, environment, serving, start

from faults.callers import Caller
from faults.crowd import ENDPOINTS, Crowd, crowd
from faults.ledger import NOTHING, Ledger, Verdict

CONCURRENCY = 4
CHAPTER = 25
"""Kills that one data directory lives through; then all endpoints are well, and everything must come."""

SETTINGS = {
    "SIDECAR_CONCURRENCY": str(CONCURRENCY),
    "SIDECAR_RETRY_SCHEDULE": ",".join(["50ms"] * 50),
    "SIDECAR_ORDER_HOLD": "7d",
    "SIDECAR_TIMEOUT": "60s",
    "SIDECAR_ADMIN_LISTEN": "off",
    "DRONE_WEBHOOK_SECRET": SECRET,
}
PATIENCE = 10.0
"""Seconds without any request after which nothing more is expected."""


def new_ledger(concurrency: int = CONCURRENCY) -> Ledger:
    return Ledger(ENDPOINTS, concurrency)


def new_callers(ledger: Ledger, dice: random.Random, pace: float = 0.0) -> list[Caller]:
    """Three post one event at a time, the fourth streams."""
    return [Caller(name, ledger, dice, lines=name == "d", pace=pace * (1 + 9 * (name == "d"))) for name in "abcd"]


def settings_for(folder: Path, there: Crowd, **more: str) -> dict[str, str]:
    """The five endpoints, and nothing that is not needed."""
    secrets = {f"SIDECAR_ENDPOINT_{name.upper()}_SECRET": SECRET for name in ENDPOINTS}
    return environment(folder, **{**SETTINGS, **there.settings(), **secrets, **more})


async def run(rounds: int, seed: int, *program: str) -> Verdict:
    """So many kills, in chapters, two at a time; `program` in place of the sidecar, to see what of it is noticed."""
    two = asyncio.Semaphore(2)

    async def chapter_from(first: int) -> Verdict:
        async with two:
            return await chapter(min(CHAPTER, rounds - first), random.Random(f"{seed} {first}"), program)

    return sum(await asyncio.gather(*map(chapter_from, range(0, rounds, CHAPTER))), NOTHING)


async def chapter(rounds: int, dice: random.Random, program: Sequence[str]) -> Verdict:
    ledger = new_ledger()
    callers = new_callers(ledger, dice)
    with tempfile.TemporaryDirectory() as folder:
        async with crowd(ledger, dice) as there:
            settings = settings_for(Path(folder), there)
            for _ in range(rounds):
                await life(settings, callers, dice, program)
                ledger.crashes += 1
                await there.quiet()
            await settle_up(settings, there, callers, program)
        check_file(Path(folder, "data"))
    return ledger.verdict()


async def life(
    settings: Mapping[str, str], callers: Sequence[Caller], dice: random.Random, program: Sequence[str]
) -> None:
    """One in ten dies while it starts, the others under load."""
    process = await start(settings, *program)
    if dice.random() < 0.1:
        await asyncio.sleep(dice.uniform(0, 0.5))
        await process.kill()
        return
    await process.until("sidecar.ready")
    load = [asyncio.ensure_future(caller.post(process, dice.randrange(10, 60))) for caller in callers]
    await asyncio.sleep(dice.uniform(0, 0.5))
    await process.kill()
    await asyncio.gather(*load)


async def settle_up(
    settings: Mapping[str, str], there: Crowd, callers: Sequence[Caller], program: Sequence[str] = ()
) -> None:
    """What callers have no answer for is posted once more; all endpoints are well; everything comes, and it stops."""
    async with serving(settings, *program) as process:
        await there.heal()
        for caller in callers:
            await caller.settle(process)
        await go_on(process)
        await there.ledger.until(lambda: not there.ledger.missing, PATIENCE)
        assert await process.stop() == 0


async def go_on(process: Process) -> None:
    """As an operator does who knows that all is well again: no waiting for probes."""
    for name in ENDPOINTS:
        for what in ("pause", "resume"):
            status, _ = await process.post(f"/endpoints/{name}/{what}")
            assert status == 200


def check_file(folder: Path) -> None:
    """The database in it is sound."""
    db = apsw.Connection(str(folder / "outbox.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    assert db.pragma("integrity_check") == "ok"
    db.close()
