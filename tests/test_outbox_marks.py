"""What the marks of deliveries promise to whoever searches the log. Law: pure, but for the file of an older version."""

from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_rig import HOOK, NAME, NOON, SECOND, check_file, claims, running

from sidecar.model import Counts, Query
from sidecar.outboxes.sqlite import files, marks
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.marks import BLOCK

few = st.integers(1, 3)
about = st.sampled_from(["octocat/a", "octocat/b", "", "é"])


@given(st.lists(st.tuples(few, about), min_size=1, max_size=40), st.integers(1, 2 * BLOCK), few | st.none(), about)
def test_a_search_by_marks_misses_nothing_and_is_newest_first(
    added: list[tuple[int, str]], first: int, endpoint: int | None, subject: str
) -> None:
    kept: dict[int, bytes] = {}
    for number, (to, what) in enumerate(added, first):
        marks.put(kept, number, marks.mark(to, what))
    found = [
        block * BLOCK + place
        for block in sorted(kept, reverse=True)
        for place in marks.find(kept[block], endpoint=endpoint, subject=subject)
    ]
    wanted = [n for n, (to, what) in enumerate(added, first) if endpoint in (None, to) and what == subject]
    assert [number for number in found if number in wanted] == wanted[::-1]
    assert found == sorted(found, reverse=True)


def test_a_whole_block_fits_a_page_of_the_file() -> None:
    assert BLOCK * marks.SIZE < 4096 - 64


OLD = """
INSERT INTO endpoints (id, name, health, pending, delivered, dead) VALUES (1, 'hook', x'7b7d', 2, 0, 1);
UPDATE totals SET owed = 4, event = 703, delivery = 703, written = 1800000000000;
INSERT INTO events VALUES (701, 'a', 'drone', 'build:created', 'octocat/a', x'00', 1800000000000, '', '', 2, 1, 0),
  (702, 'b', 'drone', 'build:created', 'octocat/b', x'00', 1800000000000, '', '', 2, 0, 1800000000000),
  (703, 'c', 'drone', 'build:created', 'octocat/a', x'00', 1800000000000, '', '', 2, 1, 0);
INSERT INTO bodies VALUES (701, x'7b7d'), (702, x'7b7d'), (703, x'7b7d');
INSERT INTO deliveries VALUES
  (701, 701, 1, 11, 0, 0, 0, 0, 0, 1800000000000, 1800000000000, 0, 0, ''),
  (702, 702, 1, 12, 2, 0, 1, 1, 0, 1800000000000, 1800000000000, 1800000000000, 422, 'refused'),
  (703, 703, 1, 11, 0, 0, 0, 0, 0, 1800000000000, 1800000000000, 0, 0, '');
INSERT INTO lanes (id, endpoint, head, ready_at) VALUES (11, 1, 701, 1800000000000);
"""


def old_file(folder: Path) -> None:
    """As version 1 of the schema left it."""
    db = apsw.Connection(str(folder / NAME))
    db.execute("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL")
    db.execute(Path(files.__file__).with_name("schema.sql").read_text("utf-8"))
    db.execute(f"PRAGMA application_id = {files.SCHEMA.application}; PRAGMA user_version = 1")
    db.execute(OLD)
    db.close()


async def test_a_file_of_the_first_version_is_upgraded_in_place_and_loses_nothing(tmp_path: Path) -> None:
    old_file(tmp_path)
    async with running(tmp_path) as outbox:
        assert (await outbox.counts())[HOOK] == Counts(2, 0, 1, NOON)
        for query, numbers in (
            (Query(), [703, 702, 701]),
            (Query(subject="octocat/a"), [703, 701]),
            (Query(subject="octocat/b", endpoint=HOOK), [702]),
            (Query(state="dead"), [702]),
            (Query(state="pending"), [703, 701]),
        ):
            assert [row.id for row in await outbox.deliveries(query)] == numbers, query
        assert [claim.event.id for claim in await claims(outbox)] == ["a"]
        assert await outbox.expire(HOOK, NOON + 1, NOON + SECOND, 10) == [703]
    check_file(tmp_path)
    async with running(tmp_path) as outbox:
        assert [row.id for row in await outbox.deliveries(Query(subject="octocat/a"))] == [703, 701]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (sql.LOG.format(source=sql.THESE, where="true", order="these.key"), "SEARCH d USING INTEGER PRIMARY KEY"),
        (sql.LOG.format(source=sql.ALL, where="d.id BETWEEN 1 AND 9", order="d.id DESC"), "SEARCH d USING INTEGER"),
        (sql.OF_EVENT, "SEARCH d USING COVERING INDEX deliveries_event"),
        (sql.PENDING.format(overtaken=0), "USING COVERING INDEX deliveries_pending (endpoint=? AND overtaken=? AND"),
        (sql.DEAD, "USING COVERING INDEX deliveries_dead (endpoint=? AND rowid"),
        (sql.ACCEPTED, "SEARCH d USING INTEGER PRIMARY KEY"),
        (sql.MARKS, "SEARCH marks USING INTEGER PRIMARY KEY"),
    ],
)
async def test_no_way_into_the_log_sorts_or_reads_through_all_of_it(tmp_path: Path, statement: str, found: str) -> None:
    async with running(tmp_path):
        pass
    db = files.open_reader(tmp_path, "")
    given = [1] * statement.count("?") if "?" in statement else {"ids": "[1]", "limit": 1}
    plan = [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", given)]
    db.close()
    assert any(found in line for line in plan), plan
    assert not [line for line in plan if "SCAN d" in line or ("TEMP B-TREE" in line and "json_each" not in statement)]
