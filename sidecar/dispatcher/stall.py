"""The disk is so full that a verdict could not be written. Law: while one waits for that, no attempt starts
anywhere."""

from collections.abc import Callable

import structlog

log = structlog.get_logger()


class Stall:
    """Counts the verdicts that wait; `watch` hears when the last of them is written."""

    def __init__(self) -> None:
        self._waiting = 0
        self._over: Callable[[], None] = lambda: None

    def watch(self, over: Callable[[], None]) -> None:
        self._over = over

    @property
    def on(self) -> bool:
        return self._waiting > 0

    def begin(self, detail: str) -> None:
        if not self._waiting:
            log.error("outbox.no_space", detail=detail)
        self._waiting += 1

    def end(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._over()
