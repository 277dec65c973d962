"""The gate that events pass, whichever way they come. Law: once drained it stays closed."""

from sidecar.errors import Unavailable

DRAINING = "the sidecar is stopping and takes no more events"


class Gate:
    """Whether events are taken. Once drained it stays closed: the process is about to end."""

    def __init__(self) -> None:
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why no events are taken, a sentence for a person; empty while they are."""
        return self._reason

    def drain(self) -> None:
        self._reason = DRAINING

    def check(self) -> None:
        """Raises `Unavailable` where events are not taken."""
        if self._reason:
            raise Unavailable(f"{self._reason}: send it again to the next one", retry_after=5)
