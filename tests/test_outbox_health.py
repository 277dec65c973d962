"""What every outbox engine promises, second part: what it remembers of endpoints, and waking who waits.

Law: as in test_outbox.py.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from engines import HOOK, SECOND, Bench, every_engine

from sidecar.model import Delivered, Health, RetryAt

bench = every_engine

# Health


async def test_an_endpoint_never_heard_of_has_no_health_and_a_new_one_is_active(bench: Bench) -> None:
    assert dict(await bench.outbox.health()) == {}
    await bench.add("a", "x", "y")
    health = await bench.outbox.health()
    assert {name: (known.state, known.failures) for name, known in health.items()} == {
        "x": ("active", 0),
        "y": ("active", 0),
    }


async def test_health_is_saved_by_endpoint_and_survives_a_crash(bench: Bench) -> None:
    """Every field of it."""
    sick = Health("failing", 1, "503 five times", 5, 2, 3, 4_000, 5, 2, 1, 777, 888, releasing=True)
    await bench.add("a", "x", "y")
    await bench.outbox.save_health("x", sick)
    await bench.outbox.save_health("unseen", Health("paused", reason="410"))
    await bench.crash()
    health = await bench.outbox.health()
    assert health["x"] == sick
    assert health["y"].state == "active"
    assert health["unseen"] == Health("paused", reason="410")


async def test_health_is_written_with_the_settlement_that_changed_it(bench: Bench) -> None:
    await bench.add("a")
    sick = Health("active", since=4, failures=1, last_failure=bench.now)
    await bench.settle(await bench.one(), RetryAt(bench.now), fault=True, health=sick)
    await bench.settle(await bench.one(), RetryAt(bench.now), fault=True)
    await bench.crash()
    assert (await bench.outbox.health())[HOOK] == sick


# Waking


def woken(bench: Bench, endpoint: str = HOOK) -> asyncio.Event:
    """Watch from here on; set when `endpoint` is woken."""
    event = asyncio.Event()
    bench.outbox.watch(lambda name: event.set() if name == endpoint else None, lambda _name, _claims: None)
    return event


@pytest.mark.parametrize("change", ["add", "settle", "abandon", "release", "resend", "expire"])
async def test_whoever_waits_is_woken_when_something_may_have_become_due(bench: Bench, change: str) -> None:
    """Never before it can be claimed."""
    first = await bench.add("a")
    if change == "release":
        await bench.fail(wait=SECOND, fault=True)
    elif change == "resend":
        await bench.deliver()
    elif change == "expire":
        await bench.fail(wait=SECOND)
    claims = await bench.claim()
    second = await bench.add("b") if change in ("settle", "expire") else 0
    awake = woken(bench)
    changes: dict[str, Callable[[], Awaitable[object]]] = {
        "add": lambda: bench.outbox.add([bench.posting("c", HOOK, subject="other")]),
        "settle": lambda: bench.settle(claims[0], Delivered()),
        "abandon": lambda: bench.outbox.abandon([first]),
        "release": lambda: bench.outbox.release(HOOK, bench.now, 10),
        "resend": lambda: bench.outbox.resend(first, bench.now),
        "expire": lambda: bench.outbox.expire(HOOK, bench.now + 1, bench.now, 1),
    }
    await changes[change]()
    await asyncio.wait_for(awake.wait(), 5)
    expected = {"add": first + 1, "settle": second, "expire": second}
    assert await bench.claimed() == [expected.get(change, first)]
