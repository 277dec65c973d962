"""How fast an event goes from the socket to the receiver's 2xx, beside a bare aiohttp loop, in one run.

Law: what is compared alternates within one run; what is told is medians and ratios, which say nothing without the
machine they came from. Loopback only; it ends by itself.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import load
import uvloop

HERE = Path(__file__).parent
CONCURRENCY = 16
NAMES = {
    "asyncio": "bare aiohttp loop",
    "uvloop": "bare aiohttp loop, on uvloop",
    "singly": "sidecar, singly (8 connections)",
    "lines": "sidecar, NDJSON",
}


class Peer:
    """A process that is asked and answers line by line."""

    def __init__(self, *command: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, *command], stdin=pipe, stdout=pipe, text=True)

    def say(self, line: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate()


@contextmanager
def peer(*command: str) -> Iterator[Peer]:
    it = Peer(*command)
    try:
        yield it
    finally:
        it.end()


def bare(receiver: Peer, port: int, count: int, loop: str) -> tuple[float, float]:
    """Events a second of the yardstick, on asyncio's own event loop or on uvloop; and the CPU seconds it took."""
    receiver.say(count)
    receiver.hear()
    with peer(str(HERE / "bare.py"), loop, str(port), str(count), str(CONCURRENCY)) as poster:
        began = float(poster.hear())
        rate = count / (float(receiver.hear()) - began)
        return rate, float(poster.hear())


def road(receiver: Peer, path: str, count: int, mode: str, fold: int = 1) -> tuple[float, list[float]]:
    """Deliveries a second from the first byte in to the last 2xx, each event going to `fold` endpoints; and what each
    caller waited."""
    events = load.made(count)
    receiver.say(count * fold)
    receiver.hear()
    began = time.time()
    if mode == "lines":
        waits = uvloop.run(load.lines(path, events)) or []
    else:
        waits = uvloop.run(load.singly(path, events, connections=8))
    return count * fold / (float(receiver.hear()) - began), waits


@contextmanager
def sidecar(port: int, folder: str, **settings: str) -> Iterator[tuple[int, float]]:
    """A real one, logging as it does by default: its pid, and the seconds from start to ready."""
    environment = {
        "PATH": os.environ["PATH"],
        "SIDECAR_DATA_DIR": folder,
        "SIDECAR_ADMIN_LISTEN": "off",
        "DRONE_WEBHOOK_ENDPOINT": f"http://127.0.0.1:{port}/hook",
        "DRONE_WEBHOOK_SECRET": "0123456789abcdef0123456789abcdef",
        **settings,
    }
    path, log = Path(folder, "sidecar.sock"), Path(folder, "log")
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "sidecar", "serve"], stdout=out, env=environment)
        try:
            while not path.exists():
                if process.poll() is not None:
                    raise RuntimeError(log.read_text(encoding="utf-8"))
                time.sleep(0.002)
            yield process.pid, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait()


def resident(pid: int) -> float:
    """Resident memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def spent(pid: int) -> float:
    """CPU seconds of a process so far, of all its threads."""
    return (
        sum(int(task.read_text(encoding="ascii").split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))
        / 1e9
    )


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    rates: dict[str, list[float]] = {mode: [] for mode in NAMES}
    costs: dict[str, list[float]] = {mode: [] for mode in NAMES}
    acks: list[float] = []
    with peer(str(HERE / "receiver.py")) as receiver, tempfile.TemporaryDirectory(dir=".") as folder:
        port = int(receiver.hear())
        with sidecar(port, folder) as (pid, ready):
            idle = resident(pid)
            path = str(Path(folder, "sidecar.sock"))
            for _ in range(given.rounds):
                for loop in ("asyncio", "uvloop"):
                    rate, cost = bare(receiver, port, given.events, loop)
                    rates[loop].append(rate)
                    costs[loop].append(cost / given.events)
                for mode in ("singly", "lines"):
                    before = spent(pid)
                    rate, waits = road(receiver, path, given.events, mode)
                    rates[mode].append(rate)
                    costs[mode].append((spent(pid) - before) / given.events)
                    acks += waits
            busy = resident(pid)
    report(rates, costs, acks, {"ready": ready, "idle": idle, "busy": busy}, given)


def report(
    rates: dict[str, list[float]],
    costs: dict[str, list[float]],
    acks: list[float],
    other: dict[str, float],
    given: argparse.Namespace,
) -> None:
    yardsticks = [statistics.median(rates[loop]) for loop in ("asyncio", "uvloop")]
    what = f"one endpoint, {load.SIZE} B events of {load.REPOSITORIES} repositories, {given.events} events a round"
    print(
        f"{what}, {given.rounds} alternating rounds, medians; {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    for mode, name in NAMES.items():
        rate = statistics.median(rates[mode])
        spread = f"{min(rates[mode]):,.0f} to {max(rates[mode]):,.0f}"
        ratios = " ".join(f"{rate / yardstick:4.2f}" for yardstick in yardsticks)
        cpu = statistics.median(costs[mode]) * 1e6
        print(f"  {name:34} {rate:8,.0f} events/s   ratios {ratios}   CPU {cpu:4.0f} µs an event   ({spread})")
    p50, p99 = (percentile(acks, share) * 1e3 for share in (0.5, 0.99))
    print(f"  acknowledged, singly               p50 {p50:.2f} ms   p99 {p99:.2f} ms")
    print(f"  start to ready {other['ready']:.2f} s   RSS idle {other['idle']:.0f} MB, after it {other['busy']:.0f} MB")


if __name__ == "__main__":
    main()
