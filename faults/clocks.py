"""The wall clock is set forward and back by a day, again and again, under load.

Law: the real process, whose wall clock alone is made up (jumping.py). Time must not go back for it, so the clock jumps
over a kill, too.
"""

import asyncio
import random
import signal
import tempfile
from pathlib import Path

from running import serving

from faults.callers import Caller, load
from faults.crowd import crowd
from faults.kills import check_file, new_callers, new_ledger, settings_for, settle_up
from faults.ledger import Verdict

LIFE = 20
"""Jumps between two kills."""

SELF = ("-m", "faults.jumping")
PACE = 0.02


async def run(rounds: int, seed: int) -> Verdict:
    """So many jumps; the clock is never more than a day off."""
    dice = random.Random(seed)
    ledger = new_ledger()
    with tempfile.TemporaryDirectory() as folder:
        async with crowd(ledger, dice) as there:
            settings = settings_for(Path(folder), there)
            callers = new_callers(ledger, dice, PACE)
            for first in range(0, rounds, LIFE):
                await life(settings, callers, min(LIFE, rounds - first), dice)
                ledger.crashes += 1
                await there.quiet()
            await settle_up(settings, there, callers, SELF)
        check_file(Path(folder, "data"))
    return ledger.verdict()


async def life(settings: dict[str, str], callers: list[Caller], jumps: int, dice: random.Random) -> None:
    off = 0
    async with serving(settings, *SELF) as process:
        async with load(process, callers):
            for _ in range(jumps):
                await asyncio.sleep(dice.uniform(0, 0.2))
                step = dice.choice([way for way in (-1, 1) if abs(off + way) <= 1])
                off += step
                process.process.send_signal(signal.SIGUSR1 if step > 0 else signal.SIGUSR2)
            await asyncio.sleep(0.05)
        await process.kill()
