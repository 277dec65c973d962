"""Names to addresses.

Law: a name that is slow to resolve holds up nobody but its own endpoint: each lookup in flight has a thread of its own,
and there is at most one for each name. (The event loop's own lookups share few threads.)
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

KEEP = 10.0
"""Seconds for which an answer is kept; so long may it take until a changed address is followed."""

_LITERAL = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

Found = list[ResolveResult]
Key = tuple[str, int, socket.AddressFamily]


class Names(AbstractResolver):
    """The system's resolver, with a short memory.

    Args:
        lookup: blocking, as `socket.getaddrinfo`.
        keep: seconds.
    """

    def __init__(self, lookup: Callable[..., Any] = socket.getaddrinfo, keep: float = KEEP) -> None:
        self._lookup = lookup
        self._keep = keep
        self._answers: dict[Key, asyncio.Future[Found]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AddressFamily.AF_UNSPEC
    ) -> Found:
        key = (host, port, family)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._ask(key)
        return await asyncio.shield(answer)

    async def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._answers.clear()

    def _ask(self, key: Key) -> asyncio.Future[Found]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        asking = threading.Thread(target=self._look_up, args=(loop, answer, key), name="dns", daemon=True)
        try:
            asking.start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, "no thread to look up a name with") from error
        self._answers[key] = answer
        answer.add_done_callback(lambda done: self._keep_for_a_while(key, done))
        return answer

    def _keep_for_a_while(self, key: Key, answer: asyncio.Future[Found]) -> None:
        if self._answers.get(key) is not answer:
            return
        if answer.exception() is not None:
            del self._answers[key]
        else:
            self._timers[key] = asyncio.get_running_loop().call_later(self._keep, self._forget, key)

    def _forget(self, key: Key) -> None:
        del self._answers[key], self._timers[key]

    def _look_up(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Found], key: Key) -> None:
        """In a thread. Where the loop has ended meanwhile, nobody wants to know any more."""
        tell: Callable[[], None]
        try:
            tell = partial(answer.set_result, self._found(*key))
        except Exception as error:  # noqa: BLE001 - an answer that never came would be waited for by every attempt to come
            tell = partial(answer.set_exception, error)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)

    def _found(self, host: str, port: int, family: socket.AddressFamily) -> Found:
        try:
            infos = self._lookup(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, "not the name of a host") from error
        if not infos:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return [
            ResolveResult(hostname=host, host=_text(address), port=port, family=kind, proto=0, flags=_LITERAL)
            for kind, _, _, _, address in infos
        ]


def _text(address: tuple[Any, ...]) -> str:
    """A link-local address is nothing without its scope (RFC 4007, 11)."""
    scope = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])
