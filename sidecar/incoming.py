"""The nouns of webhooks that come in, as they are kept: projects with their keys, build numbers, and what came.

Law: frozen values and nothing else. A secret has no repr. Times are ms since the epoch.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from sidecar.model import Secret
from sidecar.projects import Once, Package, Project

HookRoute = Literal["webhooks", "drone"]
HookOutcome = Literal["built", "relayed", "nothing", "refused"]


class Grant(Struct, frozen=True):
    """A secret of a project, and until when it is good (`FAR`: until another takes its place)."""

    secret: Secret
    until: int


class Registered(Struct, frozen=True):
    """A project with all that is kept of it.

    Attributes:
        packages: by name, in its order.
        grants: newest first.
        forge_keys: by forge, keys that the forge made, newest first.
    """

    project: Project
    packages: tuple[Package, ...] = ()
    grants: tuple[Grant, ...] = ()
    forge_keys: Mapping[str, tuple[Secret, ...]] = {}

    def secrets(self, now: int) -> tuple[Secret, ...]:
        """Those that are good at `now`, newest first."""
        return tuple([grant.secret for grant in self.grants if grant.until > now])


class Wanted(Struct, frozen=True):
    """A build to be numbered.

    Attributes:
        key: of what is built for it: the same within its time has the same number.
        once: what tells of the same thing in another delivery has the same.
    """

    package: str
    key: Once
    once: Once | None = None


class Numbered(Struct, frozen=True):
    """A build's number, counted per package from 1.

    Attributes:
        key: that it was first wanted under.
        at: when that was.
    """

    package: str
    number: int
    key: str
    at: int


class Hook(Struct, frozen=True, kw_only=True):
    """An incoming webhook, as kept.

    Attributes:
        id: rising; 0 before it is kept.
        at, last_at: when it came, and when it came again the last time.
        times: how often it came; refusals that are alike count as one.
        project, package: that the URL names.
        kind: what the forge tells of: `push`, `pull request`, `build:updated`.
        delivery: the forge's id of it.
        signature: what was found of the forge's signature, for a person.
        reason: why nothing was built, or it was refused; "" where something came of it.
        answer: the JSON that it was answered with.
        key: what comes again has the same; b"" for what may come again.
    """

    at: int
    route: HookRoute
    outcome: HookOutcome
    status: int
    id: int = 0
    last_at: int = 0
    times: int = 1
    project: str = ""
    package: str = ""
    forge: str = ""
    kind: str = ""
    delivery: str = ""
    signature: str = ""
    address: str = ""
    reason: str = ""
    answer: bytes = b""
    key: bytes = b""
