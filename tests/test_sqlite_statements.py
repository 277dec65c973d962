"""Statements are compiled at the start, and not while somebody waits. Law: the real engine, on real files; SQLite and
apsw themselves tell what is compiled."""

from pathlib import Path

import apsw
from sqlite_rig import HOLD, HOOK, NOON, posting, running, settlement

from sidecar.model import Delivered
from sidecar.outboxes.sqlite import files
from sidecar.outboxes.sqlite.adding import add
from sidecar.outboxes.sqlite.claiming import claim, holds_over
from sidecar.outboxes.sqlite.store import NEEDED, Store


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


async def test_what_is_seldom_needed_is_still_compiled_after_thousands_of_other_statements(tmp_path: Path) -> None:
    """What fails, is held, expires or comes in large numbers must not wait for it, least of all when a neighbour's
    endpoint begins to fail. A connection drops what was not among its last uses."""
    async with running(tmp_path) as outbox:
        for number in range(files.STATEMENTS):  # of which each takes three statements at the least
            await outbox.add([posting(f"e{number}")])
            for one in (await outbox.claim(HOOK, 1, NOON, 1)).claims:
                await outbox.settle(settlement(one, Delivered()))
        kept = outbox._store.db.cache_stats(include_entries=True)["entries"]  # type: ignore[attr-defined] # SQLite's
    assert {statement for statement, _ in NEEDED} <= {entry["query"] for entry in kept}
