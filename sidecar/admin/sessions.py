"""Who has signed in with a browser.

Law: in memory alone, bounded, and gone after a while. A cookie names a session; a change needs beside it the session's
word, which only our own pages have (CSRF).
"""

import hmac
from collections.abc import Callable
from hashlib import sha256

from msgspec import Struct

from sidecar.ports import Clock

COOKIE = "sidecar_session"

LIFETIME = 12 * 3_600_000
"""ms after which one must sign in again."""

SESSIONS = 256
"""At once; one more ends the oldest."""


class Session(Struct, frozen=True):
    """`csrf` goes into every form; `until` in ms."""

    csrf: str
    until: int


class Sessions:
    """`new_token` makes a string that nobody can guess."""

    def __init__(self, clock: Clock, new_token: Callable[[], str]) -> None:
        self._clock = clock
        self._new_token = new_token
        self._known: dict[bytes, Session] = {}

    def begin(self) -> str:
        """A new session; what its cookie holds."""
        if len(self._known) >= SESSIONS:
            del self._known[next(iter(self._known))]
        name = self._new_token()
        self._known[_key(name)] = Session(self._new_token(), self._clock.now() + LIFETIME)
        return name

    def find(self, name: str) -> Session | None:
        """The session that a cookie names, while it lasts."""
        found = self._known.get(_key(name))
        if found is not None and self._clock.now() >= found.until:
            self.end(name)
            return None
        return found

    def end(self, name: str) -> None:
        self._known.pop(_key(name), None)


def is_word(session: Session, given: str) -> bool:
    """Whether a form has the session's word; in constant time."""
    return hmac.compare_digest(session.csrf.encode(), given.encode(errors="replace"))


def _key(name: str) -> bytes:
    """Looked up by digest, so that how long a look takes tells nothing of the name."""
    return sha256(name.encode(errors="replace")).digest()
