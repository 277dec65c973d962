"""The disk breaks, or fills up and has room again.

Law: as in power.py. After a failed fsync nobody can tell what is on the disk: what is found is as after a power loss. A
full disk is no crash: nothing may come twice but what was in flight at a stop.
"""

import random
import tempfile
from pathlib import Path

from faulty_vfs import EVER, MODES, Disk, Fault, Small, faulty_disk

from faults.kills import check_file
from faults.ledger import NOTHING, Verdict
from faults.power import CHAPTER, after
from faults.world import SPANS, World

BALLAST = 32 * 2**10
CALLS: dict[Fault, int] = {"write": 150, "fsync": 40}
"""So many go well, at most, before the first that fails."""


async def breaks(rounds: int, seed: int, fault: Fault) -> Verdict:
    """Writes, or fsyncs, fail from some moment on; the next start finds a disk that works."""
    total = NOTHING
    for first in range(0, rounds, CHAPTER):
        total += await _breaks(min(CHAPTER, rounds - first), random.Random(f"{seed} {fault} {first}"), fault)
    return total


async def _breaks(rounds: int, dice: random.Random, fault: Fault) -> Verdict:
    world = World(dice)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "0")
        folder.mkdir()
        for number in range(1, rounds + 1):
            with faulty_disk() as disk:
                disk.fault, disk.after = fault, dice.randrange(CALLS[fault])
                await world.live(folder, disk.name)
                assert disk.refused
                if fault == "fsync":
                    folder = after(disk, Path(name, str(number)), dice, dice.choice(MODES))
            world.ledger.crashes += 1
        await world.settle_up(folder)
        check_file(folder)
    return world.ledger.verdict()


async def fills(rounds: int, seed: int) -> Verdict:
    """No more room, and room again, so often; at every tenth time it is stopped while there is none."""
    total = NOTHING
    for first in range(0, rounds, CHAPTER):
        world = World(random.Random(f"{seed} space {first}"))
        with tempfile.TemporaryDirectory() as name, faulty_disk() as disk:
            folder = Path(name)
            await _fills(world, folder, disk, min(CHAPTER, rounds - first))
            world.ledger.crashes += 1
            await world.settle_up(folder)
            check_file(folder)
        total += world.ledger.verdict()
    return total


async def _fills(world: World, folder: Path, disk: Disk, rounds: int) -> None:
    small = Small(disk, folder, EVER)
    async with world.process(folder, disk.name, BALLAST) as it:
        for number in range(rounds):
            small.size = EVER - disk.space() + world.dice.randrange(2 * BALLAST)
            refused = 0
            while refused < world.dice.randrange(1, 5):
                refused += not await world.post(it.outbox)
                await it.pass_(world.dice.choice(SPANS))
                small.size = min(small.size, EVER - disk.space() + 2 * BALLAST)
            if number < rounds - 1:
                small.size = EVER
                await it.pass_(10_000)
                assert await world.post(it.outbox), "there is room, and it takes nothing"
            assert not it.task.done(), "it did not stay up"
