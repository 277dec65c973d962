"""The registry's file: projects, build numbers and the log of what came in, there again after a restart.

Law: a real SQLite file; its disk fills up and breaks on `faulty_vfs`.
"""

import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest
from faulty_vfs import Disk, faulty_disk

from sidecar.errors import Conflicting, NoSpace, NotFound, RegistryBroken
from sidecar.incoming import Hook, Numbered, Wanted
from sidecar.model import Secret
from sidecar.projects import Once, Package, Project
from sidecar.registry import RegistryFile, SqliteHooks, open_file, open_projects
from sidecar.registry import opened as kept_in
from sidecar.registry.hooks import KEPT, REFUSED
from sidecar.registry.projects import SqliteProjects

NOON = 1_800_000_000_000
EVER = 10**12
FIRST = Once("delivery-1", EVER)
HOUR = 3_600_000
ONE = Project(0, "@web", "shop", ("fedora-44-x86_64",), "open")
BODY = Package("body", "https://forge.example/web/shop.git", "main", "body", webhook_rebuild=True)


@asynccontextmanager
async def opened(folder: Path, vfs: str = "") -> AsyncIterator[RegistryFile]:
    file = await open_file(folder, vfs=vfs)
    try:
        yield file
    finally:
        await file.close()


@asynccontextmanager
async def projects(folder: Path) -> AsyncIterator[SqliteProjects]:
    async with opened(folder) as file:
        yield await open_projects(file)


@pytest.fixture
def disk() -> Iterator[Disk]:
    with faulty_disk() as disk:
        yield disk


def hook(number: int = 0, **given: object) -> Hook:
    told = {"at": NOON + number, "route": "webhooks", "outcome": "built", "status": 202, "key": b"%d" % number}
    return Hook(**{**told, **given})  # type: ignore[arg-type]  # fields of Hook by name


def refusal(number: int, **given: object) -> Hook:
    return hook(number, **{"outcome": "refused", "status": 403, "key": b"", "address": f"192.0.2.{number}", **given})


async def test_a_project_is_there_again_with_all_that_is_kept_of_it(tmp_path: Path) -> None:
    async with projects(tmp_path) as kept:
        await kept.add(ONE)
        await kept.put_package("@web", "shop", BODY, new=True)
        await kept.grant("@web", "shop", Secret(b"hush"), now=NOON, overlap=0)
        await kept.edit("@web", "shop", chroots=(), forge_keys={"pagure": (Secret(b"new"), Secret(b"old"))})
        before = kept.find("@web", "shop")
    async with projects(tmp_path) as kept:
        again = kept.find("@web", "shop")
        assert again == before
        assert again
        assert (again.project.full_name, again.project.chroots, again.project.pull_requests) == (
            "@web/shop",
            (),
            "open",
        )
        assert again.packages == (BODY,)
        assert again.secrets(NOON) == (Secret(b"hush"),)
        assert again.forge_keys == {"pagure": (Secret(b"new"), Secret(b"old"))}
        assert "hush" not in repr(again)


async def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    async with projects(tmp_path) as kept:
        await kept.add(ONE)
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(found) == {"registry.sqlite3", "registry.sqlite3-wal", "registry.sqlite3-shm"}
    assert set(found.values()) == {0o600}


async def test_a_new_secret_ends_the_old_one_at_once_or_after_the_overlap(tmp_path: Path) -> None:
    async with projects(tmp_path) as kept:
        await kept.add(ONE)
        for number, overlap in enumerate((0, 0, HOUR, 10 * HOUR)):
            granted = await kept.grant("@web", "shop", Secret(b"%d" % number), now=NOON, overlap=overlap)
        assert granted.secrets(NOON + HOUR - 1) == (Secret(b"3"), Secret(b"2"), Secret(b"1"))
        assert granted.secrets(NOON + HOUR) == (Secret(b"3"), Secret(b"2")), (
            "an overlap never makes a secret live longer"
        )
        assert granted.secrets(NOON + 10 * HOUR) == (Secret(b"3"),)


