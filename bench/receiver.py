"""A receiver that costs next to nothing, so that what is measured is the sender.

Law: answers 204 to every whole request, `argv[1]` ms after it came (0). Run as a process, it prints its port; then,
for each line `N` on standard input, it waits for N requests and prints when the last came, in seconds since the epoch.
"""

import asyncio
import sys
import time

import uvloop

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Hearing(asyncio.Protocol):
    """Tells `asked` the head of each whole request with a Content-Length."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r", 1)[0])
            if len(data) < end + 4 + length:
                break
            data = data[end + 4 + length :]
            self.asked(head)
        self._buffer = data

    def asked(self, _head: bytes, /) -> None:
        """The head is in small letters."""
        raise NotImplementedError

    def answer(self, answer: bytes, delay: float = 0.0) -> None:
        """After `delay` seconds, where the other side is still there."""
        if delay:
            asyncio.get_running_loop().call_later(delay, self.answer, answer)
        elif not self._transport.is_closing():
            self._transport.write(answer)  # type: ignore[attr-defined] # a stream transport


class Receiver(Hearing):
    """Counts requests. `target` fires `reached` when the count comes to it."""

    count = 0
    target = 0
    delay = 0.0
    reached: asyncio.Event

    def asked(self, _: bytes, /) -> None:
        self.answer(ANSWER, self.delay)
        Receiver.count += 1
        if Receiver.count == Receiver.target:
            Receiver.reached.set()


async def main() -> None:
    loop = asyncio.get_running_loop()
    Receiver.delay = int(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0
    server = await loop.create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        Receiver.target, Receiver.count, Receiver.reached = int(line), 0, asyncio.Event()
        print("armed", flush=True)
        await Receiver.reached.wait()
        print(time.time(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
