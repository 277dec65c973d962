"""What the writer makes of what waits. Law: the real engine, on real files; nothing of it is replaced."""

import asyncio
from pathlib import Path

import pytest
from engines import HOOK, Bench, every_engine
from faulty_vfs import Small, faulty_disk
from sqlite_rig import KIB, NOON, check, posting, running, settlement

from sidecar.errors import NoSpace
from sidecar.model import Accepted, Attempt, Claim, Conflict, Delivered, Event, Posting, Response, Settlement
from sidecar.outboxes.sqlite.writer import FEW, Add, Op, Settle, share

bench = every_engine


def verdicts(count: int, loop: asyncio.AbstractEventLoop) -> list[Op]:
    event = Event("e", "drone", "build:created", "octo/repo", b"{}", b"", NOON)
    ended = Settlement(Claim(1, HOOK, event, 1, 0, NOON), Attempt(1, NOON, 1, Response(204)), Delivered(), NOON, 1)
    return [Settle(ended, loop.create_future()) for _ in range(count)]


async def test_of_many_verdicts_half_goes_in_one_commit_in_their_order_and_the_rest_in_the_next() -> None:
    """So that the event loop has deliveries to make while the other half is written."""
    loop = asyncio.get_running_loop()
    many = verdicts(3 * FEW, loop)
    now, later = share(many)
    assert now + later == many
    assert len(now) == len(many) // 2


async def test_few_verdicts_and_all_that_is_no_verdict_never_wait_for_another_commit() -> None:
    loop = asyncio.get_running_loop()
    few = verdicts(FEW, loop)
    assert share(few) == (few, [])
    adding: list[Op] = [Add((), loop.create_future()) for _ in range(3)]
    many = verdicts(2 * FEW, loop)
    now, later = share([*many, *adding])
    assert set(map(id, adding)) <= set(map(id, now))
    assert later == many[FEW:]


async def test_a_thousand_events_for_three_endpoints_are_taken_whole(bench: Bench) -> None:
    """More rows than one statement has."""
    hooks = ("a", "b", "c")
    answers = await bench.outbox.add([bench.posting(f"e{n}", *hooks, subject=f"s{n}") for n in range(1000)])
    await bench.crash()
    assert all(isinstance(one, Accepted) for one in answers)
    assert {name: count.pending for name, count in (await bench.outbox.counts()).items()} == dict.fromkeys(hooks, 1000)
    assert len(await bench.claim(limit=2000, endpoint="b")) == 1000


async def test_a_thousand_events_for_which_there_is_no_room_leave_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    with faulty_disk() as disk:
        Small(disk, folder, 1024 * KIB)
        async with running(folder, disk.name, ballast=256 * KIB) as outbox:
            await outbox.add([posting("before")])
            with pytest.raises(NoSpace):
                await outbox.add([posting(f"e{n}", 2 * KIB) for n in range(1000)])
            assert await outbox.event("e0") is None
            await outbox.settle(settlement((await outbox.claim(HOOK, 1, NOON, 1)).claims[0], Delivered()))
        await check(folder, {"before"})


async def test_an_id_that_was_made_for_an_event_is_taken_and_known_afterwards(bench: Bench) -> None:
    """It is not looked up when it comes in, because nobody can have handed it in before; it is found from then on."""
    made = bench.posting("made")
    await bench.outbox.add([Posting(made.event, made.endpoints, new=True)])
    again, other = await bench.outbox.add([made, bench.posting("made", body=b"another")])
    assert isinstance(again, Accepted)
    assert again.duplicate
    assert isinstance(other, Conflict)


async def test_what_is_owed_is_right_after_every_way_in_which_an_event_ends(bench: Bench) -> None:
    """Delivered at one endpoint and dead at another, an event counts until the last of them."""
    size = 10 * KIB
    await bench.outbox.add([bench.posting(f"e{n}", "a", "b", subject=f"s{n}", body=b"x" * size) for n in range(4)])
    assert bench.outbox.owed == 4 * size
    for claim in await bench.claim(endpoint="a"):
        await bench.settle(claim, Delivered())
    assert bench.outbox.owed == 4 * size
    first, second, *others = await bench.claim(endpoint="b")
    await bench.outbox.abandon([claim.delivery for claim in others])
    await bench.settle(first, Delivered())
    await bench.settle(second, Delivered())
    assert bench.outbox.owed == 2 * size
    bench.later(1000)
    await bench.outbox.expire("b", bench.now, bench.now, 1)
    assert bench.outbox.owed == size
    await bench.outbox.resend(first.delivery, bench.now)
    assert bench.outbox.owed == 2 * size
