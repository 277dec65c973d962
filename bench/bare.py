"""The yardstick: an aiohttp loop that posts one signed body to the same receiver. No queue, no disk, no retry.

Law: nothing but aiohttp's client in the loop; the request is made once."""

import asyncio
import sys
import time

import aiohttp
import load
import uvloop

from sidecar.dialects import drone
from sidecar.model import Endpoint, Instance, Secret


async def main(port: int, count: int, concurrency: int) -> None:
    """Post `count` times, `concurrency` at once; print when it began, in seconds since the epoch."""
    url = f"http://127.0.0.1:{port}/hook"
    endpoint = Endpoint("bare", "drone", url, (Secret(b"0123456789abcdef0123456789abcdef"),))
    instance = Instance(version="bench")
    now = int(time.time() * 1000)
    event = drone.read(load.event(1), id="bare", now=now, instance=instance)
    request = drone.write(event, endpoint, delivery=1, attempt=1, now=now, instance=instance)
    headers = dict(request.headers)
    numbers = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def post() -> None:
            for _ in numbers:
                async with session.post(url, data=request.body, headers=headers) as answer:
                    await answer.read()

        print(time.time(), flush=True)
        await asyncio.gather(*[post() for _ in range(concurrency)])


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
