"""The nouns of replays: finished deliveries are owed again, by a job that goes step by step.

Law: as in model.py: frozen values and nothing else; times in ms since the epoch.
"""

from typing import Literal

from msgspec import Struct

ReplayState = Literal["running", "done", "cancelled"]


class Again(Struct, frozen=True):
    """Which finished deliveries are owed again: accepted from `since` until before `until` (0: any time), in one of
    `states`, and finished at `finished_by` or before, so that none is taken twice."""

    since: int
    until: int
    states: tuple[str, ...]
    finished_by: int


class Step(Struct, frozen=True):
    """One step of a replay to one endpoint: how many are owed again, the last number looked at, how much of the log
    was looked through (in thousandths), and whether that was all."""

    resent: int
    after: int
    share: int
    done: bool


class ReplayPart(Struct, frozen=True):
    """What a replay does for one endpoint, so far; as `Step`, with what went before."""

    endpoint: str
    since: int
    after: int = 0
    resent: int = 0
    share: int = 0
    done: bool = False


class Replay(Struct, frozen=True):
    """A job: finished deliveries are sent again.

    Attributes:
        endpoint: "" is each that was configured.
        since, until: bound the time of acceptance, 0 for none.
        healthy: each endpoint's own `since` is when it was last healthy.
        finished_at: 0 while it runs.
    """

    id: int
    endpoint: str
    since: int
    until: int
    healthy: bool
    states: tuple[str, ...]
    created_at: int
    state: ReplayState
    finished_at: int
    parts: tuple[ReplayPart, ...]
