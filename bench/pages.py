"""Does the status page stay quick with a million deliveries kept, and do those who hand events in notice a reader?

Law: as log.py, over TCP, as a browser asks: pages, not JSON. What is compared alternates within one run.
"""

import argparse
import contextlib
import http.client
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import load
import uvloop
from log import fill
from road import peer, percentile, sidecar

HTML = {"Accept": "text/html"}


def address(folder: str) -> str:
    """Where the admin listener listens, as the log tells."""
    while True:
        for line in Path(folder, "log").read_text("utf-8").splitlines():
            if '"admin.listening"' in line:
                return str(json.loads(line)["address"])
        time.sleep(0.01)


def page(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("GET", path, headers=HTML)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {text}")
    return text


def looks(count: int) -> dict[str, str]:
    """What somebody may look at, by what it is called here."""
    return {
        "the front page": "/",
        "the newest": "/deliveries",
        "from the middle": f"/deliveries?after={count // 2}",
        "an endpoint": "/deliveries?endpoint=one",
        "dead, an endpoint": "/deliveries?endpoint=one&state=dead",
        "a subject": "/deliveries?subject=octocat/repo-7",
        "dead, a subject": "/deliveries?state=dead&subject=octocat/repo-7",
        "pending": "/deliveries?state=pending",
        "one delivery": f"/deliveries/{count // 2}",
        "one event": f"/events/event-{count // 3}",
        "metrics": "/metrics",
    }


def looked(where: str, count: int, rounds: int) -> list[tuple[str, float, float]]:
    """Each look's name with the median and the worst of its times, in ms. The first, which reads templates, counts."""
    connection = http.client.HTTPConnection(where)
    times: dict[str, list[float]] = {name: [] for name in looks(count)}
    for _ in range(rounds):
        for name, path in looks(count).items():
            began = time.perf_counter()
            page(connection, path)
            times[name].append((time.perf_counter() - began) * 1e3)
    connection.close()
    return [(name, statistics.median(took), max(took)) for name, took in times.items()]


@contextlib.contextmanager
def paging(where: str, pause: float, *, really: bool) -> Iterator[None]:
    """Meanwhile somebody pages through the log, without end, a page every `pause` seconds."""
    over = threading.Event()

    def go_on() -> None:
        connection, path = http.client.HTTPConnection(where), "/deliveries"
        while not over.wait(pause):
            older = re.search(r'id="older" href="([^"]+)"', page(connection, path))
            path = f"/deliveries{unescape(older[1])}" if older else "/deliveries"

    thread = threading.Thread(target=go_on)
    if really:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if really:
            thread.join()


def injected(path: str, where: str, given: argparse.Namespace) -> tuple[float, float]:
    """The p99 of what a caller waits, in ms: alone, and while somebody pages; medians."""
    waits: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(given.rounds):
        for really in (False, True):
            with paging(where, given.pause, really=really):
                took = uvloop.run(load.singly(path, load.made(given.events), connections=8))
            waits[really].append(percentile(took, 0.99) * 1e3)
    return statistics.median(waits[False]), statistics.median(waits[True])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--deliveries", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--pause", type=float, default=0.2, help="seconds between two pages")
    given = options.parse_args()
    settings = {"SIDECAR_MAX_OUTBOX_SIZE": "64GiB", "SIDECAR_RETENTION": "365d", "SIDECAR_MAX_AGE": "365d"}
    with tempfile.TemporaryDirectory(dir=".") as folder, peer(str(Path(__file__).parent / "receiver.py")) as receiver:
        fill(Path(folder), given.deliveries)
        with sidecar(int(receiver.hear()), folder, **{**settings, "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0"}):
            where = address(folder)
            found = looked(where, given.deliveries, given.rounds)
            alone, beside = injected(str(Path(folder, "sidecar.sock")), where, given)
    print(f"{given.deliveries:,} deliveries kept; each page {given.rounds} times")
    for name, median, worst in found:
        print(f"  {name:30} {median:7.1f} ms   worst {worst:7.1f} ms")
    told = f"alone {alone:.2f} ms, while somebody pages through {beside:.2f} ms, ratio {beside / alone:.2f}"
    print(f"  acknowledged, p99 of {given.events:,} singly, {given.rounds} alternating rounds: {told}")


if __name__ == "__main__":
    main()
