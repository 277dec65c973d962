"""Replays as they are kept: there again after a restart, as far as they came. Law: a real SQLite file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from sidecar.errors import Conflicting, NotFound
from sidecar.jobs import Replay, ReplayPart
from sidecar.registry import SqliteReplays, open_file
from sidecar.registry.replays import RUNNING

NOON = 1_800_000_000_000
ONE = Replay(
    id=0,
    endpoint="",
    since=NOON - 1000,
    until=0,
    healthy=False,
    states=("dead", "delivered"),
    created_at=NOON,
    state="running",
    finished_at=0,
    parts=(ReplayPart("b", NOON - 1000), ReplayPart("a", NOON - 1000)),
)


@asynccontextmanager
async def replays(folder: Path) -> AsyncIterator[SqliteReplays]:
    file = await open_file(folder)
    try:
        yield SqliteReplays(file)
    finally:
        await file.close()


async def test_a_replay_is_there_again_after_a_restart_as_far_as_it_came(tmp_path: Path) -> None:
    async with replays(tmp_path) as kept:
        made = await kept.add(ONE)
        assert made == replace(ONE, id=made.id)
        came = replace(ONE.parts[0], after=17, resent=5, share=400)
        await kept.advance(made.id, came, NOON + 1)
    async with replays(tmp_path) as kept:
        assert await kept.running() == [replace(made, parts=(came, ONE.parts[1]))]
        assert await kept.find(made.id) == (await kept.running())[0]


async def test_it_is_done_when_every_endpoint_is(tmp_path: Path) -> None:
    async with replays(tmp_path) as kept:
        id_ = (await kept.add(ONE)).id
        for number, part in enumerate(ONE.parts, 1):
            assert (await kept.find(id_)).state == "running"
            await kept.advance(id_, replace(part, done=True, share=1000), NOON + number)
        done = await kept.find(id_)
        assert (done.state, done.finished_at) == ("done", NOON + 2)
        assert await kept.running() == []
        assert await kept.cancel(id_, NOON + 9) == done


async def test_a_cancelled_one_stays_cancelled(tmp_path: Path) -> None:
    async with replays(tmp_path) as kept:
        id_ = (await kept.add(ONE)).id
        told = await kept.cancel(id_, NOON + 5)
        assert (told.state, told.finished_at) == ("cancelled", NOON + 5)
        for part in ONE.parts:
            await kept.advance(id_, replace(part, done=True), NOON + 6)
        assert (await kept.find(id_)).state == "cancelled"
        with pytest.raises(NotFound):
            await kept.cancel(id_ + 1, NOON)


async def test_no_more_than_so_many_run_and_the_others_are_listed_newest_first(tmp_path: Path) -> None:
    async with replays(tmp_path) as kept:
        ids = [(await kept.add(ONE)).id for _ in range(RUNNING)]
        with pytest.raises(Conflicting):
            await kept.add(ONE)
        await kept.cancel(ids[0], NOON)
        ids.append((await kept.add(ONE)).id)
        assert [one.id for one in await kept.page(3, 0)] == ids[:-4:-1]
        assert [one.id for one in await kept.page(3, ids[2])] == ids[1::-1]


async def test_what_ended_long_ago_is_forgotten_and_what_runs_never(tmp_path: Path) -> None:
    async with replays(tmp_path) as kept:
        old, new, running = [(await kept.add(ONE)).id for _ in range(3)]
        await kept.cancel(old, NOON)
        await kept.cancel(new, NOON + 10)
        assert await kept.prune(NOON + 10) == 1
        assert await kept.prune(NOON + 10) == 0
        assert [one.id for one in await kept.page(9, 0)] == [running, new]
        assert (await kept.add(ONE)).id > running
