"""The sidecar with a wall clock that SIGUSR1 sets forward by a day, and SIGUSR2 back.

Law: run as a process in the sidecar's place; nothing else of it is changed.
"""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from sidecar import app
from sidecar.clock import SystemClock
from sidecar.settings import load

DAY = 86_400 * 10**9


def main() -> int:
    """Serve."""
    off = [0]

    def jump(by: int, *_: object) -> None:
        off[0] += by

    signal.signal(signal.SIGUSR1, partial(jump, DAY))
    signal.signal(signal.SIGUSR2, partial(jump, -DAY))

    def wall() -> int:
        return time.time_ns() + off[0]

    vars(app)["SystemClock"] = partial(SystemClock, wall=wall)
    return app.serve(load(os.environ, Path.cwd()))


if __name__ == "__main__":
    sys.exit(main())
