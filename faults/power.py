"""The power goes at random moments; what was not fsynced is cut off, torn, or noise.

Law: a moment is a change of the disk, of those that SQLite makes; all that comes after it is refused, so whatever was
answered before is a promise. What is found afterwards is where the next life begins.
"""

import random
import tempfile
from pathlib import Path

from faulty_vfs import Disk, Mode, faulty_disk

from faults.kills import check_file
from faults.ledger import NOTHING, Verdict
from faults.world import World

CHAPTER = 10
"""Losses that one outbox lives through; then all endpoints are well, and everything must come."""

CHANGES = 250
"""Changes of the disk that a life has at most."""


async def run(rounds: int, seed: int, mode: Mode) -> Verdict:
    """So many losses."""
    total = NOTHING
    for first in range(0, rounds, CHAPTER):
        total += await chapter(min(CHAPTER, rounds - first), random.Random(f"{seed} {mode} {first}"), mode)
    return total


async def chapter(rounds: int, dice: random.Random, mode: Mode) -> Verdict:
    world = World(dice)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "0")
        folder.mkdir()
        for number in range(1, rounds + 1):
            with faulty_disk() as disk:
                disk.ends_after = dice.randrange(CHANGES)
                await world.live(folder, disk.name)
                folder = after(disk, Path(name, str(number)), dice, mode)
            world.ledger.crashes += 1
        await world.settle_up(folder)
        check_file(folder)
    return world.ledger.verdict()


def after(disk: Disk, remains: Path, dice: random.Random, mode: Mode) -> Path:
    """What is found."""
    disk.power_loss(remains, dice.randrange(2**30), mode)
    return remains
