"""Opening a SQLite file of ours to write in it: private, with its pragmas, at the newest version of its schema.

Law: what cannot be trusted raises with the way out; nothing is ever repaired by guessing.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from importlib.resources import files
from pathlib import Path

import apsw
from msgspec import Struct

from sidecar.errors import NoSpace, OutboxBroken, RegistryBroken

_PRAGMAS = (
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA mmap_size = 0",
)

OPEN = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


class Schema(Struct, frozen=True):
    """A file, and how its tables came to be.

    Attributes:
        name: of the file in the data directory.
        application: SQLite's application_id of such files.
        package: that holds the migrations.
        migrations: file names; number n brings a database from version n to n + 1. Only ever append.
        pragmas: of its own.
        broken: raised where the file cannot be trusted.
        way_out: what to do then.
        then: by migration, what is done after it, in its transaction.
    """

    name: str
    application: int
    package: str
    migrations: tuple[str, ...]
    pragmas: tuple[str, ...]
    broken: type[OutboxBroken | RegistryBroken]
    way_out: str
    then: Mapping[str, Callable[[apsw.Connection], None]] = {}


def open_writer(directory: Path, schema: Schema, *, vfs: str = "", statements: int = 100) -> apsw.Connection:
    """The one connection that writes, at the newest schema version; `statements` compiled ones are kept.

    Raises:
        NoSpace: there is no room to open it.
        OutboxBroken, RegistryBroken: as `schema.broken` says.
    """
    path = directory / schema.name
    with ExitStack() as undo:
        try:
            _keep_private(path)
            db = connect(path, vfs=vfs, statements=statements)
            undo.callback(_close, db)
            for pragma in (*_PRAGMAS, *schema.pragmas):
                db.execute(pragma)
            _migrate(db, path, schema)
        except apsw.Error as error:
            if no_room(error):
                raise NoSpace(f"no space left to open {path}: free some on its disk and start again") from error
            what = f"{type(error).__name__}: {error}"
            raise schema.broken(f"{path} cannot be opened ({what}); {schema.way_out}") from error
        undo.pop_all()
    return db


def connect(path: Path, *, flags: int = OPEN, vfs: str = "", statements: int = 100) -> apsw.Connection:
    """A connection whose statements are compiled once. Left to itself, SQLite compiles those that a partial index might
    serve anew for each value they are asked with (SQLITE_DBCONFIG_ENABLE_QPSG)."""
    db = apsw.Connection(str(path), flags=flags, vfs=vfs or None, statementcachesize=statements)
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return db


def no_room(error: apsw.Error) -> bool:
    """Whether the disk is full. The index of the write-ahead log is a file as well, but where that cannot grow, SQLite
    speaks of an I/O error."""
    return isinstance(error, apsw.FullError) or getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE


def _keep_private(path: Path) -> None:
    """What is in it is nobody else's: SQLite gives its log and index the mode that the database has."""
    with suppress(OSError):  # whatever it is, SQLite says it better
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _close(db: apsw.Connection) -> None:
    """After a failure: what failed first is what is told."""
    with suppress(apsw.Error):
        db.close()


def _migrate(db: apsw.Connection, path: Path, schema: Schema) -> None:
    version = db.pragma("user_version")
    application = db.pragma("application_id")
    assert isinstance(version, int)
    if version > len(schema.migrations):
        raise schema.broken(f"{path} was written by a newer version of this program (schema {version}); upgrade it")
    if version and application != schema.application:
        raise schema.broken(f"{path} is a database of another program; set SIDECAR_DATA_DIR to a folder of its own")
    for number in range(version, len(schema.migrations)):
        name = schema.migrations[number]
        script = files(schema.package).joinpath(name).read_text("utf-8")
        with db:
            db.execute(script)
            if name in schema.then:
                schema.then[name](db)
            db.execute(f"PRAGMA application_id = {schema.application}")
            db.execute(f"PRAGMA user_version = {number + 1}")
