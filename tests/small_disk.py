"""A real file system of a few megabytes, for a process of its own: what ENOSPC really does.

Law: a tmpfs in a mount namespace that a waiting process keeps; it goes with that process. Where the system allows no
such thing, `refused` says so.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")
HOLD = 'mount -t tmpfs -o size="$1" small "$2" && echo held && exec cat'
EXEC = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"


def refused() -> str:
    """Why it cannot be had here; empty where it can."""
    try:
        mount = (*UNSHARE, "mount", "-t", "tmpfs", "small", "/mnt")
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip()


@dataclass
class SmallDisk:
    """`program` runs the sidecar there, in place of `-m sidecar serve`; `inside` is the folder as seen from here."""

    inside: Path
    program: tuple[str, ...]

    def fill(self) -> None:
        """Not a byte is left."""
        with (self.inside / "filler").open("ab", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        continue
                except OSError:
                    continue

    def free(self) -> None:
        (self.inside / "filler").unlink()


@asynccontextmanager
async def small_disk(folder: Path, size: str) -> AsyncIterator[SmallDisk]:
    """One mounted at `folder`."""
    folder.mkdir()
    pipe = asyncio.subprocess.PIPE
    command = (*UNSHARE, "sh", "-c", HOLD, "sh", size, str(folder))
    holder = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert holder.stdin
    assert holder.stdout
    try:
        assert await holder.stdout.readline() == b"held\n"
        enter = ("nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials")
        program = ("-c", EXEC, *enter, sys.executable, "-m", "sidecar", "serve")
        yield SmallDisk(Path(f"/proc/{holder.pid}/root{folder}"), program)
    finally:
        holder.stdin.close()
        await holder.wait()
