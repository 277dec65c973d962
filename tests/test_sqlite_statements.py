"""When statements are compiled. Law: the real engine, on a real file; SQLite itself tells what it compiles."""

from pathlib import Path

import apsw
from sqlite_rig import HOLD, HOOK, NOON, posting

from sidecar.outboxes.sqlite import files
from sidecar.outboxes.sqlite.adding import add
from sidecar.outboxes.sqlite.claiming import claim, holds_over
from sidecar.outboxes.sqlite.store import Store


def test_a_claim_is_not_compiled_anew_for_another_moment(tmp_path: Path) -> None:
    """SQLite would, for each value that a partial index might depend on; while it compiles, it asks what it may do."""
    db = files.open_writer(tmp_path, "")
    store = Store(db, HOLD, "subject", 2**30)
    store.load()
    add(store, [[posting(f"e{number}")] for number in range(9)])
    store.save(NOON)
    asked: list[int] = []

    def ask(what: int, *_: str | None) -> int:
        asked.append(what)
        return apsw.SQLITE_OK

    db.authorizer = ask  # from here on, what was compiled before no longer counts
    assert claim(store, HOOK, 3, NOON, 1).claims
    store.memory.holding.clear()
    holds_over(store, HOOK, 1)
    first = len(asked)
    assert claim(store, HOOK, 4, NOON + 1, 2).claims
    store.memory.holding.clear()
    holds_over(store, HOOK, 2)
    assert len(asked) == first > 0
    db.close()
