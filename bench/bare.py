"""The yardstick: an aiohttp loop that signs and posts the same body to the same receiver. No queue, no disk, no retry.

Law: nothing in the loop but Drone's signature and aiohttp's client. It prints when it began, in seconds since the
epoch, and when it is done the CPU seconds that its posts cost.
"""

import asyncio
import sys
import time

import aiohttp
import load
import uvloop

from sidecar.dialects import drone
from sidecar.model import Endpoint, Instance, Secret


async def main(port: int, count: int, concurrency: int) -> None:
    """Post `count` times, `concurrency` at once."""
    url = f"http://127.0.0.1:{port}/hook"
    endpoint = Endpoint("bare", "drone", url, (Secret(b"0123456789abcdef0123456789abcdef"),))
    instance = Instance(version="bench")
    event = drone.read(load.event(1), id="bare", now=0, instance=instance)
    numbers = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def post() -> None:
            for number in numbers:
                now = int(time.time() * 1000)
                request = drone.write(event, endpoint, delivery=number, attempt=1, now=now, instance=instance)
                async with session.post(url, data=request.body, headers=dict(request.headers)) as answer:
                    await answer.read()

        print(time.time(), flush=True)
        spent = time.process_time()
        await asyncio.gather(*[post() for _ in range(concurrency)])
        print(time.process_time() - spent, flush=True)


if __name__ == "__main__":
    loop, *numbers = sys.argv[1:]
    (uvloop.run if loop == "uvloop" else asyncio.run)(main(*map(int, numbers)))
