"""Chunks in, lines out. Law: never more is held back than one line may have; a longer one is skipped to its end."""


class Lines:
    """Cuts a stream of bytes at its newlines. A line is bytes, or None where it is longer than `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that end in `chunk`, without their newlines."""
        pieces: list[bytes | None] = []
        first, *more = chunk.split(b"\n")
        self._hold(first)
        if more:
            last = more.pop()
            pieces = [self._let_go(), *more]
            self._hold(last)
        if len(chunk) > self._limit:
            return [piece if piece is None or len(piece) <= self._limit else None for piece in pieces]
        return pieces

    def end(self) -> list[bytes | None]:
        """What stands behind the last newline, if anything does."""
        return [self._let_go()] if self._rest or self._skipping else []

    def _hold(self, piece: bytes) -> None:
        if self._skipping or len(self._rest) + len(piece) > self._limit:
            self._skipping = True
            self._rest.clear()
        else:
            self._rest += piece

    def _let_go(self) -> bytes | None:
        line = None if self._skipping else bytes(self._rest)
        self._rest.clear()
        self._skipping = False
        return line
