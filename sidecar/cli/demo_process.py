"""The sidecar as a child process, for the demo. Law: its environment is ours alone; it is ended by its own handle."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import sidecar

PATIENCE = 10.0
"""Seconds for it to end by itself."""

KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")


class Process:
    """`sidecar serve` in `folder`, once; its log is kept there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.socket = str(self.data / "sidecar.sock")
        self._log = folder / "sidecar.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def ended(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(errors="replace").rstrip() if self._log.exists() else ""

    @asynccontextmanager
    async def running(self, settings: Mapping[str, str]) -> AsyncIterator[None]:
        """Runs while the block does, with `settings` for its environment."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        found = {"PYTHONPATH": str(Path(sidecar.__file__).parent.parent), "SIDECAR_DATA_DIR": str(self.data)}
        found["SIDECAR_ADMIN_LISTEN"] = "off"  # another one may run here
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sidecar", "serve"),
                cwd=self.folder,
                env={**kept, **found, **settings},
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
            )
        try:
            yield
        finally:
            await self.stop()

    async def stop(self) -> int:
        """Its exit status after SIGTERM; SIGKILL where it takes too long."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.terminate()
        try:
            return await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            process.kill()
            return await process.wait()
