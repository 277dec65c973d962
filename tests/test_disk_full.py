"""The disk is full: nothing more is taken, nothing is lost, and verdicts go on being written while ballast is left.

Law: real SQLite on `faulty_vfs`; a disk's bytes are shared by database, log and ballast.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from engines import copy_remains
from faulty_vfs import EVER, Disk, Small, faulty_disk, let_go
from sqlite_rig import HOOK, KIB, NOON, SECOND, Watch, check, claims, posting, running, settlement

from sidecar.errors import NoSpace, Unavailable
from sidecar.model import Accepted, Claim, Delivered, Query, RetryAt
from sidecar.outboxes.sqlite.engine import SqliteOutbox
from sidecar.ports import Outbox

BALLAST = 256 * KIB
ROOM = BALLAST + 1024 * KIB


@pytest.fixture
def disk() -> Iterator[Disk]:
    with faulty_disk() as disk:
        yield disk


async def fill(outbox: Outbox, prefix: str, size: int = 4 * KIB) -> list[str]:
    """Add until there is no more room; what was taken."""
    taken: list[str] = []
    while len(taken) < 2000:
        name = f"{prefix}{len(taken)}"
        try:
            [answer] = await outbox.add([posting(name, size)])
        except (NoSpace, Unavailable):
            return taken
        assert isinstance(answer, Accepted)
        taken.append(name)
    pytest.fail("it never was full")


async def first_refused(outbox: Outbox, claims: Iterator[Claim]) -> Claim:
    """The first whose verdict has no room: what an addition that failed has left of the log can be written again."""
    for claim in claims:
        try:
            await outbox.settle(settlement(claim, Delivered()))
        except NoSpace:
            return claim
    pytest.fail("all had room")


async def test_a_full_disk_takes_nothing_more_and_keeps_what_it_has(tmp_path: Path, disk: Disk) -> None:
    """It stays up, and says why it takes nothing; nothing is stored by halves."""
    folder = tmp_path / "outbox"
    Small(disk, folder, ROOM)
    async with running(folder, disk.name, ballast=BALLAST) as outbox:
        taken = await fill(outbox, "e")
        assert len(taken) > 10
        assert disk.refused
        assert "space" in outbox.ready()
        with pytest.raises((NoSpace, Unavailable)):
            await outbox.add([posting("x"), posting("y")])
        assert await outbox.event("x") is None
        assert len(await outbox.deliveries(Query(limit=10_000))) == len(taken)
    disk.room = lambda: EVER
    await check(folder, set(taken))


async def test_verdicts_are_still_written_when_the_disk_is_full(tmp_path: Path, disk: Disk) -> None:
    """The ballast is there for them, so that what was delivered is not delivered again."""
    folder = tmp_path / "outbox"
    Small(disk, folder, ROOM)
    async with running(folder, disk.name, ballast=BALLAST) as outbox:
        taken = await fill(outbox, "e")
        done, later, *_ = await claims(outbox)
        await outbox.settle(settlement(done, Delivered()))
        await outbox.settle(settlement(later, RetryAt(NOON + SECOND)))
    disk.room = lambda: EVER
    async with running(folder) as outbox:
        row, other = await outbox.delivery(done.delivery), await outbox.delivery(later.delivery)
        assert row is not None
        assert other is not None
        assert (row.state, other.state, other.attempts) == ("delivered", "pending", 1)
    await check(folder, set(taken))


async def test_events_are_taken_again_when_there_is_room_again(tmp_path: Path, disk: Disk) -> None:
    """By itself, soon after: no restart is needed."""
    folder, watch = tmp_path / "outbox", Watch()
    small = Small(disk, folder, ROOM)
    async with running(folder, disk.name, watch=watch, ballast=BALLAST) as outbox:
        taken = await fill(outbox, "e")
        small.size *= 10
        watch.time += 60 * SECOND
        assert isinstance((await outbox.add([posting("again")]))[0], Accepted)
        assert outbox.ready() == ""
        small.size = 0
        more = await fill(outbox, "f")
    disk.room = lambda: EVER
    await check(folder, {*taken, "again", *more})


async def test_without_any_room_left_a_verdict_can_be_handed_in_again_later(tmp_path: Path, disk: Disk) -> None:
    """The claim stays taken meanwhile: nobody else attempts it."""
    folder, watch = tmp_path / "outbox", Watch()
    small = Small(disk, folder, ROOM)
    async with running(folder, disk.name, watch=watch, ballast=BALLAST) as outbox:
        taken = await fill(outbox, "e")
        waiting = iter(await claims(outbox))
        small.size = 0
        claim = await first_refused(outbox, waiting)
        others = list(waiting)
        for _ in range(2):
            with pytest.raises(NoSpace):
                await outbox.settle(settlement(claim, Delivered()))
        assert await claims(outbox) == ()
        small.size = 100 * BALLAST
        await outbox.settle(settlement(claim, Delivered()))
        for other in others:
            await outbox.settle(settlement(other, Delivered()))
        assert (await outbox.counts())[HOOK].delivered == len(taken)
        assert [attempt.number for attempt in await outbox.attempts(claim.delivery)] == [1]
    await check(folder, set(taken))


async def test_verdicts_and_events_at_once_on_a_full_disk_do_not_spoil_each_other(tmp_path: Path, disk: Disk) -> None:
    folder = tmp_path / "outbox"
    Small(disk, folder, ROOM)
    async with running(folder, disk.name, ballast=BALLAST) as outbox:
        await outbox.add([posting(f"e{number}") for number in range(10)])
        taken = await claims(outbox)
        verdicts = [outbox.settle(settlement(claim, Delivered())) for claim in taken]
        large = [outbox.add([posting(f"large-{number}", 300 * KIB)]) for number in range(5)]
        answers = await asyncio.gather(*large, *verdicts, return_exceptions=True)
        assert answers[5:] == [None] * len(taken)
        refused = {f"large-{number}" for number in range(5) if isinstance(answers[number], (NoSpace, Unavailable))}
        assert refused
        for name in refused:
            assert await outbox.event(name) is None
        assert (await outbox.counts())[HOOK].delivered == 10


async def test_an_outbox_that_finds_no_room_to_be_made_says_so(tmp_path: Path, disk: Disk) -> None:
    disk.room = lambda: 10 * KIB
    with pytest.raises(NoSpace) as refused:
        async with running(tmp_path / "outbox", disk.name):
            pass
    let_go(refused.value)
    assert "space" in str(refused.value)


async def test_an_index_of_the_log_that_cannot_grow_is_a_full_disk(tmp_path: Path) -> None:
    """SQLite calls it an I/O error. Nothing is broken by it, and the change can be handed in again."""

    def no_index(_: object) -> None:
        raise apsw.exception_for(apsw.SQLITE_IOERR_SHMSIZE)

    async with running(tmp_path / "outbox") as outbox:
        assert isinstance(outbox, SqliteOutbox)
        with pytest.raises(NoSpace):
            await outbox._change(no_index)
        assert "space" in outbox.ready()
        assert await outbox.health() == {}


async def test_opened_without_room_it_takes_that_of_its_ballast_and_adds_nothing(tmp_path: Path, disk: Disk) -> None:
    folder, watch = tmp_path / "outbox", Watch()
    async with running(folder, ballast=BALLAST) as outbox:
        await outbox.add([posting("before")])
        remains = copy_remains(folder)
    small = Small(disk, remains, 0)
    small.size = sum(file.stat().st_size for file in remains.iterdir())
    async with running(remains, disk.name, watch=watch, ballast=BALLAST) as outbox:
        assert disk.refused
        [claim] = await claims(outbox)
        await outbox.settle(settlement(claim, Delivered()))
        with pytest.raises(NoSpace):
            await outbox.add([posting("x")])
        small.size *= 10
        watch.time += 60 * SECOND
        assert isinstance((await outbox.add([posting("again")]))[0], Accepted)
    disk.room = lambda: EVER
    await check(remains, {"before", "again"})
