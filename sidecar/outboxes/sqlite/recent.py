"""Events that have just come in, for those who will claim them in a moment: what is in memory need not be read again.

Law: a copy of what is on disk, never anything else; forgotten whenever in doubt. It has a bound.
"""

from sidecar.model import Event

BOUND = 8 * 2**20
"""Bytes of bodies kept. Where more comes in than goes out, all is forgotten: so what nobody claims does not stay."""


class Recent:
    """Each event is kept until all that it owes has been claimed once."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._size = 0
        self._events: dict[int, tuple[Event, int]] = {}

    def keep(self, seq: int, event: Event, claims: int) -> None:
        """`seq`: the event's number; `claims`: how often it will be asked for."""
        self._size += len(event.body)
        if self._size > self._bound:
            self.forget()
            return
        self._events[seq] = event, claims

    def take(self, seq: int) -> Event | None:
        """The event, where it is still here."""
        kept = self._events.get(seq)
        if kept is None:
            return None
        event, claims = kept
        if claims > 1:
            self._events[seq] = event, claims - 1
        else:
            del self._events[seq]
            self._size -= len(event.body)
        return event

    def forget(self) -> None:
        """All of them."""
        self._events.clear()
        self._size = 0
