"""The sidecar, killed at a chosen step: `DIES` is `<file> before|after <n>`, of the commits once SIGUSR1 has come.

Law: run as a process, by tests of what is there afterwards. It dies as by `kill -9`, in the middle of a commit's work:
`before` nothing of it is on disk, `after` all of it is, and nobody has heard of it.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import apsw

from sidecar.app import serve
from sidecar.settings import load

FILE, WHEN, NUMBER = os.environ["DIES"].split()
armed: list[bool] = []
commits: list[str] = []


def arm(*_: object) -> None:
    armed.append(True)
    os.write(1, b'{"event": "armed"}\n')


def step(*_: object) -> bool:
    if armed:
        commits.append(WHEN)
        if len(commits) == int(NUMBER):
            os.kill(os.getpid(), signal.SIGKILL)
    return False


def watch(db: apsw.Connection) -> None:
    if Path(db.filename).name != f"{FILE}.sqlite3":
        return
    if WHEN == "before":
        db.set_commit_hook(step)
    else:
        after: Callable[[apsw.Connection, str, int], int] = lambda *_: int(step())  # noqa: E731 - two lines of a hook
        db.set_wal_hook(after)


apsw.connection_hooks.append(watch)
signal.signal(signal.SIGUSR1, arm)
sys.exit(serve(load(os.environ, Path.cwd())))
