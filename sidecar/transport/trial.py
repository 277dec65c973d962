"""One attempt under way.

Law: what is known of it when it breaks is kept here, so that a failure can say how far it came.
"""

from collections.abc import Mapping

from sidecar.transport.networks import Blocked
from sidecar.transport.targets import Target

READ = 16 * 1024
"""Bytes of an answer that are read."""

KEPT = 2 * 1024
"""Bytes of an answer that are kept."""

_LONGEST_RETRY_AFTER = 64


class Trial:
    """An attempt at `target`.

    Attributes:
        blocked: an address that its name led to, and that may not be connected to.
        dialled: a connection was begun for it; False while it goes over a kept one.
        status: 0 until an answer began.
        answer: its first bytes.
        read: how many bytes of it came.
    """

    __slots__ = ("answer", "blocked", "dialled", "read", "retry_after", "status", "target")

    def __init__(self, target: Target) -> None:
        self.target = target
        self.blocked: Blocked | None = None
        self.dialled = False
        self.status = 0
        self.retry_after = ""
        self.answer = b""
        self.read = 0

    @property
    def place(self) -> str:
        """The endpoint, and the way to it, as a person may see them."""
        place = self.target.place
        return f"{place} (through the proxy {self.proxy})" if self.target.proxy else place

    @property
    def proxy(self) -> str:
        proxy = self.target.proxy
        return f"{proxy.host_subcomponent}:{proxy.port}" if proxy else ""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer begins; `headers` know no case."""
        self.status = status
        self.retry_after = headers.get("Retry-After", "")[:_LONGEST_RETRY_AFTER]

    def hear(self, chunk: bytes) -> bool:
        """Whether there is more to be read."""
        self.read += len(chunk)
        if len(self.answer) < KEPT:
            self.answer += chunk[: KEPT - len(self.answer)]
        return self.read <= READ
