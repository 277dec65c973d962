"""What four sick neighbours cost a healthy endpoint, and the caller: the slowest hundredth with them over without.

Law: as in road.py. Events come at a fixed rate, whatever the sidecar does, so that a wait shows as a wait. A round
starts two sidecars afresh, one with the neighbours and one without, and gives them two seconds in turn: what the
machine does by itself, for seconds or for minutes, happens to both.
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import load
import uvloop
from receiver import ANSWER, Hearing
from road import HERE, peer, percentile, resident, sidecar, spent
from sick import SICK

CALLERS = 4
SLICE = 2
"""Seconds: the flapping one is ill for the first and well for the second."""

SHARE = 0.9
"""Of a slice in which events come; in the rest the last are delivered."""

numbers = itertools.count()


@dataclass
class Side:
    """A sidecar; what each event waited for its delivery to the healthy endpoint and for its acknowledgement, seconds;
    the CPU seconds it took for all, and the MB it had in the end."""

    pid: int
    path: str
    delivered: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    cost: float = 0.0
    size: float = 0.0


class Healthy(Hearing):
    """Answers at once; `came` is told each delivery's event."""

    came: Callable[[bytes], None]

    def asked(self, head: bytes, /) -> None:
        self.answer(ANSWER)
        Healthy.came(head.split(b"webhook-id:", 1)[1].split(b"\r", 1)[0].strip())


async def calls(side: Side, count: int, rate: float) -> None:
    """Post `count` events, `rate` a second, and wait for the last delivery."""
    began: dict[bytes, float] = {}
    done = asyncio.Event()
    last = len(side.delivered) + count

    def came(event: bytes) -> None:
        if event in began:
            side.delivered.append(time.perf_counter() - began.pop(event))
        if len(side.delivered) == last:
            done.set()

    Healthy.came = came
    start = time.perf_counter()
    turns = iter(range(count))

    async def caller() -> None:
        one = await load.Caller.connect(side.path)
        for turn in turns:
            await asyncio.sleep(max(0, start + turn / rate - time.perf_counter()))
            number = next(numbers)
            body = b'{"id":"e%d",%s' % (number, load.event(number)[1:])
            began[b"e%d" % number] = at = time.perf_counter()
            await one.post(body)
            side.acknowledged.append(time.perf_counter() - at)
        one.close()

    await asyncio.gather(*[caller() for _ in range(CALLERS)])
    await asyncio.wait_for(done.wait(), 60)


@contextmanager
def started(ports: list[int]) -> Iterator[Side]:
    urls = ",".join([f"http://127.0.0.1:{port}/hook" for port in ports])
    settings = {"DRONE_WEBHOOK_ENDPOINT": urls, "SIDECAR_DRAIN_TIMEOUT": "0s"}
    with tempfile.TemporaryDirectory(dir=".") as folder, sidecar(0, folder, **settings) as (pid, _):
        yield Side(pid, str(Path(folder, "sidecar.sock")))


async def measure(neighbours: list[int], slices: int, rate: float) -> list[Side]:
    """Alone, and beside the neighbours."""
    server = await asyncio.get_running_loop().create_server(Healthy, "127.0.0.1", 0)
    healthy = server.sockets[0].getsockname()[1]
    with ExitStack() as stack:
        sides = [stack.enter_context(started([healthy, *ports])) for ports in ([], neighbours)]
        for number in range(slices):
            for side in sides[:: 1 if number % 2 else -1]:
                await asyncio.sleep(SLICE - time.monotonic() % SLICE)
                before = spent(side.pid)
                await calls(side, int(SLICE * SHARE * rate), rate)
                side.cost += spent(side.pid) - before
        for side in sides:
            side.size = resident(side.pid)
    server.close()
    return sides


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--slices", type=int, default=10)
    options.add_argument("--rate", type=float, default=100)
    options.add_argument("--rounds", type=int, default=7)
    given = options.parse_args()
    with peer(str(HERE / "sick.py")) as sick:
        neighbours = [int(sick.hear()) for _ in SICK]
        rounds = [uvloop.run(measure(neighbours, given.slices, given.rate)) for _ in range(given.rounds)]
    events = len(rounds[0][0].delivered)
    print(
        f"a healthy endpoint, alone and beside four ({', '.join(SICK)}); {given.rounds} rounds of {events} events each,"
    )
    print(f"at {given.rate:g}/s, in turns of {SLICE} s; medians of the slowest hundredth")
    for what, waits in (("call to delivery", "delivered"), ("call to 202", "acknowledged")):
        pairs = [[percentile(getattr(side, waits), 0.99) * 1e3 for side in sides] for sides in rounds]
        medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
        low, ratio, high = statistics.quantiles([other / one for one, other in pairs], n=4)
        ratios = f"ratio {ratio:.2f}   (half of the rounds: {low:.2f} to {high:.2f})"
        print(f"  {what:18} alone {medians[0]:6.2f} ms   beside {medians[1]:6.2f} ms   {ratios}")
    for what, sides in zip(("alone", "beside"), zip(*rounds, strict=True), strict=True):
        cost, size = (
            statistics.median(values) for values in zip(*[(side.cost, side.size) for side in sides], strict=True)
        )
        print(f"  {what:18} CPU {cost / events * 1e6:5.0f} µs an event   RSS {size:3.0f} MB")


if __name__ == "__main__":
    main()
