"""A receiver that is gone for three days, while events come in all the time.

Law: made-up time, the real dispatcher and outbox, and two crashes on the way. Nothing may die of it, its
neighbour must not notice, and few requests are made meanwhile.
"""

import random
import tempfile
from pathlib import Path

from faults.kills import check_file
from faults.ledger import NOTHING, Verdict
from faults.world import DAY, World
from sidecar.upkeep import Upkeep

HOUR = 3_600_000
DAYS = 3
PROBES = DAYS * 24 * 12 + 20
"""One in five minutes, and those before the wait has grown so long, after each crash too."""


async def run(rounds: int, seed: int) -> Verdict:
    """So many outages, one after another."""
    total = NOTHING
    for number in range(rounds):
        total += await outage(random.Random(f"{seed} outage {number}"))
    return total


async def outage(dice: random.Random) -> Verdict:
    world = World(dice, ("healthy", "dead"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for hours in (20, 30, 22):
            async with world.process(folder) as it:
                upkeep = Upkeep(it.outbox, it.clock, world.endpoints, 4 * DAY, 30 * DAY)
                for _ in range(hours):
                    for _ in range(3):
                        assert await world.post(it.outbox)
                        await it.pass_(HOUR // 3)
                    await upkeep.round()
                sent = sum(one.endpoint == "dead" for one in it.wire.sent)
                assert sent < PROBES, f"{sent} requests in {hours} hours to one that is gone"
                assert not world.ledger.owed("healthy")
            world.ledger.crashes += 1
        await world.settle_up(folder)
        check_file(folder)
    return world.ledger.verdict()
