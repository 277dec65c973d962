"""What it costs the CI that somebody floods the inbound listener: acknowledgements of local events, calm and flooded.

Law: loopback only, each flood has a bound in count and in time. Calm and flooded alternate within one run; what is told
is the ratio of a pair, its median, and the sidecar's memory.
"""

import argparse
import asyncio
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, socket

import load
import msgspec
import uvloop
from road import HERE, peer, percentile, resident, sidecar

HOST = "127.0.0.1"
BOMB = gzip.compress(bytes(10 * 2**20))
ENTRY = b"POST %s HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nContent-Type: application/json\r\n"
SECONDS = 30.0
"""A stretch of a flood lasts this long at most."""


class Flood:
    """One attacker: `secret` is the project's, for what comes after it is known."""

    def __init__(self, port: int, secret: str) -> None:
        self.port = port
        self.right = f"/webhooks/abuse/abuse/{secret}/".encode()

    async def say(self, *parts: bytes, answer: bool = True) -> None:
        """On a connection of its own; who is cut off goes on with the next."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(HOST, self.port)
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                if answer:
                    await reader.read(4096)
                writer.close()

    async def wrong_secrets(self, number: int) -> None:
        """10,000, each guessed anew; nobody waits for the answers that are kept back."""
        entry = ENTRY % (b"/webhooks/abuse/abuse/%040d/" % number)
        await self.say(entry + b"Content-Length: 2\r\n\r\n{}", answer=False)

    async def slow_connections(self, number: int) -> None:
        """A head that drips, of 1,000 connections; most are closed as they come."""
        with suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, self.port)
            writer.write(ENTRY % b"/webhooks/abuse/abuse/x/")
            for drop in range(5):
                await asyncio.sleep(1)
                if writer.is_closing():
                    break
                writer.write(b"X-%d: y\r\n" % drop)
            writer.close()

    async def large_bodies(self, number: int) -> None:
        """By somebody who knows the secret: announced too large, and, now and then, sent until they are."""
        if number % 100:
            await self.say(ENTRY % self.right + b"Content-Length: 100000000\r\n\r\n")
        else:
            chunk = b"10000\r\n" + bytes(2**16) + b"\r\n"
            await self.say(ENTRY % self.right + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 401)

    async def gzip_bombs(self, number: int) -> None:
        """By somebody who knows the secret."""
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
        await self.say(ENTRY % self.right + head + BOMB)

    async def header_floods(self, number: int) -> None:
        """Heads of 10,000 headers."""
        await self.say(ENTRY % self.right + b"X-Flood: yyyyyyyyyyyyyyyy\r\n" * 10_000)


FLOODS: dict[str, tuple[int, int]] = {
    "wrong_secrets": (10_000, 32),
    "slow_connections": (1_000, 1_000),
    "large_bodies": (500, 16),
    "gzip_bombs": (1_000, 16),
    "header_floods": (1_000, 16),
}
"""How many, and how many of them at once."""


async def flood(name: str, port: int, secret: str, share: float) -> None:
    """`share` of the flood called `name`."""
    os.nice(19)  # it stands for other machines, which take no time of this one
    it = Flood(port, secret)
    one: Callable[[int], Awaitable[None]] = getattr(it, name)
    count, at_once = FLOODS[name]
    numbers = iter(range(int(count * share)))

    async def some() -> None:
        for number in numbers:
            await one(number)

    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*[some() for _ in range(min(at_once, int(count * share)))])


def waits(path: str, flooding: subprocess.Popen[bytes] | None, count: int) -> list[float]:
    """What each of at least `count` events waited for its acknowledgement, one after another, all through the flood."""
    found: list[float] = []
    while not found or (flooding is not None and flooding.poll() is None):
        found += uvloop.run(load.singly(path, load.made(count), connections=1))
    return found


def project(path: str) -> str:
    """A project with a package; its secret."""
    for route, body in (
        ("project/add/abuse", {"name": "abuse", "chroots": ["a"]}),
        ("package/add/abuse/abuse/p", {"clone_url": "https://forge.example/a", "webhook_rebuild": True}),
        ("webhook/generate/abuse/abuse", {}),
    ):
        connection = HTTPConnection("sidecar")
        connection.sock = socket(AF_UNIX)
        connection.sock.connect(path)
        connection.request("POST", f"/api_3/{route}", msgspec.json.encode(body), {"Content-Type": "application/json"})
        told = msgspec.json.decode(connection.getresponse().read())
        connection.close()
    return str(told["webhook_secret"])


def listening(folder: str) -> int:
    """The port of the inbound listener, as the log tells it."""
    while True:
        for line in Path(folder, "log").read_bytes().splitlines():
            told = msgspec.json.decode(line)
            if told["event"] == "inbound.listening":
                return int(told["address"].rpartition(":")[2])
        time.sleep(0.01)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=500, help="in a calm stretch, and at least in a flooded one")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--flood", nargs=4, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.flood:
        name, port, secret, share = given.flood
        uvloop.run(flood(name, int(port), secret, float(share)))
        return
    with peer(str(HERE / "receiver.py")) as receiver, tempfile.TemporaryDirectory(dir=".") as folder:
        port = int(receiver.hear())
        with sidecar(port, folder, SIDECAR_LISTEN=f"{HOST}:0") as (pid, _):
            path = str(Path(folder, "sidecar.sock"))
            report(pid, path, listening(folder), project(path), given)


def report(pid: int, path: str, port: int, secret: str, given: argparse.Namespace) -> None:
    cores = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
    print(f"acknowledgement of one event after another, p99, {given.rounds} alternating rounds; {cores}")
    waits(path, None, 2 * given.events)  # warm
    for name in FLOODS:
        calm, flooded, memory = [], [], [resident(pid)]
        for _ in range(given.rounds):
            calm.append(percentile(waits(path, None, given.events), 0.99))
            command = [sys.executable, __file__, "--flood", name, str(port), secret, str(1 / given.rounds)]
            with subprocess.Popen(command) as flooding:
                flooded.append(percentile(waits(path, flooding, given.events), 0.99))
                memory.append(resident(pid))
        ratio = statistics.median([much / little for much, little in zip(flooded, calm, strict=True)])
        print(
            f"  {name.replace('_', ' '):17} calm {1e3 * statistics.median(calm):5.1f} ms, "
            f"flooded {1e3 * statistics.median(flooded):5.1f} ms, ratio {ratio:.2f}; "
            f"memory {memory[0]:.0f} -> {max(memory):.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
