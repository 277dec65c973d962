"""Four receivers that are unwell. Law: each prints its port at the start, in the order of `SICK`; nothing else is said.

Nobody listens at the first; the second answers after 10 s; the third answers 204 for a second, then 500 for a second;
the fourth answers 429.
"""

import asyncio
import socket
import time

import uvloop
from aiohttp import web

SICK = ("dead", "slow", "flapping", "busy")


async def slow(_: web.Request) -> web.Response:
    await asyncio.sleep(10)
    return web.Response(status=204)


async def flapping(_: web.Request) -> web.Response:
    return web.Response(status=204 if int(time.monotonic()) % 2 else 500)


async def busy(_: web.Request) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "1"})


async def main() -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # and never listens
        print(dead.getsockname()[1], flush=True)
        for handler in (slow, flapping, busy):
            runner = web.ServerRunner(web.Server(handler, access_log=None))  # type: ignore[arg-type] # a whole request
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
