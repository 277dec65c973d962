"""Does the log stay quick with a million deliveries kept, and do those who hand events in notice that someone reads it?

Law: a real process on a real file; each kind of look is asked several times, medians and the worst. What is compared
alternates within one run. The file is filled by SQL, because how it came about is not what is measured.
"""

import argparse
import contextlib
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import load
import uvloop
from backlog import ask
from road import peer, percentile, sidecar

from sidecar.outboxes.sqlite import marks
from sidecar.outboxes.sqlite.files import open_writer

START, STEP = 1_780_000_000_000, 100
EVENTS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO events SELECT i, printf('event-%d', i), 'drone', 'build:updated',
  printf('octocat/repo-%d', i * 7919 % 997), randomblob(16), :start + i * :step, '', '', 100, i % 1000 = 5,
  CASE WHEN i % 1000 = 5 THEN 0 ELSE :start + i * :step END
FROM n"""
BODIES = "INSERT INTO bodies SELECT seq, randomblob(100) FROM events"
DELIVERIES = """
INSERT INTO deliveries (id, seq, endpoint, lane, state, overtaken, attempts, tries, fault, due, owed_since, finished_at,
  status, reason)
SELECT seq, seq, CASE WHEN seq % 10000 = 7 THEN 3 ELSE 1 + seq % 2 END, abs(random()),
  CASE WHEN open THEN 0 WHEN seq % 5000 = 3 THEN 2 ELSE 1 END, 0, 1, 1, 0, accepted_at, accepted_at,
  finished_at, 204, ''
FROM events"""
ATTEMPTS = "INSERT INTO attempts SELECT id, 1, owed_since, 5000, 204, '', x'' FROM deliveries"
ENDPOINTS = """
INSERT INTO endpoints (id, name, health) VALUES (1, 'one', x'7b7d'), (2, 'two', x'7b7d'), (3, 'rare', x'7b7d')"""
COUNTERS = """
UPDATE endpoints SET (pending, delivered, dead) = (
  SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2)
  FROM deliveries WHERE endpoint = endpoints.id)"""
TOTALS = "UPDATE totals SET event = :count, delivery = :count, written = :start + :count * :step"


def fill(folder: Path, count: int) -> None:
    """`count` deliveries of 997 subjects to three endpoints, one of them rare; some pending, some dead."""
    db = open_writer(folder, "")
    with db:
        given = {"count": count, "start": START, "step": STEP}
        for statement in (EVENTS, BODIES, DELIVERIES, ATTEMPTS, ENDPOINTS, COUNTERS, TOTALS):
            known = {name: value for name, value in given.items() if f":{name}" in statement}
            db.execute(statement, known or None)
        marks.fill(db)
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    db.close()


def looks(count: int) -> dict[str, str]:
    """What somebody may ask, by what it is called here."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((START + count // 2 * STEP) / 1000))
    hour = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((START + count // 2 * STEP) / 1000 + 3600))
    return {
        "the newest": "",
        "from the middle": f"after={count // 2}",
        "1000 of them": "limit=1000",
        "an endpoint": "endpoint=one",
        "a rare endpoint": "endpoint=rare",
        "an endpoint there is not": "endpoint=none",
        "a subject": "subject=octocat/repo-7",
        "a subject there is not": "subject=octocat/none",
        "a subject at a rare endpoint": "subject=octocat/repo-7&endpoint=rare",
        "pending": "state=pending",
        "delivering": "state=delivering",
        "delivered": "state=delivered",
        "delivered, rare endpoint": "state=delivered&endpoint=rare",
        "dead": "state=dead",
        "dead, an endpoint": "state=dead&endpoint=one",
        "dead, a subject": "state=dead&subject=octocat/repo-7",
        "pending, a subject": "state=pending&subject=octocat/repo-7",
        "an event": f"event=event-{count // 3}",
        "since the middle": f"since={at}",
        "an hour in the middle": f"since={at}&until={hour}",
        "dead, before the middle": f"state=dead&until={at}",
    }


def looked(path: str, count: int, rounds: int) -> list[tuple[str, float, float]]:
    """Each look's name with the median and the worst of its times, in ms."""
    times: dict[str, list[float]] = {name: [] for name in looks(count)}
    for _ in range(rounds):
        for name, query in looks(count).items():
            began = time.perf_counter()
            ask(path, "GET", f"/deliveries?{query}")
            times[name].append((time.perf_counter() - began) * 1e3)
    return [(name, statistics.median(took), max(took)) for name, took in times.items()]


@contextlib.contextmanager
def paging(path: str, *, really: bool) -> Iterator[None]:
    """Meanwhile somebody pages through the log, a page every 50 ms."""
    over = threading.Event()

    def page() -> None:
        after = None
        while not over.wait(0.05):
            told = json.loads(ask(path, "GET", "/deliveries" + (f"?after={after}" if after else "")))
            after = told["next"]

    thread = threading.Thread(target=page)
    if really:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if really:
            thread.join()


def injected(path: str, events: int, rounds: int) -> tuple[float, float]:
    """The p99 of what a caller waits, in ms: alone, and while somebody pages; medians."""
    waits: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for really in (False, True):
            with paging(path, really=really):
                took = uvloop.run(load.singly(path, load.made(events), connections=8))
            waits[really].append(percentile(took, 0.99) * 1e3)
    return statistics.median(waits[False]), statistics.median(waits[True])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--deliveries", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    settings = {"SIDECAR_MAX_OUTBOX_SIZE": "64GiB", "SIDECAR_RETENTION": "365d", "SIDECAR_MAX_AGE": "365d"}
    with tempfile.TemporaryDirectory(dir=".") as folder, peer(str(Path(__file__).parent / "receiver.py")) as receiver:
        fill(Path(folder), given.deliveries)
        with sidecar(int(receiver.hear()), folder, **settings):
            path = str(Path(folder, "sidecar.sock"))
            found = looked(path, given.deliveries, given.rounds)
            alone, beside = injected(path, given.events, given.rounds)
    print(f"{given.deliveries:,} deliveries kept; each look {given.rounds} times")
    for name, median, worst in found:
        print(f"  {name:30} {median:7.1f} ms   worst {worst:7.1f} ms")
    told = f"alone {alone:.2f} ms, while somebody pages through {beside:.2f} ms, ratio {beside / alone:.2f}"
    print(f"  acknowledged, p99 of {given.events:,} singly, {given.rounds} alternating rounds: {told}")


if __name__ == "__main__":
    main()
