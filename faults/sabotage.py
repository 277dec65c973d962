"""The sidecar with a fault put into it, to show that the ledger notices: `python -m faults.sabotage overtakes`.

Law: run as a process in the sidecar's place; a fault is a row of FAULTS, and each is one that a mistake might make.
"""

import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sidecar.app import serve
from sidecar.model import Delivered, Settlement
from sidecar.outboxes.sqlite import adding, files, repairing, settling, writer
from sidecar.outboxes.sqlite.store import Store
from sidecar.settings import load

DICE = random.Random(1)
SHARE = 0.2


def forgets() -> None:
    """An event in five is answered 202 and not stored."""
    store = adding._store

    def some(to: Store, intake: adding._Intake) -> None:
        intake.fresh = {seq: one for seq, one in intake.fresh.items() if DICE.random() > SHARE}
        store(to, intake)

    adding._store = some  # type: ignore[assignment] # the names of its arguments do not matter


def repeats() -> None:
    """A delivery in five is owed once more."""

    def once_more(store: Store, settlements: Sequence[Settlement]) -> None:
        settling.settle(store, settlements)
        store.flush()
        for s in settlements:
            if isinstance(s.verdict, Delivered) and DICE.random() < SHARE:
                repairing.resend(store, s.claim.delivery, s.at)

    writer.settle = once_more  # type: ignore[attr-defined] # the name by which the writer knows it


def overtakes() -> None:
    """The newest of a subject goes first."""
    files.RULES = files.RULES.replace("overtaken = 0 ORDER BY id", "overtaken = 0 ORDER BY -id")


FAULTS: dict[str, Callable[[], None]] = {"forgets": forgets, "repeats": repeats, "overtakes": overtakes}

if __name__ == "__main__":
    FAULTS[sys.argv[1]]()
    sys.exit(serve(load(os.environ, Path.cwd())))
