"""The connection that writes, with what the engine remembers beside its tables.

Law: used on the writer's thread alone, inside its transaction; nothing here commits. `Memory` is put back by the
writer when a transaction fails, so that tables and memory never disagree.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

import apsw
import msgspec

from sidecar.model import Claim, Health
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.recent import Recent

PENDING, DELIVERED, DEAD = 0, 1, 2

Row = Sequence[str | bytes | int | None]
Counters = tuple[int, int, int]
"""Deliveries of an endpoint: pending, delivered, dead."""

NOTHING: Counters = (0, 0, 0)

ARRIVING, OWING, ENDING, FAILING, ENDPOINT, HEALTH, COUNT, MARKS, TOTALS = range(1, 10)
"""What can happen, as rules.sql numbers it."""

WIDTH = 14
"""Columns of `happening`."""

SIZES = (4, 8, 16, 32, 64, 128, 256, 384)
"""Rows of a statement, of which those that are too many do nothing. SQLite compiles one for each, at the start, because
that takes as long as a commit; a longer text the connection would not keep."""

PADDING = [(None,) * (WIDTH - columns) for columns in range(WIDTH + 1)]


@dataclass(slots=True)
class Memory:
    """`incoming`: bytes that the transaction adds to those owed. `claimed`: endpoint -> lane -> delivery, what is taken
    and not yet settled. `holding`: endpoints that may have holds, and when on its flow clock the first may be over.
    `marks`: the last block."""

    totals: dict[str, int] = field(default_factory=dict)
    incoming: int = 0
    counts: dict[int, Counters] = field(default_factory=dict)
    claimed: dict[int, dict[int, int]] = field(default_factory=dict)
    health: dict[int, Health] = field(default_factory=dict)
    holding: dict[int, int] = field(default_factory=dict)
    marks: dict[int, bytes] = field(default_factory=dict)

    def copy(self) -> "Memory":
        """A copy for putting back; as cheap as the number of endpoints and of attempts in flight."""
        claimed = {endpoint: dict(lanes) for endpoint, lanes in self.claimed.items() if lanes}
        health, holding, marks = dict(self.health), dict(self.holding), dict(self.marks)
        return Memory(dict(self.totals), self.incoming, dict(self.counts), claimed, health, holding, marks)


@dataclass(slots=True)
class Store:
    """`hold` in ms; `order` is `subject` or `none`; `max_size` in bytes owed. `standing`: endpoints with a standing
    claim. `woken`, `handed`: who is to be told once what happened is written. `rows`: what happened and is not written
    yet. `stale`: what is owed has changed in the tables."""

    db: apsw.Connection
    hold: int
    order: str
    max_size: int
    memory: Memory = field(default_factory=Memory)
    ids: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    recent: Recent = field(default_factory=Recent)
    standing: set[str] = field(default_factory=set)
    woken: set[str] = field(default_factory=set)
    handed: dict[str, list[Claim]] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    stale: bool = False

    def load(self) -> None:
        """Read from the tables what is kept in memory; make ready what will be needed."""
        for size in SIZES:
            self.db.execute(_happen(size), [None] * (size * WIDTH))
        for statement, nothing in sql.SOON_NEEDED:
            self.db.execute(statement, nothing)
        owed, event, delivery, written = next(iter(self.db.execute(sql.TOTALS)))
        self.memory.totals = {"owed": owed, "event": event, "delivery": delivery, "written": written}
        self.memory.holding = {endpoint: 0 for (endpoint,) in self.db.execute(sql.HOLDING)}
        self.memory.marks = dict(self.db.execute(sql.LAST_MARKS))
        for id_, name, health, *counts in self.db.execute(sql.ENDPOINTS):
            self.ids[name], self.names[id_] = id_, name
            self.memory.counts[id_] = (counts[0], counts[1], counts[2])
            self.memory.health[id_] = msgspec.json.decode(health, type=Health)

    def happen(self, what: int, *row: str | bytes | int | None) -> None:
        """To be written by the next `flush`; `row` as the view of rules.sql has it."""
        self.rows.append((what, *row, *PADDING[len(row) + 1]))
        self.stale |= what == ENDING

    @property
    def one_step(self) -> bool:
        """Whether what happened, and what `save` adds to it, goes into one statement, which is then whole or not at
        all."""
        return len(self.rows) + len(self.changed) + len(self.memory.marks) < SIZES[-1]

    def flush(self) -> None:
        """Write what happened, in few steps."""
        rows, self.rows = self.rows, []
        for start in range(0, len(rows), SIZES[-1]):
            part = rows[start : start + SIZES[-1]]
            size = SIZES[bisect_left(SIZES, len(part))]
            part += [PADDING[0]] * (size - len(part))
            self.db.execute(_happen(size), list(chain.from_iterable(part)))

    def save(self, now: int) -> None:
        """Write all that happened, with totals and changed counters; the last step before a commit, or all of it."""
        totals = self.memory.totals
        totals["written"] = max(now, totals["written"])
        for id_ in self.changed:
            self.happen(COUNT, id_, *self.memory.counts[id_])
        self.happen(TOTALS, self.memory.incoming, totals["event"], totals["delivery"], totals["written"])
        self.changed.clear()
        self.memory.incoming = 0
        self.flush()

    def owes(self, size: int) -> None:
        """`size` bytes are owed more than before."""
        self.memory.incoming += size
        self.memory.totals["owed"] += size

    def look(self) -> None:
        """See what is owed, where that is not known."""
        if self.stale:
            (written,) = next(iter(self.db.execute(sql.OWED)))
            self.memory.totals["owed"] = written + self.memory.incoming
            self.stale = False

    def endpoint(self, name: str) -> int:
        """The number of an endpoint, given out when it is first heard of."""
        known = self.ids.get(name)
        if known is None:
            known = self.ids[name] = max(self.names, default=0) + 1
            self.names[known] = name
        if known not in self.memory.counts:
            self.memory.counts[known] = NOTHING
            self.memory.health[known] = Health()
            self.happen(ENDPOINT, known, name, msgspec.json.encode(Health()))
        return known

    def lane(self, endpoint: int, subject: str, delivery: int) -> int:
        """The lane a delivery queues in: 63 bits of a hash, so that it needs no look-up. Two subjects that ever met
        there would share their order, nothing else."""
        own = subject if self.order == "subject" else f"{subject}\0{delivery}"
        digest = hashlib.blake2b(f"{endpoint}\0{own}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1

    def lanes_in_flight(self, endpoint: int) -> str:
        """JSON array of the lanes from which something is claimed."""
        return json.dumps(list(self.memory.claimed.get(endpoint, ())))

    def in_flight(self, endpoint: int) -> str:
        """JSON array of the deliveries that are claimed."""
        return json.dumps(list(self.memory.claimed.get(endpoint, {}).values()))

    def count(self, endpoint: int, *, pending: int = 0, delivered: int = 0, dead: int = 0) -> None:
        old = self.memory.counts[endpoint]
        self.memory.counts[endpoint] = (old[0] + pending, old[1] + delivered, old[2] + dead)
        self.changed.add(endpoint)

    def save_marks(self) -> None:
        """Write the blocks that deliveries were added to; only the last stays in memory."""
        for block, marks in self.memory.marks.items():
            self.happen(MARKS, block, marks)
        last = max(self.memory.marks)
        self.memory.marks = {last: self.memory.marks[last]}

    def reset_heads(self, lanes: Iterable[int]) -> None:
        """Find anew what stands at the head of each lane; forget lanes that are done with."""
        self.db.execute(sql.TOUCH, (json.dumps(sorted(set(lanes))),))

    def save_health(self, endpoint: int, health: Health) -> None:
        """Keep it, unless a later one is kept already: verdicts and changes by hand meet in one commit in any order."""
        if health.version < self.memory.health[endpoint].version:
            return
        self.memory.health[endpoint] = health
        self.happen(HEALTH, endpoint, msgspec.json.encode(health))


def token(claim: Claim) -> tuple[int, int, int]:
    """Endpoint, lane and event number."""
    assert isinstance(claim.token, tuple)
    return claim.token


@cache
def _happen(rows: int) -> str:
    return sql.HAPPEN + ",".join([f"({','.join('?' * WIDTH)})"] * rows)
