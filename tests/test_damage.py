"""The file was damaged while nobody looked: it is harmless, or told of by the one announced error.

Law: real SQLite on real files; bytes are changed between a stop and a start.
"""

import asyncio
import random
from pathlib import Path

import pytest
from faulty_vfs import let_go
from sqlite_rig import HOOK, KIB, NAME, NOON, claims, posting, running, settlement

from sidecar.errors import OutboxBroken
from sidecar.model import FAR, Delivered, Query


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of an outbox that was stopped in order."""
    folder = tmp_path_factory.mktemp("whole")

    async def fill_some() -> None:
        async with running(folder) as outbox:
            await outbox.add([posting(f"e{number}", KIB) for number in range(100)])
            for claim in (await outbox.claim(HOOK, 50, NOON, 0)).claims:
                await outbox.settle(settlement(claim, Delivered()))

    asyncio.run(fill_some())
    return (folder / NAME).read_bytes()


async def use(folder: Path) -> None:
    """Everything one does with an outbox."""
    async with running(folder) as outbox:
        await outbox.deliveries(Query(limit=1000))
        await outbox.counts()
        await outbox.event("e7")
        await outbox.attempts(7)
        for claim in await claims(outbox):
            await outbox.settle(settlement(claim, Delivered()))
        await outbox.add([posting(f"new-{number}") for number in range(20)])
        await outbox.prune(FAR, 1000)


def damaged(folder: Path, content: bytes) -> Path:
    folder.mkdir()
    (folder / NAME).write_bytes(content)
    return folder


async def opens_or_says_so(folder: Path) -> None:
    try:
        await use(folder)
    except OutboxBroken as error:
        let_go(error)


@pytest.mark.parametrize("seed", range(20))
async def test_a_damaged_file_is_harmless_or_told_of(tmp_path: Path, whole: bytes, seed: int) -> None:
    """Bytes turned over anywhere: no exception but the one that is announced, neither at the start nor later."""
    dice = random.Random(seed)
    content = bytearray(whole)
    for _ in range(dice.choice((1, 20, 400))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    await opens_or_says_so(damaged(tmp_path / "outbox", bytes(content)))


@pytest.mark.parametrize("seed", range(6))
async def test_a_page_of_noise_is_harmless_or_told_of(tmp_path: Path, whole: bytes, seed: int) -> None:
    dice = random.Random(seed)
    start = dice.randrange(len(whole) // (4 * KIB)) * 4 * KIB
    await opens_or_says_so(
        damaged(tmp_path / "outbox", whole[:start] + dice.randbytes(4 * KIB) + whole[start + 4 * KIB :])
    )


@pytest.mark.parametrize("length", [50, 100, 4 * KIB, 0.5, 0.9])
async def test_a_file_cut_short_is_told_of(tmp_path: Path, whole: bytes, length: float) -> None:
    """It is never taken for an outbox with less in it."""
    cut = int(length * len(whole)) if isinstance(length, float) else length
    folder = damaged(tmp_path / "outbox", whole[:cut])
    with pytest.raises(OutboxBroken, match=r"outbox\.sqlite3"):
        async with running(folder):
            pass


@pytest.mark.parametrize("content", [b"SQLite", b"no database at all" * 1000])
async def test_what_is_no_outbox_is_told_of_and_left_alone(tmp_path: Path, content: bytes) -> None:
    folder = damaged(tmp_path / "outbox", content)
    with pytest.raises(OutboxBroken, match=r"outbox\.sqlite3"):
        await use(folder)
    assert (folder / NAME).read_bytes() == content
