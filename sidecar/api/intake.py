"""What came becomes a posting, the posting becomes a promise, the promise an answer.

Law: nothing is called taken before the outbox has it on disk. What the outbox refuses is a value here, because in a
stream it is one line among many.
"""

from collections.abc import Sequence
from typing import Self

from aiohttp import web
from msgspec import Struct

from sidecar.api.parts import Parts
from sidecar.errors import Conflicting, NoSpace, NotAnEvent, NotFound, OutboxBroken, Problem
from sidecar.model import Added, Conflict, Event, Owed, Posting
from sidecar.web.problems import kind, refusal, too_large
from sidecar.web.reading import BLANK, traceparent

DEFAULT = "drone"
"""The dialect of a path that names none."""


class Answer(Struct, gc=False):
    """What a taken event is answered with. `duplicate`: it was taken before, and this time adds nothing."""

    id: str
    duplicate: bool
    deliveries: tuple[Owed, ...]


class Intake:
    """Takes events of one dialect as one request brings them; `traceparent` is the request's, "" for none."""

    def __init__(self, parts: Parts, dialect: str, traceparent: str = "") -> None:
        self._parts = parts
        self.dialect = parts.dialects[dialect]
        self._name = dialect
        self._limit = parts.max_event_size
        self._traceparent = traceparent

    @classmethod
    def of(cls, request: web.Request, parts: Parts, dialect: str) -> Self:
        """For a dialect that the request's path names. Raises `NotFound`."""
        if dialect not in parts.dialects:
            known = ", ".join(sorted(parts.dialects))
            raise NotFound(f"there is no dialect {dialect[:50]!r}; there is {known}")
        return cls(parts, dialect, traceparent(request))

    def posting(self, raw: bytes, now: int, key: str = "") -> Posting:
        """The event of `raw` with all that it owes. Raises a `Problem`, as `event` does."""
        id_ = key or self._parts.new_id(now)
        event = self._read(raw, now, key, id_)
        wants, audience = self.dialect.wants, self._parts.audience[self._name]
        owed = tuple([one.name for one in audience if not wants(event, one)])
        return Posting(event, owed, new=not key and event.id is id_)

    def event(self, raw: bytes, now: int, key: str = "") -> Event:
        """The event of `raw`; `key` is its id as the header names it. Raises a `Problem`."""
        return self._read(raw, now, key, key or self._parts.new_id(now))

    def _read(self, raw: bytes, now: int, key: str, id_: str) -> Event:
        raw = raw.strip(BLANK)
        if len(raw) > self._limit:
            raise too_large(self._limit)
        parts = self._parts
        event = self.dialect.read(
            raw,
            id=id_,
            now=now,
            instance=parts.instance,
            traceparent=self._traceparent,
        )
        if key and event.id != key:
            raise NotAnEvent("`id` and Idempotency-Key name the event differently: send one of them", pointer="/id")
        return event


async def store(parts: Parts, postings: Sequence[Posting]) -> Sequence[Answer | Problem]:
    """One answer for each posting, in order; the same problem for each where the outbox takes none of them."""
    try:
        parts.gate.check()
        added = await parts.outbox.add(postings)
    except (Problem, NoSpace, OutboxBroken) as error:
        problem = refusal(error)
        parts.observer.refused_for(kind(problem), len(postings))
        return [problem] * len(postings)
    if added:
        parts.observer.answered(postings[0].event.dialect, added)
        parts.observer.stored(postings, added)
    return [_answer(one) for one in added]


def _answer(added: Added) -> Answer | Problem:
    if isinstance(added, Conflict):
        return Conflicting(f"the id {added.event} is taken, by an event with another body", pointer="/id")
    return Answer(added.event, added.duplicate, added.deliveries)
