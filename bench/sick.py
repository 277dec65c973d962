"""Four receivers that are unwell, and cost next to nothing. Law: each prints its port at the start, in the order of
`SICK`; nothing else is said.

Nobody listens at the first; the second answers after 10 s; the third answers 204 for a second, then 500 for a second;
the fourth answers 429.
"""

import asyncio
import socket
import time

import uvloop
from receiver import ANSWER, Hearing

SICK = ("dead", "slow", "flapping", "busy")

BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


class Slow(Hearing):
    """Takes 10 s."""

    def asked(self, _: bytes, /) -> None:
        self.answer(ANSWER, 10.0)


class Flapping(Hearing):
    """Well for a second, and not for the next."""

    def asked(self, _: bytes, /) -> None:
        self.answer(ANSWER if int(time.monotonic()) % 2 else BROKEN)


class Busy(Hearing):
    """Asks to be left alone for a second."""

    def asked(self, _: bytes, /) -> None:
        self.answer(BUSY)


async def main() -> None:
    loop = asyncio.get_running_loop()
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # and never listens
        print(dead.getsockname()[1], flush=True)
        for kind in (Slow, Flapping, Busy):
            server = await loop.create_server(kind, "127.0.0.1", 0)
            print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
