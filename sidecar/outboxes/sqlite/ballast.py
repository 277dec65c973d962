"""A file that only takes up room, to be given up when the disk is full: so that verdicts can still be written.

Law: plain file calls; the file holds real blocks (written, not sparse) and is on disk before it counts as there.
"""

import contextlib
import os
from pathlib import Path

_BLOCK = bytes(1 << 16)


class Ballast:
    """`size` in bytes; 0 = none."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def make(self) -> bool:
        """True once the file is there in its whole length; False where there is no room for it."""
        try:
            if self._path.exists() and self._path.stat().st_size == self._size:
                return True
            with self._path.open("wb") as file:
                left = self._size
                while left > 0:
                    left -= file.write(_BLOCK[:left])
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.drop()
            return False
        return True

    def drop(self) -> bool:
        """True where there was one to give up, and the disk let go of it."""
        with contextlib.suppress(OSError):
            self._path.unlink()
            return True
        return False
