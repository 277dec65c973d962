"""Half an hour of everything at once, with restarts: what grows, grows here.

Law: the real process under a steady load of single events and streams, over five endpoints of which three have outages
in turns. It is stopped after a sixth of the time and killed after another; the long rest is one life, and of that the
last part is judged against the second: in the first one caches fill.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from receivers import Behaviour, Received, Wire, answers
from running import Process, serving

from faults.callers import Caller
from faults.crowd import BAD, Crowd, crowd
from faults.kills import PATIENCE, check_file, go_on, new_ledger, settings_for
from faults.ledger import Ledger, Named, named

PARTS = 12
LIVES = (2, 4, PARTS)
"""The parts before which one ends."""

EARLY = LIVES[1] + 1
"""The part that the last one is judged against."""

SETTINGS = {
    "SIDECAR_RETENTION": "2m",
    "SIDECAR_RETRY_SCHEDULE": "1s,2s,5s,10s,20s,30s,30s,30s",
    "SIDECAR_CONCURRENCY": "16",
}
HEAD = """\
| minutes | RSS, MB | files, MB | descriptors | 202 after, ms: p50 | p99 | healthy endpoint after, ms: p50 | p99 |
|---|---|---|---|---|---|---|---|"""

RATE = 10
"""Single events a second; a stream of as many goes beside them, once a second."""

OUTAGES = {"dead": (20.0, 120.0, 0.0), "failing": (20.0, 120.0, 60.0), "flapping": (2.0, 20.0, 0.0)}
"""By endpoint: seconds of outage in each period, and how far the first is gone. By the clock, so that each can keep up:
what is owed to one that cannot is a backlog, and grows as it should."""

SLACK = {"rss": 1.15, "files": 1.25, "descriptors": 1.25, "acks": 3.0, "deliveries": 3.0}
"""How much more there may be in the last part than in that one: times are those of a machine that others share."""


@dataclass
class Sample:
    """What a part of the run shows."""

    rss: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)
    acks: list[float] = field(default_factory=list)
    deliveries: list[float] = field(default_factory=list)


@dataclass
class Soak:
    """One run; `seconds` in all."""

    seconds: float
    ledger: Ledger
    dice: random.Random
    began: float = field(default_factory=time.monotonic)
    parts: list[Sample] = field(default_factory=lambda: [Sample() for _ in range(PARTS)])
    posted: dict[Named, float] = field(default_factory=dict)

    @property
    def part(self) -> Sample:
        return self.parts[min(PARTS - 1, int((time.monotonic() - self.began) / self.seconds * PARTS))]

    async def run(self, settings: Mapping[str, str], there: Crowd) -> None:
        """Three lives: one ends in order, one by kill -9, and the last when everything has come."""
        callers = [Caller(name, self.ledger, self.dice, lines=name == "d") for name in "abd"]
        for end in LIVES:
            async with serving(settings) as process:
                until = self.began + self.seconds * end / PARTS
                await asyncio.gather(self._watch(process, until), *[self._load(c, process, until) for c in callers])
                if end == LIVES[0]:
                    assert await process.stop() == 0
                elif end == LIVES[1]:
                    await process.kill()
                    self.ledger.crashes += 1
                    await there.quiet()
                else:
                    await self._settle_up(process, there, callers)

    async def _load(self, caller: Caller, process: Process, until: float) -> None:
        """At its pace; a stream counts as one wait for its acknowledgements."""
        pause = 1.0 if caller.lines else 2 / RATE
        while time.monotonic() < until:
            start = time.monotonic()
            for event in caller.ahead(RATE if caller.lines else 1):
                self.posted[event] = start
            await caller.post(process, 1)
            self.part.acks.append((time.monotonic() - start) * 1000)
            await asyncio.sleep(max(0.0, start + pause - time.monotonic()))

    async def _watch(self, process: Process, until: float) -> None:
        folder = Path(process.socket).parent / "data"
        pid = process.process.pid
        while time.monotonic() < until:
            await asyncio.sleep(1)
            pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
            self.part.rss.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
            self.part.files.append(sum(file.stat().st_size for file in folder.glob("outbox.*")) / 1e6)
            self.part.descriptors.append(sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))
            process.log.clear()

    async def _settle_up(self, process: Process, there: Crowd, callers: list[Caller]) -> None:
        for caller in callers:
            await caller.settle(process)
        there.ways = {name: there.well(name) for name in there.ways}
        await go_on(process)
        await self.ledger.until(lambda: not self.ledger.missing, PATIENCE)
        assert await process.stop() == 0

    def noted(self, well: Behaviour) -> Behaviour:
        """The healthy endpoint, with a watch in its hand."""

        async def behave(wire: Wire, request: Received) -> None:
            event = named(request.headers["webhook-id"])
            if (start := self.posted.pop(event, None)) is not None:
                self.part.deliveries.append((time.monotonic() - start) * 1000)
            await well(wire, request)

        return behave

    def outages(self, well: Behaviour, outage: float, period: float, phase: float) -> Behaviour:
        """Well but for an outage in each period."""
        ill = answers(BAD)

        async def behave(wire: Wire, request: Received) -> None:
            down = (time.monotonic() - self.began + phase) % period > period - outage
            await (ill if down else well)(wire, request)

        return behave


def middle(values: list[float]) -> float:
    return percentile(values, 0.5)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else 0.0


def grown(parts: list[Sample]) -> list[str]:
    """What there is too much more of in the last part."""
    early, late = parts[EARLY], parts[-1]
    pairs = {name: (middle(getattr(early, name)), middle(getattr(late, name))) for name in SLACK}
    more = {name: both for name, both in pairs.items() if both[1] > both[0] * SLACK[name]}
    return [f"{name}: {before:.1f}, then {after:.1f}" for name, (before, after) in more.items()]


def report(soak: Soak) -> bool:
    """The table of the page, and whether all was well."""
    verdict = soak.ledger.verdict()
    print(HEAD)
    for n, part in enumerate(soak.parts):
        start, end = (soak.seconds / 60 / PARTS * at for at in (n, n + 1))
        figures = [middle(part.rss), middle(part.files), middle(part.descriptors)]
        waits = [percentile(values, share) for values in (part.acks, part.deliveries) for share in (0.5, 0.99)]
        shown = " | ".join(f"{figure:.1f}" for figure in (*figures, *waits))
        print(f"| {start:.1f} to {end:.1f} | {shown} |")
    came = f"{verdict.lost} lost, {verdict.duplicated} duplicated, {verdict.out_of_order} out of order"
    print(f"{verdict.acknowledged:,} acknowledged, {came}; one restart, one kill -9")
    more = grown(soak.parts)
    for line in more:
        print(f"grown: {line}", file=sys.stderr)
    return verdict.kept and not more


async def main(minutes: float, seed: int) -> bool:
    ledger, dice = new_ledger(concurrency=int(SETTINGS["SIDECAR_CONCURRENCY"])), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with crowd(ledger, dice) as there:
            soak = Soak(minutes * 60, ledger, dice)
            await there.listen("dead")
            there.ways["healthy"] = soak.noted(there.well("healthy"))
            for name, times in OUTAGES.items():
                there.ways[name] = soak.outages(there.well(name), *times)
            await soak.run(settings_for(Path(folder), there, **SETTINGS), there)
        check_file(Path(folder, "data"))
    return report(soak)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    sys.exit(not asyncio.run(main(given.minutes, given.seed)))
