"""Does a long queue behind one failing subject slow down the others? Claim time, with and without it, in one run.

Law: both outboxes are measured in turns; medians. `make bench-claims`.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from sidecar.model import Attempt, Event, Posting, Response, RetryAt, Settlement, fingerprint
from sidecar.outboxes.sqlite import open_outbox
from sidecar.outboxes.sqlite.engine import SqliteOutbox

NOW, HOUR = 1_800_000_000_000, 3_600_000
BODY = b"{" + b" " * 1022 + b"}"


def posting(name: str, subject: str) -> Posting:
    event = Event(name, "drone", "build:created", subject, BODY, fingerprint(name.encode()), NOW)
    return Posting(event, ("hook",))


async def fill(outbox: SqliteOutbox, count: int, prefix: str, subjects: int) -> None:
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        await outbox.add([posting(f"{prefix}{n}", f"{prefix}{n % subjects}") for n in numbers])


async def prepared(folder: Path, held: int, others: int) -> SqliteOutbox:
    """`held` deliveries of one subject behind a failed one, then `others` of others."""
    outbox = await open_outbox(folder, now=lambda: NOW, hold=HOUR, order="subject", max_size=2**40, ballast=0)
    if held:
        await fill(outbox, held, "held", 1)
        (claim,) = (await outbox.claim("hook", 1, NOW, 0)).claims
        await outbox.settle(Settlement(claim, Attempt(1, NOW, 1, Response(404)), RetryAt(NOW + HOUR), NOW, 0))
    await fill(outbox, others, "other", others)
    return outbox


async def claims(outbox: SqliteOutbox, count: int) -> list[float]:
    """Seconds of each claim of one delivery, until `count` are taken; then all are given back."""
    took, taken = [], []
    for _ in range(count):
        start = time.perf_counter()
        claimed = await outbox.claim("hook", 1, NOW, 0)
        took.append(time.perf_counter() - start)
        taken += [claim.delivery for claim in claimed.claims]
        if len(taken) % 16 == 0:
            await outbox.abandon(taken[-16:])
    assert len(taken) == count
    return took


async def main(held: int, others: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(dir=".") as free_dir, tempfile.TemporaryDirectory(dir=".") as held_dir:
        free, full = await prepared(Path(free_dir), 0, others), await prepared(Path(held_dir), held, others)
        times: dict[str, list[float]] = {"free": [], "held": []}
        for _ in range(rounds):
            times["free"].append(statistics.median(await claims(free, others)))
            times["held"].append(statistics.median(await claims(full, others)))
        await free.close()
        await full.close()
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"a claim of 1 of {others:,}, {rounds} alternating rounds, medians:")
    print(f"  alone                              {medians['free'] * 1e6:6.0f} µs")
    ratio = medians["held"] / medians["free"]
    print(f"  behind {held:,} of a held subject   {medians['held'] * 1e6:6.0f} µs   ratio {ratio:.2f}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--held", type=int, default=200_000)
    options.add_argument("--others", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    asyncio.run(main(given.held, given.others, given.rounds))
