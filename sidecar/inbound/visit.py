"""What is known of a request while it is looked at. Law: it becomes the entry in the log of hooks, so it never holds a
secret, a header's value but the forge's own names, or anything of a body."""

from dataclasses import dataclass
from typing import Self

from aiohttp import web
from msgspec import structs

from sidecar.incoming import Hook, HookRoute


@dataclass(slots=True)
class Visit:
    """The entry so far; `why` is the reason where the log may know more than whoever posts."""

    hook: Hook
    why: str = ""

    @classmethod
    def of(cls, request: web.Request, now: int) -> Self:
        """Of a request of which nothing is known."""
        route: HookRoute = "drone" if request.path.startswith("/hooks/") else "webhooks"
        return cls(Hook(at=now, route=route, outcome="refused", status=0, address=request.remote or ""))

    def learn(self, **facts: object) -> None:
        """Fields of `Hook`."""
        self.hook = structs.replace(self.hook, **facts)


VISIT = web.RequestKey("visit", Visit)
