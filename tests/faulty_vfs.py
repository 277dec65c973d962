"""A disk for SQLite that loses power, breaks or fills up when a test says so.

Law: what a file surely holds after a power loss is what its last completed fsync left; of all that was written, cut or
deleted since, anything may be there: whole, torn, as noise. Below are real files of the default VFS; mmap must be off.
"""

import itertools
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal

import apsw

Mode = Literal["cut", "torn", "noise"]
Fault = Literal["", "write", "fsync"]

MODES: tuple[Mode, ...] = ("cut", "torn", "noise")
EVER = 2**62

_FAULTS = {"write": apsw.SQLITE_IOERR_WRITE, "fsync": apsw.SQLITE_IOERR_FSYNC, "dark": apsw.SQLITE_IOERR}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Write:
    offset: int
    data: bytes

    def apply(self, content: bytearray) -> None:
        end = self.offset + len(self.data)
        content.extend(bytes(max(0, end - len(content))))
        content[self.offset : end] = self.data


@dataclass(frozen=True)
class Truncate:
    size: int

    def apply(self, content: bytearray) -> None:
        del content[self.size :]
        content.extend(bytes(self.size - len(content)))


@dataclass
class Surface:
    """One file: what the last fsync made sure of (None: not even its name), and what came since."""

    durable: bytearray | None
    size: int
    names_its_folder: bool = False
    since: list[Write | Truncate] = field(default_factory=list)

    def sync(self) -> None:
        self.durable = bytearray() if self.durable is None else self.durable
        for change in self.since:
            change.apply(self.durable)
        self.since.clear()

    def after_power_loss(self, dice: random.Random, mode: Mode) -> bytes | None:
        if self.durable is None and dice.random() < 0.5:
            return None
        content = bytearray(self.durable or b"")
        for change in _surviving(self.since, dice, mode):
            change.apply(content)
        return bytes(content)


def _surviving(since: list[Write | Truncate], dice: random.Random, mode: Mode) -> list[Write | Truncate]:
    """`cut`: the first few. `torn`: any of them, the last one to its middle. `noise`: any, some as garbage."""
    if mode == "cut":
        return since[: dice.randint(0, len(since))]
    kept = [change for change in since if dice.random() < 0.5]
    if mode == "torn":
        match kept:
            case [*_, Write(offset, data)]:
                kept[-1] = Write(offset, data[: dice.randrange(len(data))])
        return kept
    return [
        Write(change.offset, dice.randbytes(len(change.data)))
        if isinstance(change, Write) and dice.random() < 0.3
        else change
        for change in kept
    ]


