"""How the sidecar does with 1, 10 and 100 endpoints, and with receivers that take 0, 50 and 500 ms.

Law: as in road.py. As many deliveries for each number of endpoints; a slow receiver is measured against what
`SIDECAR_CONCURRENCY` attempts in flight could do at best.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

from road import CONCURRENCY, HERE, peer, resident, road, sidecar, spent

ENDPOINTS = (1, 10, 100)
DELAYS = (0, 50, 500)
LONGEST = 5.0
"""Seconds for one round with a slow receiver, at best."""


class Shape(NamedTuple):
    """Medians: deliveries a second, CPU seconds a delivery; and MB after it."""

    rate: float
    cost: float
    size: float

    def __str__(self) -> str:
        return f"{self.rate:7,.0f} deliveries/s   CPU {self.cost * 1e6:5.0f} µs a delivery   RSS {self.size:3.0f} MB"


def measure(*, delay: int = 0, endpoints: int = 1, events: int, rounds: int) -> Shape:
    """Rounds of `events` to each of so many endpoints, which answer after `delay` ms."""
    with peer(str(HERE / "receiver.py"), str(delay)) as receiver, tempfile.TemporaryDirectory(dir=".") as folder:
        port, path = int(receiver.hear()), str(Path(folder, "sidecar.sock"))
        urls = ",".join([f"http://127.0.0.1:{port}/hook{number}" for number in range(endpoints)])
        rates, costs = [], []
        with sidecar(port, folder, DRONE_WEBHOOK_ENDPOINT=urls) as (pid, _):
            for _ in range(rounds):
                before = spent(pid)
                rates.append(road(receiver, path, events, "lines", fold=endpoints)[0])
                costs.append((spent(pid) - before) / (events * endpoints))
            return Shape(statistics.median(rates), statistics.median(costs), resident(pid))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--deliveries", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    print(f"NDJSON in, {given.deliveries:,} deliveries a round (fewer to the slow), {given.rounds} rounds, medians")
    first = 0.0
    for count in ENDPOINTS:
        shape = measure(endpoints=count, events=given.deliveries // count, rounds=given.rounds)
        first = first or shape.rate
        print(f"  {count:3} endpoints        {shape}   ratio {shape.rate / first:.2f}")
    for delay in DELAYS:
        most = int(LONGEST * CONCURRENCY * 1000 / delay) if delay else given.deliveries
        shape = measure(delay=delay, events=min(most, given.deliveries), rounds=given.rounds)
        share = f"   {shape.rate * delay / 1000 / CONCURRENCY:.2f} of the best" if delay else ""
        print(f"  {delay:3} ms receiver      {shape}{share}")


if __name__ == "__main__":
    main()
