"""The registry's SQLite file, and the one thread that works in it.

Law: nobody hears of a change before its commit is on disk. A full disk rolls back and goes on; any other failure of a
write is final: every call from then on raises `RegistryBroken`, and nothing is ever tried again.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import apsw

from sidecar import sqlitefile
from sidecar.errors import NoSpace, RegistryBroken

T = TypeVar("T")

NAME = "registry.sqlite3"

SCHEMA = sqlitefile.Schema(
    name=NAME,
    application=0x57484B52,
    package=__package__ or "",
    migrations=("schema.sql", "replays.sql"),
    pragmas=("PRAGMA cache_size = -4096",),
    broken=RegistryBroken,
    way_out="restore a copy of the data directory, or move the file away: projects, their secrets and keys are in it",
)

NO_SPACE = "no space left on the disk of SIDECAR_DATA_DIR; nothing was changed"


class RegistryFile:
    """Made by `open_file`. What is kept in it are the tables of the modules beside this one."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._thread = ThreadPoolExecutor(1, "registry")
        self._failed = asyncio.Event()
        self._broken: RegistryBroken | None = None

    async def change(self, run: Callable[[apsw.Connection], T]) -> T:
        """What `run` returns, once all that it did is on disk; where it raises, nothing was done."""
        return await self._do(lambda: self._guarded(lambda: self._committed(run)))

    async def look(self, run: Callable[[apsw.Connection], T]) -> T:
        """What `run` returns, which only reads."""
        return await self._do(lambda: self._guarded(lambda: run(self._db)))

    async def failure(self) -> RegistryBroken:
        """Return when, if ever, the file can no longer be trusted."""
        await self._failed.wait()
        assert self._broken is not None
        return self._broken

    async def close(self) -> None:
        """Finish what is queued, fold the write-ahead log in, close."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        with suppress(apsw.Error):
            self._db.close()

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RegistryBroken:
            self._failed.set()
            raise

    # -- on the thread -----------------------------------------------------------------------------------------------

    def _guarded(self, work: Callable[[], T]) -> T:
        if self._broken is not None:
            raise self._broken
        try:
            return work()
        except apsw.Error as error:
            if sqlitefile.no_room(error):
                raise NoSpace(NO_SPACE) from None
            what = f"{type(error).__name__}: {error}"
            self._broken = RegistryBroken(f"{self._path} cannot be used any more ({what}); {SCHEMA.way_out}")
            raise self._broken from error

    def _committed(self, run: Callable[[apsw.Connection], T]) -> T:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = run(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result


def rows(db: apsw.Connection, statement: str, given: Sequence[str | bytes | int] = ()) -> list[tuple[Any, ...]]:
    """All that `statement` selects; columns are STRICT, so their types are the tables'."""
    return db.execute(statement, given).fetchall()


async def open_file(directory: Path, *, vfs: str = "") -> RegistryFile:
    """Open or make the file in `directory`; `vfs` is SQLite's, for tests of a failing disk.

    Raises:
        RegistryBroken: it is damaged, of another program or of a newer version.
        NoSpace: there is no room to open it.
    """
    loop = asyncio.get_running_loop()
    db = await loop.run_in_executor(None, lambda: sqlitefile.open_writer(directory, SCHEMA, vfs=vfs))
    return RegistryFile(db, directory / NAME)
