"""A receiver that costs next to nothing, so that what is measured is the sender.

Law: answers 204 to every whole request, `argv[1]` ms after it came (0). Run as a process, it prints its port; then,
for each line `N` on standard input, it waits for N requests and prints when the last came, in seconds since the epoch.
"""

import asyncio
import sys
import time

import uvloop

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """Counts requests with a Content-Length. `target` fires `reached` when the count comes to it."""

    count = 0
    target = 0
    delay = 0.0
    reached: asyncio.Event

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            at = data[:end].lower().find(b"content-length:")
            length = int(data[at + 15 : end].split(b"\r", 1)[0])
            if len(data) < end + 4 + length:
                break
            data = data[end + 4 + length :]
            self._answer()
            Receiver.count += 1
            if Receiver.count == Receiver.target:
                Receiver.reached.set()
        self._buffer = data

    def _answer(self) -> None:
        write = self._transport.write  # type: ignore[attr-defined] # a stream transport
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, write, ANSWER)
        else:
            write(ANSWER)


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
