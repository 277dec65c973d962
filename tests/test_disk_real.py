"""A file system that is really full. Law: the real process on a real, small file system."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hook import hook
from running import Process, build, environment, serving
from small_disk import SmallDisk, refused, small_disk

WHY_NOT = refused()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=f"no file system can be mounted here: {WHY_NOT}")


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    """A little more than the ballast takes."""
    async with small_disk(tmp_path / "data", "20m") as made:
        yield made


async def waiting(process: Process, count: int) -> str:
    """Pause the endpoint and post events for it; its name."""
    [endpoint] = (await process.get("/endpoints"))["endpoints"]
    await process.post(f"/endpoints/{endpoint['name']}/pause")
    for number in range(count):
        assert (await process.post("/events", build(number, f"octo/{number}")))[0] == 202
    return str(endpoint["name"])


async def test_when_it_fills_up_events_are_refused_and_what_is_owed_is_delivered(
    tmp_path: Path, disk: SmallDisk
) -> None:
    async with hook() as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url)
        async with serving(settings, *disk.program) as process:
            name = await waiting(process, 20)
            disk.fill()
            large = {**build(99, "octo/large"), "user": {"login": "x" * 500_000}}
            assert (await process.post("/events", large))[0] == 503
            await process.post(f"/endpoints/{name}/resume")
            await receiver.until_good(20)
            assert (await process.get("/readyz"))["status"] == "unready"
            assert await process.stop() == 0
            assert process.log[-2]["waiting"] == 0
    assert len(receiver.seen) == 20


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_started_on_a_full_disk_it_delivers_in_the_room_of_its_ballast(
    tmp_path: Path, disk: SmallDisk, how: str
) -> None:
    """It takes nothing, and says why, until there is room."""
    async with hook() as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url)
        async with serving(settings, *disk.program) as process:
            name = await waiting(process, 20)
            await (process.stop() if how == "stopped" else process.kill())
        disk.fill()
        async with serving(settings, *disk.program) as process:
            await process.post(f"/endpoints/{name}/resume")
            await receiver.until_good(20)
            status, problem = await process.post("/events", build(99))
            assert (status, "SIDECAR_DATA_DIR" in problem["detail"]) == (503, True)
            await process.kill()
        disk.free()
        async with serving(settings, *disk.program) as process:
            assert (await process.post("/events", build(99)))[0] == 202
            await receiver.until(lambda: len({seen.event for seen in receiver.good}) == 21)


async def test_started_without_room_or_ballast_it_says_what_to_do(tmp_path: Path, disk: SmallDisk) -> None:
    """Free some room; by no means move the outbox away."""
    settings = environment(tmp_path)
    async with serving(settings, *disk.program) as process:
        assert await process.stop() == 0
    (disk.inside / "ballast").unlink()
    disk.fill()
    with pytest.raises(AssertionError, match="no space left to open") as told:
        async with serving(settings, *disk.program):
            pass
    assert "move the file away" not in str(told.value)
