"""Connections that are kept for the next request, and the time an attempt has. Law: a real event loop, real sockets."""

import asyncio

import pytest
from aiohttp import ClientTimeout, TCPConnector
from receivers import ok, receiving

from sidecar.model import Endpoint
from sidecar.transport.kept import Deadline, Kept
from sidecar.transport.targets import prepare


async def never() -> None:
    await asyncio.Event().wait()


async def test_an_attempt_ends_when_its_time_is_over() -> None:
    deadline = Deadline(0.01)
    with pytest.raises(TimeoutError):
        with deadline:
            await never()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_each_attempt_has_its_whole_time_whoever_began_before_it() -> None:
    loop, deadline = asyncio.get_running_loop(), Deadline(0.05)

    async def attempt() -> float:
        began = loop.time()
        with pytest.raises(TimeoutError):
            with deadline:
                await never()
        return loop.time() - began

    async def early() -> None:
        with deadline:
            await asyncio.sleep(0)

    attempts = [asyncio.create_task(attempt())]
    await early()
    attempts.append(asyncio.create_task(attempt()))
    assert min(await asyncio.gather(*attempts)) >= 0.05
    assert await attempt() >= 0.05


async def test_who_is_cancelled_by_another_is_told_so() -> None:
    deadline = Deadline(10)

    async def attempt() -> None:
        with deadline:
            await never()

    task = asyncio.create_task(attempt())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_idle_connection_is_ended_when_it_was_kept_long_enough() -> None:
    async with receiving(ok) as receiver, TCPConnector(limit=0) as connector:
        endpoint = Endpoint("hook", "drone", receiver.url())
        target = prepare([endpoint], lambda _: None, 1)["hook"]
        connection = await connector.connect(target.connecting, [], ClientTimeout(total=None))
        protocol = connection.protocol
        assert protocol is not None
        kept = Kept(0.01)
        kept.put(connection)
        assert kept.take() is connection
        kept.put(connection)
        await asyncio.wait_for(receiver.one_left(), 10)
        assert kept.take() is None


async def test_at_the_end_idle_connections_are_closed() -> None:
    async with receiving(ok) as receiver, TCPConnector(limit=0) as connector:
        endpoint = Endpoint("hook", "drone", receiver.url())
        target = prepare([endpoint], lambda _: None, 1)["hook"]
        target.kept.put(await connector.connect(target.connecting, [], ClientTimeout(total=None)))
        target.kept.close()
        await asyncio.wait_for(receiver.one_left(), 10)
        assert target.kept.take() is None
