"""File descriptors run out, under load: for a moment not one more can be had.

Law: the real process; its limit is set to what it has open, and given back. It must stay up, lose nothing, and repeat
nothing but what the end of the drain time cuts off.
"""

import asyncio
import random
import resource
import tempfile
from pathlib import Path

from running import Process, serving

from faults.callers import load
from faults.crowd import crowd
from faults.kills import check_file, new_callers, new_ledger, settings_for, settle_up
from faults.ledger import Verdict

PACE = 0.02


async def run(rounds: int, seed: int) -> Verdict:
    """So many times."""
    dice = random.Random(seed)
    ledger = new_ledger()
    with tempfile.TemporaryDirectory() as folder:
        async with crowd(ledger, dice) as there:
            settings = settings_for(Path(folder), there)
            callers = new_callers(ledger, dice, PACE)
            async with serving(settings) as process:
                async with load(process, callers):
                    for _ in range(rounds):
                        await asyncio.sleep(dice.uniform(0, 0.1))
                        await squeeze(process, dice)
                assert process.process.returncode is None, process.log[-5:]
                assert await process.stop() == 0
                ledger.crashes += not (await process.until("sidecar.stopped"))["drained"]
            await settle_up(settings, there, callers)
        check_file(Path(folder, "data"))
    return ledger.verdict()


async def squeeze(process: Process, dice: random.Random) -> None:
    """For up to a fifth of a second there are none, or almost none."""
    pid = process.process.pid
    highest = max(int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir())
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (dice.randrange(highest // 2, highest + 2), before[1]))
    try:
        await asyncio.sleep(dice.uniform(0, 0.2))
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
