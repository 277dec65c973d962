"""What a backlog of a million events costs: memory, the next start, and how fast it drains beside a small one.

Law: real process, real disk, loopback; the small backlog and the large one are drained by the same number of events.
"""

import argparse
import http.client
import socket
import statistics
import tempfile
import time
from pathlib import Path

import load
import uvloop
from road import Peer, peer, resident, sidecar, spent


class Socket(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("sidecar")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def ask(path: str, method: str, route: str) -> bytes:
    connection = Socket(path)
    connection.request(method, route)
    answer = connection.getresponse().read()
    connection.close()
    return answer


def drain(receiver: Peer, path: str, name: str, count: int) -> float:
    """Events a second while the first `count` of what waits are delivered; then paused again."""
    receiver.say(count)
    receiver.hear()
    began = time.time()
    ask(path, "POST", f"/endpoints/{name}/resume")
    rate = count / (float(receiver.hear()) - began)
    ask(path, "POST", f"/endpoints/{name}/pause")
    return rate


def measure(receiver: Peer, port: int, backlog: int, count: int, rounds: int) -> dict[str, float]:
    """Fill, restart, drain in `rounds` parts."""
    name = f"127.0.0.1-{port}-hook"
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = str(Path(folder, "sidecar.sock"))
        with sidecar(port, folder, SIDECAR_MAX_OUTBOX_SIZE="64GiB") as (pid, _):
            ask(path, "POST", f"/endpoints/{name}/pause")
            idle = resident(pid)
            events = load.made(min(50_000, backlog))
            began = time.time()
            for _ in range(0, backlog, 50_000):
                uvloop.run(load.lines(path, events))
            filled = backlog / (time.time() - began)
            full = resident(pid)
        with sidecar(port, folder, SIDECAR_MAX_OUTBOX_SIZE="64GiB") as (pid, ready):
            before = spent(pid)
            rates = [drain(receiver, path, name, count) for _ in range(rounds)]
            busy, cost = resident(pid), (spent(pid) - before) / (count * rounds)
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
    return {"filled": filled, "idle": idle, "full": full, "ready": ready, "rate": statistics.median(rates),
            "busy": busy, "size": size, "cost": cost}  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backlog", type=int, default=1_000_000)
    options.add_argument("--drain", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    with peer(str(Path(__file__).parent / "receiver.py")) as receiver:
        port = int(receiver.hear())
        small = measure(receiver, port, given.drain * given.rounds * 2, given.drain, given.rounds)
        large = measure(receiver, port, given.backlog, given.drain, given.rounds)
    drained = f"drained: {given.rounds} times {given.drain:,}, medians"
    print(f"{load.SIZE} B events of {load.REPOSITORIES} repositories; {drained}")
    for name, it in (("small", small), ("large", large)):
        held = f"RSS idle {it['idle']:4.0f} MB, full {it['full']:4.0f}, drained {it['busy']:4.0f}"
        drains = f"drains {it['rate']:6,.0f}/s, CPU {it['cost'] * 1e6:.0f} µs each"
        speed = f"restart to ready {it['ready']:.2f} s   {drains}   files {it['size']:6,.0f} MB"
        print(f"  {name:6} taken in at {it['filled']:7,.0f}/s   {held}   {speed}")
    memory, ratio = large["full"] - large["idle"], large["rate"] / small["rate"]
    print(f"  memory of the backlog {memory:.0f} MB; drain ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