async def test_names_that_are_taken_or_missing_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async with projects(tmp_path) as kept:
        await kept.add(ONE)
        await kept.put_package("@web", "shop", BODY, new=True)
        before = kept.all()
        with pytest.raises(Conflicting):
            await kept.add(ONE)
        with pytest.raises(Conflicting):
            await kept.put_package("@web", "shop", BODY, new=True)
        with pytest.raises(NotFound):
            await kept.put_package("@web", "shop", Package("soul", ""), new=False)
        with pytest.raises(NotFound):
            await kept.delete_package("@web", "shop", "soul")
        for change in (kept.edit("web", "shop"), kept.delete("web", "shop")):
            with pytest.raises(NotFound):
                await change
        assert kept.all() == before


async def test_a_deleted_project_leaves_nothing_and_its_number_never_comes_again(tmp_path: Path) -> None:
    async with projects(tmp_path) as kept:
        first = await kept.add(ONE)
        await kept.put_package("@web", "shop", BODY, new=True)
        await kept.grant("@web", "shop", Secret(b"hush"), now=NOON, overlap=0)
        await kept.delete("@web", "shop")
        assert kept.all() == []
        second = await kept.add(ONE)
        assert second.project.id > first.project.id
        assert (second.packages, second.grants) == ((), ())


async def test_builds_are_counted_per_package_and_the_same_delivery_has_the_same_number(tmp_path: Path) -> None:
    a, b = Wanted("body", FIRST), Wanted("soul", FIRST)
    async with projects(tmp_path) as kept:
        assert await kept.number(ONE, [a, b], NOON) == [
            Numbered("body", 1, "delivery-1", NOON),
            Numbered("soul", 1, "delivery-1", NOON),
        ]
        assert (await kept.number(ONE, [Wanted("body", Once("delivery-2", EVER))], NOON))[0].number == 2
    async with projects(tmp_path) as kept:
        assert await kept.number(ONE, [a], NOON + HOUR) == [Numbered("body", 1, "delivery-1", NOON)]
        await kept.prune(NOON + 2 * HOUR)
        assert (await kept.number(ONE, [a], NOON + HOUR))[0].number == 3, "a number that was given is never given again"


async def test_what_comes_in_two_deliveries_has_one_number_within_its_time(tmp_path: Path) -> None:
    def wanted(key: str) -> list[Wanted]:
        return [Wanted("body", Once(key, EVER), Once("tag v1 at abc", HOUR))]

    async with projects(tmp_path) as kept:
        first = await kept.number(ONE, wanted("push"), NOON)
        assert await kept.number(ONE, wanted("create"), NOON + HOUR - 1) == first
        assert (await kept.number(ONE, wanted("later"), NOON + HOUR))[0].number == 2


async def test_a_key_that_is_good_for_a_time_is_numbered_anew_after_it(tmp_path: Path) -> None:
    async with projects(tmp_path) as kept:
        wanted = [Wanted("body", Once("body abc", HOUR))]
        assert (await kept.number(ONE, wanted, NOON))[0].number == 1
        assert (await kept.number(ONE, wanted, NOON + HOUR - 1))[0].number == 1
        assert await kept.number(ONE, wanted, NOON + HOUR) == [Numbered("body", 2, "body abc", NOON + HOUR)]
        assert (await kept.number(ONE, wanted, NOON + HOUR + 1))[0].number == 2


async def test_what_was_taken_is_known_by_its_key_and_counted_when_it_comes_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        hooks = SqliteHooks(file)
        first = await hooks.keep(hook(1, answer=b'{"builds": []}', delivery="d1"))
        assert await hooks.keep(hook(2, key=b"1", answer=b"other")) == first
        hooks.came_again(first, NOON + 5)
        await hooks.page(1, 0)
    async with opened(tmp_path) as file:
        again = await SqliteHooks(file).known(b"1", 0)
        assert again
        assert (again.id, again.times, again.last_at, again.answer) == (first.id, 2, NOON + 5, b'{"builds": []}')
        assert await SqliteHooks(file).known(b"2", 0) is None


async def test_a_key_may_be_forgotten_after_a_time_and_what_came_under_it_stays_in_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        hooks = SqliteHooks(file)
        first = await hooks.keep(hook(1))
        assert await hooks.known(b"1", NOON + 1) is None
        second = await hooks.keep(hook(2, key=b"1"), NOON + 1)
        assert await hooks.known(b"1", NOON + 1) == second
        assert [one.id for one in await hooks.page(10, 0)] == [second.id, first.id]


