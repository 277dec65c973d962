"""What is kept beside the outbox: whole, private, and there again. Law: a real file, and processes that really die."""

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.errors import NoSpace, RegistryBroken
from sidecar.model import Secret
from sidecar.registry import FileRegistry

OLD, NEW = (Secret(b"old-hush"),), (Secret(b"new-hush"), Secret(b"\x00\xff any bytes \n"))

DIES_BEFORE = """
import asyncio, os, signal, sys
from pathlib import Path
from sidecar.model import Secret
from sidecar.registry import FileRegistry

def die(event, _):
    if event == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

registry = FileRegistry(Path(sys.argv[1]))
sys.addaudithook(die)
asyncio.run(registry.put_secrets("a", (Secret(b"new-hush"),)))
"""


async def test_what_is_set_is_there_again_and_what_is_deleted_is_not(tmp_path: Path) -> None:
    registry = FileRegistry(tmp_path)
    assert registry.secrets() == {}
    await registry.put_secrets("a", OLD)
    await registry.put_secrets("a", NEW)
    await registry.put_secrets("b", OLD)
    assert registry.secrets() == FileRegistry(tmp_path).secrets() == {"a": NEW, "b": OLD}
    assert await registry.delete_secrets("b")
    assert not await registry.delete_secrets("b")
    assert registry.secrets() == FileRegistry(tmp_path).secrets() == {"a": NEW}


async def test_nobody_else_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await FileRegistry(tmp_path).put_secrets("a", OLD)
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {"secrets.json": 0o600}


async def test_many_at_once_leave_one_whole_file_with_all_of_them(tmp_path: Path) -> None:
    registry = FileRegistry(tmp_path)
    await asyncio.gather(*(registry.put_secrets(f"e{n % 10}", (Secret(b"%d" % n),)) for n in range(50)))
    expected = {f"e{n % 10}": (Secret(b"%d" % n),) for n in range(50)}
    assert registry.secrets() == FileRegistry(tmp_path).secrets() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]


async def test_a_crash_before_the_rename_leaves_what_was_and_no_trace_of_the_new(tmp_path: Path) -> None:
    await FileRegistry(tmp_path).put_secrets("a", OLD)
    for step, left in (("open", 1), ("os.rename", 2)):
        program = [sys.executable, "-c", DIES_BEFORE, str(tmp_path), step]
        died = await asyncio.to_thread(subprocess.run, program, check=False)
        assert died.returncode == -signal.SIGKILL
        assert len(list(tmp_path.iterdir())) == left
        registry = FileRegistry(tmp_path)
        assert registry.secrets() == {"a": OLD}
        assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]
    await registry.put_secrets("a", NEW)
    assert FileRegistry(tmp_path).secrets() == {"a": NEW}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hush",
        b'{"secrets": {"a": ["hush!"]}}',
        b'{"secrets": {"a": []}}',
        b'{"secrets": {"a": [""]}}',
        b'{"secrets": {}, "hush": 1}',
        b'{"secrets": {"a": ["aHVzaA=="]}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_refused_with_its_path_and_the_way_out_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secrets.json"
    file.write_bytes(content)
    with pytest.raises(RegistryBroken) as refused:
        FileRegistry(tmp_path)
    assert str(file) in str(refused.value)
    assert "move it away" in str(refused.value)
    assert "hush" not in repr(refused.value)
    assert file.read_bytes() == content


async def test_what_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    registry = FileRegistry(tmp_path)
    await registry.put_secrets("a", OLD)
    (tmp_path / "secrets.json.new").mkdir()
    with pytest.raises(RegistryBroken, match=r"secrets\.json cannot be written"):
        await registry.put_secrets("a", NEW)
    assert registry.secrets() == {"a": OLD}
    (tmp_path / "secrets.json.new").rmdir()
    assert FileRegistry(tmp_path).secrets() == {"a": OLD}


class FullDisk(FileRegistry):
    """Its disk takes nothing."""

    def _write(self, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_full_disk_is_told_as_such_and_changes_nothing(tmp_path: Path) -> None:
    await FileRegistry(tmp_path).put_secrets("a", OLD)
    registry = FullDisk(tmp_path)
    with pytest.raises(NoSpace, match="the secrets are as before"):
        await registry.put_secrets("a", NEW)
    with pytest.raises(NoSpace):
        await registry.delete_secrets("a")
    assert registry.secrets() == FileRegistry(tmp_path).secrets() == {"a": OLD}
