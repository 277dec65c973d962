"""The table of docs/reliability.md: `make faults ROUNDS=200 SEED=1`.

Law: a fault is a row of ROWS; the exit status is 1 where a promise was not kept.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from faults import clocks, descriptors, disks, kills, outage, power
from faults.ledger import Verdict

HEAD = """\
| fault | rounds | acknowledged | lost | duplicated | out of order | seconds |
|---|---|---|---|---|---|---|"""

Run = Callable[[int, int], Awaitable[Verdict]]


def few(rounds: int) -> int:
    """Of what takes long: a hundredth."""
    return max(1, rounds // 100)


ROWS: dict[str, tuple[Run, Callable[[int], int]]] = {
    "kill -9 under load": (kills.run, int),
    "power loss, the rest cut off": (partial(power.run, mode="cut"), int),
    "power loss, the rest torn": (partial(power.run, mode="torn"), int),
    "power loss, the rest noise": (partial(power.run, mode="noise"), int),
    "I/O error on write": (partial(disks.breaks, fault="write"), int),
    "I/O error on fsync": (partial(disks.breaks, fault="fsync"), int),
    "no space, and space again": (disks.fills, int),
    "clock set by ±1 day": (clocks.run, int),
    "file descriptors exhausted": (descriptors.run, int),
    "a receiver gone for 3 days": (outage.run, few),
}


async def report(rounds: int, seed: int, only: str) -> bool:
    """Print it, or the rows with `only` in their name; whether every promise was kept."""
    print(HEAD, flush=True)
    kept = True
    for name, (run, share) in ((name, row) for name, row in ROWS.items() if only in name):
        start = time.monotonic()
        it = await run(share(rounds), seed)
        figures = (share(rounds), it.acknowledged, it.lost, it.duplicated, it.out_of_order)
        shown = " | ".join(f"{figure:,}" for figure in figures)
        print(f"| {name} | {shown} | {time.monotonic() - start:,.0f} |", flush=True)
        if not it.kept:
            print(f"{name}: not kept: {it}", file=sys.stderr)
        kept = kept and it.kept
    return kept


def main() -> int:
    """As the command line says."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", help="part of a fault's name")
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return int(not asyncio.run(report(given.rounds, given.seed, given.only)))


if __name__ == "__main__":
    sys.exit(main())
