"""The data directory: made if missing, and held by one process at a time.

Law: the lock is the kernel's (flock), so that it ends with the process, however that ends. A directory that is made is
on disk before anything in it is promised.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.errors import Occupied

OURS = ("lock", "outbox.*", "registry.*", "secrets.json")
"""The files in it that we must be able to read and write."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Make and lock `directory`.

    Raises:
        Occupied: another process holds it, or it cannot be made or written.
    """
    try:
        _make(directory)
        _look(directory)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Occupied(
            f"SIDECAR_DATA_DIR={directory} cannot be used ({error.strerror}): "
            f"make it a directory that {_us()} may write{_owner(directory)}, or set SIDECAR_DATA_DIR to one"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Occupied(
                f"SIDECAR_DATA_DIR={directory} is in use by another sidecar: "
                "stop that one, or set SIDECAR_DATA_DIR to another directory"
            ) from error
        yield
    finally:
        os.close(lock)


def _make(directory: Path) -> None:
    """`directory` and what is missing above it, on disk: what is kept in a directory is lost with its name."""
    if directory.is_dir():
        return
    _make(directory.parent)
    directory.mkdir(0o750, exist_ok=True)  # the socket in it is for the group, too
    parent = os.open(directory.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _look(directory: Path) -> None:
    """Find what another user has left there, before SQLite does: its "unable to open" names no way out."""
    for path in sorted(path for pattern in OURS for path in directory.glob(pattern)):
        if not os.access(path, os.R_OK | os.W_OK):
            raise Occupied(
                f"SIDECAR_DATA_DIR={directory} holds {path.name}, which {_us()} may not read and write"
                f"{_owner(path)}: run the sidecar as that user, or give it all that is there "
                f"(chown -R {os.getuid()} {directory}), or set SIDECAR_DATA_DIR to another directory"
            )


def _us() -> str:
    groups = ",".join(map(str, sorted({os.getgid(), *os.getgroups()})))
    return f"uid {os.getuid()} (groups {groups})"


def _owner(path: Path) -> str:
    """Whose `path` is, where that can be told."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f" (it is uid {found.st_uid}'s, of group {found.st_gid}, with mode {found.st_mode & 0o7777:04o})"
