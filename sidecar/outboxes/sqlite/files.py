"""Opening the database file: the writer's connection, and the reader's.

Law: what cannot be trusted raises `OutboxBroken` with the way out; nothing is ever repaired by guessing.
"""

from importlib.resources import files
from pathlib import Path

import apsw

from sidecar import sqlitefile
from sidecar.errors import OutboxBroken
from sidecar.outboxes.sqlite import marks

NAME = "outbox.sqlite3"

STATEMENTS = 512
"""Uses of statements after which one that was not among them is compiled anew: as many as apsw has room for."""

RULES = files(__package__ or "").joinpath("rules.sql").read_text("utf-8")

WAY_OUT = "move the file away to start empty, or restore a copy of the data directory"

SCHEMA = sqlitefile.Schema(
    name=NAME,
    application=0x57484B53,
    package=__package__ or "",
    migrations=("schema.sql", "schema-2.sql"),
    then={"schema-2.sql": marks.fill},
    pragmas=("PRAGMA wal_autocheckpoint = 0", "PRAGMA cache_size = -16384"),
    broken=OutboxBroken,
    way_out=WAY_OUT,
)

_READING = ("PRAGMA query_only = ON", "PRAGMA temp_store = MEMORY", "PRAGMA mmap_size = 0", "PRAGMA cache_size = -4096")


def open_writer(directory: Path, vfs: str) -> apsw.Connection:
    """The one connection that writes, at the newest schema version, and by the rules."""
    db = sqlitefile.open_writer(directory, SCHEMA, vfs=vfs, statements=STATEMENTS)
    db.execute(RULES)
    return db


def open_reader(directory: Path, vfs: str) -> apsw.Connection:
    """A connection for looking."""
    flags = apsw.SQLITE_OPEN_READWRITE  # WAL readers write the shared index; query_only keeps them from anything else
    db = sqlitefile.connect(directory / NAME, flags=flags, vfs=vfs)
    for pragma in _READING:
        db.execute(pragma)
    db.set_busy_timeout(5000)
    return db