async def test_refusals_that_are_alike_count_as_one_and_are_on_disk_by_the_next_look(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        hooks = SqliteHooks(file)
        for number in range(10_000):
            hooks.note(refusal(7, at=NOON + number))
        hooks.note(refusal(8))
        shown = await hooks.page(10, 0)
        assert [(one.address, one.times) for one in shown] == [("192.0.2.8", 1), ("192.0.2.7", 10_000)]
        assert (shown[1].at, shown[1].last_at) == (NOON, NOON + 9999)
    async with opened(tmp_path) as file:
        assert await SqliteHooks(file).page(10, 0) == shown


async def test_what_is_only_noted_is_written_when_it_is_closed(tmp_path: Path) -> None:
    async with kept_in(tmp_path) as kept:
        kept.hooks.note(refusal(7))
    async with kept_in(tmp_path) as kept:
        assert [one.address for one in await kept.hooks.page(10, 0)] == ["192.0.2.7"]


async def test_the_log_has_a_bound_and_who_floods_it_pushes_out_no_good_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        hooks = SqliteHooks(file)
        good = await hooks.keep(hook(1))
        for number in range(3 * REFUSED):
            hooks.note(refusal(0, address=str(number)))
            if number % REFUSED == REFUSED - 1:
                await hooks.page(1, 0)
        while await hooks.prune(0):
            pass
        rows = await hooks.page(KEPT, 0)
        assert len(rows) == REFUSED + 1
        assert rows[-1].id == good.id
        assert rows[0].address == str(3 * REFUSED - 1)


async def test_what_is_older_than_the_retention_is_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        hooks = SqliteHooks(file)
        for number in (1, 2, 3):
            await hooks.keep(hook(number))
        while await hooks.prune(NOON + 3):
            pass
        assert [one.key for one in await hooks.page(10, 0)] == [b"3"]


async def test_pages_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as file:
        hooks = SqliteHooks(file)
        for number in range(5):
            await hooks.keep(hook(number))
        first = await hooks.page(2, 0)
        second = await hooks.page(2, first[-1].id)
        assert [one.key for one in (*first, *second)] == [b"4", b"3", b"2", b"1"]


async def test_a_full_disk_changes_nothing_and_it_goes_on_when_there_is_room(tmp_path: Path, disk: Disk) -> None:
    async with opened(tmp_path, disk.name) as file:
        kept = await open_projects(file)
        await kept.add(ONE)
        disk.room = lambda: 0
        with pytest.raises(NoSpace, match="nothing was changed"):
            await kept.edit("@web", "shop", chroots=())
        found = kept.find("@web", "shop")
        assert found
        assert found.project.chroots == ONE.chroots
        disk.room = lambda: 2**40
        assert (await kept.edit("@web", "shop", chroots=())).project.chroots == ()


async def test_a_failed_fsync_is_final_and_told(tmp_path: Path, disk: Disk) -> None:
    async with opened(tmp_path, disk.name) as file:
        kept = await open_projects(file)
        disk.fault = "fsync"
        with pytest.raises(RegistryBroken, match=r"registry\.sqlite3 cannot be used"):
            await kept.add(ONE)
        disk.fault = ""
        with pytest.raises(RegistryBroken):
            await kept.add(ONE)
        assert kept.find("@web", "shop") is None
        assert str(await file.failure()).startswith(str(tmp_path))


@pytest.mark.parametrize("content", [b"hush" * 1000, b"SQLite format 3\0" + b"hush" * 1000])
async def test_a_damaged_file_is_refused_with_its_path_and_the_way_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "registry.sqlite3").write_bytes(content)
    with pytest.raises(RegistryBroken) as refused:
        await open_file(tmp_path)
    assert str(tmp_path / "registry.sqlite3") in str(refused.value)
    assert "move the file away" in str(refused.value)
    assert "hush" not in str(refused.value)


async def test_a_file_of_a_newer_version_or_of_another_program_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    for pragma, told in (("application_id = 1", "another program"), ("user_version = 99", "newer version")):
        db = apsw.Connection(str(tmp_path / "registry.sqlite3"))
        db.execute(f"PRAGMA {pragma}")
        db.close()
        with pytest.raises(RegistryBroken, match=told):
            await open_file(tmp_path)