class Disk(apsw.VFS):
    """A VFS under a name of its own, for `open_outbox(vfs=disk.name)`.

    Attributes:
        fault: every write, or every fsync, fails from now on; "" for none.
        where: the paths of the files it fails for.
        after: so many more of them go well first.
        room: bytes all its files may have together; more is SQLITE_FULL.
        ends_after: writes, truncations, deletions and fsyncs until the power is gone, and nothing works any more.
        changes: how many of these there were.
        refused: how many calls have failed.
    """

    def __init__(self) -> None:
        self.name = f"faulty-{next(_numbers)}"
        self.fault: Fault = ""
        self.where: Callable[[str], bool] = lambda _: True
        self.after = 0
        self.room: Callable[[], int] = lambda: EVER
        self.ends_after = EVER
        self.changes = 0
        self.refused = 0
        self.surfaces: dict[str, Surface] = {}
        self.deleted: dict[str, Surface] = {}
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or not flags[0] & _KEPT:
            return apsw.VFSFile("", name, flags)
        if path not in self.surfaces:
            content = bytearray(Path(path).read_bytes()) if Path(path).exists() else None
            self.surfaces[path] = Surface(content, len(content or b""), bool(flags[0] & _NAMES_ITS_FOLDER))
        return File(self, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  # SQLite's
        self.change(filename)
        super().xDelete(filename, syncdir)
        if filename in self.surfaces:
            self.deleted[filename] = self.surfaces.pop(filename)
        if syncdir:
            self.deleted.clear()

    def excepthook(
        self, etype: type[BaseException] | None, evalue: BaseException | None, etraceback: TracebackType | None
    ) -> bool:
        """SQLite passes over some errors, when it closes for one; ours need no report then."""
        return isinstance(evalue, apsw.Error) or super().excepthook(etype, evalue, etraceback)

    def change(self, path: str, kind: Fault = "") -> None:
        """Count a change of a file and let it through, or not."""
        if self.changes >= self.ends_after:
            self.refuse(_FAULTS["dark"])
        self.changes += 1
        if kind and kind == self.fault and self.where(path):
            if self.after == 0:
                self.refuse(_FAULTS[kind])
            self.after -= 1

    def refuse(self, code: int) -> None:
        self.refused += 1
        raise apsw.exception_for(code)

    def space(self) -> int:
        return self.room() - sum(surface.size for surface in self.surfaces.values())

    def power_loss(self, directory: Path, seed: int, mode: Mode) -> None:
        """What is found after the power went now, put into `directory`. The WAL-index was memory, and is gone."""
        dice = random.Random(seed)
        directory.mkdir()
        found = {path: surface for path, surface in self.deleted.items() if dice.random() < 0.5} | self.surfaces
        for path, surface in sorted(found.items()):
            content = surface.after_power_loss(dice, mode)
            if content is not None:
                (directory / Path(path).name).write_bytes(content)


class Small:
    """A disk of `size` bytes, shared by database, log and the ballast in `directory`, which is no file of SQLite's."""

    def __init__(self, disk: Disk, directory: Path, size: int) -> None:
        self.ballast = directory / "ballast"
        self.size = size
        disk.room = self.room

    def room(self) -> int:
        return self.size - (self.ballast.stat().st_size if self.ballast.exists() else 0)


_KEPT = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL
# SQLite syncs the folder with the first fsync of a journal or WAL it has made: all names in it are safe from then on.
_NAMES_ITS_FOLDER = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL


class File(apsw.VFSFile):
    """A file on a Disk."""

    def __init__(self, disk: Disk, path: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self.disk = disk
        self.path = path
        self.surface = disk.surfaces[path]
        super().__init__("", name, flags)

    def excepthook(
        self, etype: type[BaseException] | None, evalue: BaseException | None, etraceback: TracebackType | None
    ) -> bool:
        """SQLite passes over some errors, when it closes for one; ours need no report then."""
        return isinstance(evalue, apsw.Error) or super().excepthook(etype, evalue, etraceback)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's
        self.disk.change(self.path, "write")
        growth = offset + len(data) - self.surface.size
        fits = len(data) if growth <= 0 else len(data) - max(0, growth - max(0, self.disk.space()))
        if fits > 0:
            written = bytes(data[:fits])
            super().xWrite(written, offset)
            self.surface.since.append(Write(offset, written))
            self.surface.size = max(self.surface.size, offset + fits)
        if fits < len(data):
            self.disk.refuse(apsw.SQLITE_FULL)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802  # SQLite's
        self.disk.change(self.path)
        super().xTruncate(newsize)
        self.surface.since.append(Truncate(newsize))
        self.surface.size = newsize

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite's
        self.disk.change(self.path, "fsync")
        super().xSync(flags)
        self.surface.sync()
        if self.surface.names_its_folder:
            self.surface.names_its_folder = False
            self.disk.deleted.clear()


@contextmanager
def faulty_disk() -> Iterator[Disk]:
    """A disk that works, until told otherwise.

    A connection that goes out of sight unclosed closes by itself; what the disk refuses it then is nobody's concern.
    """
    reported = sys.unraisablehook
    sys.unraisablehook = lambda info: None if isinstance(info.exc_value, apsw.Error) else reported(info)
    disk = Disk()
    try:
        yield disk
    finally:
        disk.unregister()
        sys.unraisablehook = reported


def let_go(error: BaseException | None) -> None:
    """Let go of the connections that an error's frames still hold, so that they close here and now."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__
