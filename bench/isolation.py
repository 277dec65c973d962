"""What four sick neighbours cost a healthy endpoint, and the caller: the slowest hundredth with them over without.

Law: as in road.py. Events come at a fixed rate, whatever the sidecar does, so that a wait shows as a wait. Each round
starts a sidecar afresh: the neighbours fall ill while it is measured.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import load
import uvloop
from receiver import ANSWER, Hearing
from road import HERE, peer, percentile, resident, sidecar, spent
from sick import SICK

CALLERS = 4


class Round(NamedTuple):
    """The slowest hundredth, in seconds: of deliveries to the healthy endpoint from the call on, of acknowledgements;
    CPU seconds an event; MB."""

    delivered: float
    acknowledged: float
    cost: float
    size: float


class Healthy(Hearing):
    """Answers at once; `came` is told each delivery's event."""

    came: Callable[[bytes], None]

    def asked(self, head: bytes, /) -> None:
        self.answer(ANSWER)
        Healthy.came(head.split(b"webhook-id:", 1)[1].split(b"\r", 1)[0].strip())


async def calls(path: str, count: int, rate: float) -> tuple[list[float], list[float]]:
    """Post `count` events, `rate` a second; what each waited for its delivery, and for its acknowledgement."""
    began: dict[bytes, float] = {}
    delivered: list[float] = []
    acknowledged: list[float] = []
    done = asyncio.Event()

    def came(event: bytes) -> None:
        if event in began:
            delivered.append(time.perf_counter() - began.pop(event))
        if len(delivered) == count:
            done.set()

    Healthy.came = came
    start = time.perf_counter() + 0.1
    numbers = iter(range(count))

    async def caller() -> None:
        one = await load.Caller.connect(path)
        for number in numbers:
            await asyncio.sleep(max(0, start + number / rate - time.perf_counter()))
            body = b'{"id":"e%d",%s' % (number, load.event(number)[1:])
            began[b"e%d" % number] = at = time.perf_counter()
            await one.post(body)
            acknowledged.append(time.perf_counter() - at)
        one.close()

    await asyncio.gather(*[caller() for _ in range(CALLERS)])
    await asyncio.wait_for(done.wait(), 60)
    return delivered, acknowledged


async def measure(neighbours: list[int], count: int, rate: float) -> Round:
    server = await asyncio.get_running_loop().create_server(Healthy, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1], *neighbours]
    urls = ",".join([f"http://127.0.0.1:{port}/hook" for port in ports])
    settings = {"DRONE_WEBHOOK_ENDPOINT": urls, "SIDECAR_DRAIN_TIMEOUT": "0s"}
    with tempfile.TemporaryDirectory(dir=".") as folder, sidecar(0, folder, **settings) as (pid, _):
        before = spent(pid)
        delivered, acknowledged = await calls(str(Path(folder, "sidecar.sock")), count, rate)
        cost, size = (spent(pid) - before) / count, resident(pid)
    server.close()
    return Round(percentile(delivered, 0.99), percentile(acknowledged, 0.99), cost, size)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=2000)
    options.add_argument("--rate", type=float, default=100)
    options.add_argument("--rounds", type=int, default=7)
    given = options.parse_args()
    alone: list[Round] = []
    beside: list[Round] = []
    with peer(str(HERE / "sick.py")) as sick:
        neighbours = [int(sick.hear()) for _ in SICK]
        for number in range(given.rounds):
            for rounds, ports in ((alone, []), (beside, neighbours))[:: 1 if number % 2 else -1]:
                rounds.append(uvloop.run(measure(ports, given.events, given.rate)))
    print(f"a healthy endpoint, alone and beside four ({', '.join(SICK)}); {given.events} events at {given.rate:g}/s,")
    print(f"{given.rounds} alternating rounds, medians of the slowest hundredth")
    for what, field in (("call to delivery", 0), ("call to 202", 1)):
        pairs = [(one[field] * 1e3, other[field] * 1e3) for one, other in zip(alone, beside, strict=True)]
        medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
        low, ratio, high = statistics.quantiles([other / one for one, other in pairs], n=4)
        ratios = f"ratio {ratio:.2f}   (half of the rounds: {low:.2f} to {high:.2f})"
        print(f"  {what:18} alone {medians[0]:6.2f} ms   beside {medians[1]:6.2f} ms   {ratios}")
    for what, rounds in (("alone", alone), ("beside", beside)):
        cost, size = (statistics.median(one[field] for one in rounds) for field in (2, 3))
        print(f"  {what:18} CPU {cost * 1e6:5.0f} µs an event   RSS {size:3.0f} MB")


if __name__ == "__main__":
    main()
