"""The listening unix socket: taken over from the dead, never from the living, and nobody's before its mode is right.

Law: it is bound under another name, given its mode, set listening, and only then renamed to its own, all under a lock
on the directory. The process's umask is neither trusted nor touched. What is not ours is not removed.
"""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sidecar.errors import Occupied

LONGEST = 107
"""Bytes of a unix socket's path (unix(7)): 108 with the NUL behind it."""

DIRECTORY_MODE = 0o750
BACKLOG = 1024
"""Connections that may wait to be accepted; the system may allow fewer."""

PROBE = 1.0
"""Seconds for whoever is there to take a connection; who has no time for it is alive, too."""

UNDER_WAY = ".sidecar.sock.new"
WAY_OUT = "or set SIDECAR_SOCKET to another path"


class Listener(socket.socket):
    """A listening socket that knows its file.

    Attributes:
        file: device and inode.
    """

    file: tuple[int, int] | None = None


def listen(path: str, mode: int) -> Listener:
    """A socket that listens at `path`, whose file has `mode`; missing directories are made, with 0750.

    Raises:
        Occupied: somebody listens there, or what is there is no socket.
        OSError: it cannot be made; the message names SIDECAR_SOCKET and the way out.
    """
    if len(os.fsencode(path)) > LONGEST:
        why = f"{path} is longer than the {LONGEST} bytes of a unix socket's path: set SIDECAR_SOCKET to a shorter one"
        raise OSError(errno.ENAMETOOLONG, why)
    parent, name = Path(path).parent, Path(path).name
    try:
        _make(parent)
        with _locked(parent) as directory:
            _make_room(path, name, directory)
            return _bind(parent, name, directory, mode)
    except OSError as error:
        user = f"the sidecar's user (uid {os.getuid()}, group {os.getgid()})"
        why = f"cannot listen at {path}: {error.strerror or error}; let {user} write in {parent}, {WAY_OUT}"
        raise OSError(error.errno, why) from error


def unlink_own(path: str, listener: Listener) -> None:
    """Remove the file of `listener`, unless another has taken its place meanwhile."""
    name = Path(path).name
    with suppress(OSError), _locked(Path(path).parent) as directory:
        if listener.file is not None and _file(name, directory) == listener.file:
            os.unlink(name, dir_fd=directory)


def _make(directory: Path) -> None:
    """`directory` and what is missing above it."""
    if not directory.exists():
        _make(directory.parent)
        with suppress(FileExistsError):
            directory.mkdir(DIRECTORY_MODE)
            directory.chmod(DIRECTORY_MODE)  # whatever the umask took away


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """Whoever takes a socket of this directory does so alone; held for less than `PROBE` and a moment."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _make_room(path: str, name: str, directory: int) -> None:
    """See to it that what is at `path`, if anything, is a socket where nobody listens. Raises `Occupied`."""
    found = _stat(name, directory)
    if found is None:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Occupied(f"{path} is there, and is no socket: move it away, {WAY_OUT}")
    with socket.socket(socket.AF_UNIX) as probe, suppress(TimeoutError, BlockingIOError):
        probe.settimeout(PROBE)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return
    raise Occupied(f"another sidecar listens on {path}: stop it, {WAY_OUT}")


def _bind(parent: Path, name: str, directory: int, mode: int) -> Listener:
    found = _stat(UNDER_WAY, directory)
    if found is not None and stat.S_ISSOCK(found.st_mode):
        os.unlink(UNDER_WAY, dir_fd=directory)  # of one that died right here
    listener = Listener(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(_short(parent / UNDER_WAY, directory))
        os.chmod(UNDER_WAY, mode, dir_fd=directory)
        listener.listen(BACKLOG)
        listener.settimeout(0)
        listener.file = _file(UNDER_WAY, directory)
        os.rename(UNDER_WAY, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        listener.close()
        raise
    return listener


def _short(path: Path, directory: int) -> str:
    """`path`, or another way to the same place where it is too long."""
    return str(path) if len(os.fsencode(path)) <= LONGEST else f"/proc/self/fd/{directory}/{path.name}"


def _file(name: str, directory: int) -> tuple[int, int] | None:
    found = _stat(name, directory)
    return None if found is None else (found.st_dev, found.st_ino)


def _stat(name: str, directory: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
