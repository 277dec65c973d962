"""Connections that wait for their target's next request, and the time that is left for those under way.

Law: nothing is done for each request that can be done for many: one timer serves all the attempts at a target, another
all its idle connections.
"""

import asyncio

from aiohttp.connector import Connection


class Kept:
    """Idle connections to one target, for `keep` seconds each. The last one put in is the first to come out."""

    def __init__(self, keep: float = 15) -> None:
        self._loop = asyncio.get_running_loop()
        self._keep = keep
        self._idle: list[tuple[Connection, float]] = []
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> Connection | None:
        """One that is still open; None for none."""
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.protocol is not None and connection.protocol.is_connected():
                return connection
            connection.close()
        return None

    def put(self, connection: Connection) -> None:
        self._idle.append((connection, self._loop.time()))
        if self._timer is None:
            self._timer = self._loop.call_later(self._keep, self._sweep)

    def close(self) -> None:
        """End them all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection, _ in self._idle:
            connection.close()
        self._idle.clear()

    def _sweep(self) -> None:
        """End those that have waited too long, and come again for the others."""
        now = self._loop.time()
        old = sum(since + self._keep <= now for _, since in self._idle)
        for connection, _ in self._idle[:old]:
            connection.close()
        del self._idle[:old]
        self._timer = self._loop.call_at(self._idle[0][1] + self._keep, self._sweep) if self._idle else None


class Deadline:
    """`with` it, an attempt has `seconds`. As all have the same, they run out in the order they began, and one timer
    waits for the first. A task makes one attempt at a time; it is told what `asyncio.timeout` would tell it."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._until: dict[asyncio.Task[object], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Time runs for the current task."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._until[task] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Raises `TimeoutError` where its time was over, and nobody else has cancelled the task."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        if self._until.pop(task, None) is None and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self) -> None:
        """Cancel those whose time is over; come again for the next."""
        self._timer = None
        for task, until in list(self._until.items()):
            if until > self._loop.time():
                self._timer = self._loop.call_at(until, self._look)
                return
            del self._until[task]
            task.cancel()
