"""How Python itself is set, for a process with one event loop and one thread that writes. Law: called once, at start;
docs/performance.md says what each setting is worth."""

import gc
import sys

YOUNG = 20_000
"""Objects made, less those gone, between two looks at the young ones: an event makes some dozens, and few are left."""

SWITCH = 0.001
"""Seconds after which a thread that runs makes room for one that waits: the writer has little to do between two steps
of SQLite, and a caller waits for it."""


def tune() -> None:
    """What lives from the start on lives to the end: it is not looked through again, and what is young is, seldom. The
    writer need not wait long for its turn."""
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
