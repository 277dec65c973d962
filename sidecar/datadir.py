"""The data directory: made if missing, and held by one process at a time.

Law: the lock is the kernel's (flock), so that it ends with the process, however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.errors import Occupied


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Make and lock `directory`.

    Raises:
        Occupied: another process holds it, or it cannot be made or written.
    """
    try:
        directory.mkdir(0o750, parents=True, exist_ok=True)  # the socket in it is for the group, too
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        user = f"uid {os.getuid()}"
        raise Occupied(
            f"SIDECAR_DATA_DIR={directory} cannot be used ({error.strerror}): "
            f"make it a directory that {user} may write, or set SIDECAR_DATA_DIR to one"
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
