"""A write or an fsync fails: nothing is promised that is not kept, and nothing is tried a second time.

Law: real SQLite on `faulty_vfs`; the engine is asked through its port, in the port's own errors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from faulty_vfs import Disk, Fault, faulty_disk, let_go
from sqlite_rig import HOOK, KIB, NOON, check, claims, posting, running, settlement

from sidecar.errors import OutboxBroken
from sidecar.model import FAR, Delivered, Health, RetryAt
from sidecar.ports import Outbox

FAULTS: tuple[Fault, ...] = ("write", "fsync")


@pytest.fixture
def disk() -> Iterator[Disk]:
    with faulty_disk() as disk:
        yield disk


async def add_until_broken(outbox: Outbox, size: int) -> set[str]:
    """Add one after another; what was taken."""
    taken: set[str] = set()
    for number in range(200):
        try:
            await outbox.add([posting(f"e{number}", size)])
        except OutboxBroken:
            return taken
        taken.add(f"e{number}")
    pytest.fail("it never broke")


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_acknowledged_that_could_not_be_written(tmp_path: Path, disk: Disk, fault: Fault) -> None:
    """It says so, of all that was asked meanwhile, and is no longer ready."""
    async with running(tmp_path / "outbox", disk.name) as outbox:
        await outbox.add([posting("before")])
        assert outbox.ready() == ""
        disk.fault = fault
        answers = await asyncio.gather(*(outbox.add([posting(f"e{n}")]) for n in range(5)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [OutboxBroken] * 5
        assert "outbox" in str(answers[0])
        assert outbox.ready() != ""
    await check(tmp_path / "outbox", {"before"}, {f"e{n}" for n in range(5)})


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("after", range(4))
async def test_it_is_so_at_each_write_and_fsync(tmp_path: Path, disk: Disk, fault: Fault, after: int) -> None:
    """The first few go well, and a later one fails."""
    async with running(tmp_path / "outbox", disk.name) as outbox:
        await outbox.add([posting("before")])
        disk.fault, disk.after = fault, after
        taken = await add_until_broken(outbox, 20 * KIB)
    await check(tmp_path / "outbox", {"before", *taken}, {f"e{len(taken)}"})


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failed_write_is_never_tried_again(tmp_path: Path, disk: Disk, fault: Fault) -> None:
    """Every later change is refused at once and does not reach the disk, though it would work again: what the system
    answers after a failed fsync proves nothing."""
    async with running(tmp_path / "outbox", disk.name) as outbox:
        await outbox.add([posting("a"), posting("b")])
        claim, other = await claims(outbox)
        disk.fault = fault
        with pytest.raises(OutboxBroken):
            await outbox.settle(settlement(claim, Delivered()))
        disk.fault = ""
        changes = disk.changes
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: outbox.add([posting("c")]),
            lambda: outbox.add([posting("a")]),
            lambda: outbox.settle(settlement(claim, Delivered())),
            lambda: outbox.settle(settlement(other, RetryAt(FAR))),
            lambda: outbox.abandon([other.delivery]),
            lambda: outbox.claim(HOOK, 10, NOON, 0),
            lambda: outbox.release(HOOK, NOON, 10),
            lambda: outbox.resend(1, NOON),
            lambda: outbox.expire(HOOK, FAR, NOON, 10),
            lambda: outbox.prune(FAR, 10),
            lambda: outbox.save_health(HOOK, Health("paused")),
        ]
        for call in calls:
            with pytest.raises(OutboxBroken):
                await call()
        assert disk.changes == changes
    await check(tmp_path / "outbox", {"a", "b"})


async def test_whoever_waits_for_the_end_is_told_of_it(tmp_path: Path, disk: Disk) -> None:
    """Also who asks afterwards; before, nobody is."""
    async with running(tmp_path / "outbox", disk.name) as outbox:
        waiting = asyncio.ensure_future(outbox.failure())
        await outbox.add([posting("a")])
        assert not waiting.done()
        disk.fault = "fsync"
        with pytest.raises(OutboxBroken):
            await outbox.add([posting("b")])
        assert isinstance(await asyncio.wait_for(waiting, 5), OutboxBroken)
        assert isinstance(await asyncio.wait_for(outbox.failure(), 5), OutboxBroken)


@pytest.mark.parametrize("fault", FAULTS)
async def test_folding_in_the_log_may_fail_too(tmp_path: Path, disk: Disk, fault: Fault) -> None:
    """What was answered before is on disk all the same."""
    async with running(tmp_path / "outbox", disk.name) as outbox:
        await outbox.add([posting("before")])
        disk.fault, disk.where = fault, lambda path: path.endswith(".sqlite3")
        taken = await add_until_broken(outbox, 256 * KIB)
        disk.fault = ""
    assert 10 < len(taken) < 199
    await check(tmp_path / "outbox", {"before", *taken}, {f"e{len(taken)}"})


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_new_outbox_on_a_broken_disk_says_so(tmp_path: Path, disk: Disk, fault: Fault) -> None:
    """At whatever step it fails; and the next start is as good as the first."""
    for after in range(6):
        disk.fault, disk.after = fault, after
        folder = tmp_path / f"outbox-{after}"
        try:
            async with running(folder, disk.name) as outbox:
                await outbox.add([posting("a")])
        except OutboxBroken as error:
            let_go(error)
        disk.fault = ""
        async with running(folder) as outbox:
            await outbox.add([posting("b")])
        await check(folder, {"b"}, {"a"})
