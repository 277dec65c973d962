"""The sidecar on a disk that breaks at SIGUSR1 and is full at SIGUSR2.

Law: run as a process, by tests of what it does then.
"""

import os
import signal
import sys
from pathlib import Path

from faulty_vfs import faulty_disk

from sidecar.app import serve
from sidecar.settings import load

with faulty_disk() as disk:

    def breaks(*_: object) -> None:
        disk.fault = "fsync"

    def fills(*_: object) -> None:
        disk.room = lambda: 0

    signal.signal(signal.SIGUSR1, breaks)
    signal.signal(signal.SIGUSR2, fills)
    sys.exit(serve(load(os.environ, Path.cwd()), vfs=disk.name))
