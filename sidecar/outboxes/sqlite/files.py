"""Opening the database file: pragmas, schema, migrations.

Law: what cannot be trusted raises `OutboxBroken` with the way out; nothing is ever repaired by guessing.
"""

import os
from contextlib import ExitStack, suppress
from importlib.resources import files
from pathlib import Path

import apsw

from sidecar.errors import NoSpace, OutboxBroken

NAME = "outbox.sqlite3"
APPLICATION = 0x57484B53
"""SQLite's application_id of our files."""

STATEMENTS = 300
"""Compiled statements kept: each comes in as many forms as `store.SIZES` has rows."""

MIGRATIONS = ("schema.sql",)
"""Files of this package; number n brings a database from version n to n + 1. Only ever append."""

_WRITING = (
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA mmap_size = 0",
    "PRAGMA cache_size = -16384",
)
_READING = ("PRAGMA query_only = ON", "PRAGMA temp_store = MEMORY", "PRAGMA mmap_size = 0", "PRAGMA cache_size = -4096")


def open_writer(directory: Path, vfs: str) -> apsw.Connection:
    """The one connection that writes, at the newest schema version."""
    path = directory / NAME
    with ExitStack() as undo:
        try:
            _keep_private(path)
            db = apsw.Connection(str(path), vfs=vfs or None, statementcachesize=STATEMENTS)
            undo.callback(_close, db)
            for pragma in _WRITING:
                db.execute(pragma)
            _migrate(db, path)
        except apsw.FullError as error:
            raise NoSpace(f"no space left to open {path}") from error
        except apsw.Error as error:
            raise OutboxBroken(f"{path} cannot be opened ({type(error).__name__}: {error}); {WAY_OUT}") from error
        undo.pop_all()
    return db


def _keep_private(path: Path) -> None:
    """Bodies are nobody else's: SQLite gives its log and index the mode that the database has."""
    with suppress(OSError):  # whatever it is, SQLite says it better
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _close(db: apsw.Connection) -> None:
    """After a failure: what failed first is what is told."""
    with suppress(apsw.Error):
        db.close()


def open_reader(directory: Path, vfs: str) -> apsw.Connection:
    """A connection for looking."""
    flags = apsw.SQLITE_OPEN_READWRITE  # WAL readers write the shared index; query_only keeps them from anything else
    db = apsw.Connection(str(directory / NAME), flags=flags, vfs=vfs or None)
    for pragma in _READING:
        db.execute(pragma)
    db.set_busy_timeout(5000)
    return db


WAY_OUT = "move the file away to start empty, or restore a copy of the data directory"


def _migrate(db: apsw.Connection, path: Path) -> None:
    version = db.pragma("user_version")
    application = db.pragma("application_id")
    assert isinstance(version, int)
    if version > len(MIGRATIONS):
        raise OutboxBroken(f"{path} was written by a newer version of this program (schema {version}); upgrade it")
    if version and application != APPLICATION:
        raise OutboxBroken(f"{path} is a database of another program; set SIDECAR_DATA_DIR to a folder of its own")
    for number in range(version, len(MIGRATIONS)):
        script = files(__package__).joinpath(MIGRATIONS[number]).read_text("utf-8")
        with db:
            db.execute(script)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {number + 1}")
