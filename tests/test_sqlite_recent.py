"""Events kept in memory between coming in and being claimed. Law: pure; what is forgotten is read from the tables."""

from engines import HOOK, Bench, every_engine

from sidecar.model import Event, fingerprint
from sidecar.outboxes.sqlite.recent import Recent

bench = every_engine


def event(name: str, size: int = 10) -> Event:
    return Event(name, "drone", "build:created", name, b"x" * size, fingerprint(name.encode()), 1)


def test_an_event_is_kept_until_all_that_it_owes_was_claimed() -> None:
    recent, it = Recent(100), event("a")
    recent.keep(1, it, 2)
    assert [recent.take(1), recent.take(1), recent.take(1)] == [it, it, None]


def test_no_more_is_kept_than_the_bound_and_room_comes_back() -> None:
    recent = Recent(100)
    for seq in range(1, 1000):
        recent.keep(seq, event(str(seq), 60), 1)
    assert sum(recent.take(seq) is not None for seq in range(1000)) <= 1
    recent.keep(2000, event("b", 60), 1)
    assert recent.take(2000) is not None


async def test_more_than_memory_keeps_is_claimed_whole(bench: Bench) -> None:
    """Of each event its own body, wherever it is read from."""
    bodies = {f"e{n}": b"%d" % n * 2**20 for n in range(10)}
    await bench.outbox.add([bench.posting(name, HOOK, subject=name, body=body) for name, body in bodies.items()])
    assert {c.event.id: c.event.body for c in await bench.claim()} == bodies
