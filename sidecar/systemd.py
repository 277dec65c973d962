"""What systemd hands us and wants to hear: sockets that listen already, that we are ready, that we are alive.

Law: without its variables nothing is done. A message never blocks and never fails the process. The watchdog is fed only
by who has just seen the event loop turn and the outbox write. Sources: sd_notify(3), sd_listen_fds(3),
sd_watchdog_enabled(3).
"""

import asyncio
import fcntl
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress

from sidecar.errors import NoSpace, Occupied
from sidecar.ports import Clock

FIRST = 3
"""The first descriptor that is handed over."""


class Notifier:
    """Tells systemd how the process is; without an address it says nothing.

    Args:
        address: of `NOTIFY_SOCKET`: a path, or `@` and the name of an abstract socket; "" for none.
    """

    def __init__(self, address: str = "") -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def tell(self, **states: str) -> None:
        """`tell(READY="1", STATUS="…")`; what cannot be sent now is not sent."""
        if not self._address.startswith(("/", "\0")):
            return
        text = "\n".join(f"{name}={value}" for name, value in states.items())
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(0)
            out.sendto(text.encode(), self._address)


def notifier(environ: Mapping[str, str]) -> Notifier:
    """For `NOTIFY_SOCKET`."""
    return Notifier(environ.get("NOTIFY_SOCKET", ""))


def watchdog(environ: Mapping[str, str], pid: int) -> int:
    """ms within which systemd wants to hear that we are alive; 0 where it does not."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return 0
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) // 1000 if text.isdecimal() else 0


async def feed(say: Notifier, period: int, alive: Callable[[], Awaitable[object]], clock: Clock) -> None:
    """Say `WATCHDOG=1` at least twice in `period` ms, each time once `alive()` has returned; without end."""
    while True:
        with suppress(NoSpace):  # who can say so is alive, and to start anew frees no disk
            await alive()
        say.tell(WATCHDOG="1")
        await clock.wait(asyncio.Event(), clock.now() + max(1, period // 3))


def sockets(environ: Mapping[str, str], pid: int, known: Collection[str]) -> dict[str, socket.socket]:
    """The sockets that systemd handed over, by name: those of `LISTEN_FDNAMES`, and `socket` for one that is a unix
    socket, whatever its unit calls it.

    Raises:
        Occupied: one of them is no stream socket that listens, two have one name, or a name is not `known`.
    """
    if environ.get("LISTEN_PID") != str(pid) or not environ.get("LISTEN_FDS", "").isdecimal():
        return {}
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, socket.socket] = {}
    for number in range(int(environ["LISTEN_FDS"])):
        one = _taken(FIRST + number)
        name = "socket" if one.family == socket.AF_UNIX else (names[number : number + 1] or ["unknown"])[0]
        if name in found:
            raise Occupied(f"systemd handed over two sockets named {name}: let each socket unit have one ListenStream")
        if name not in known:
            wanted = f"set FileDescriptorName in its unit to one of {', '.join(known)}"
            raise Occupied(f"systemd handed over a socket named {name!r}: {wanted}")
        found[name] = one
    return found


def _taken(descriptor: int) -> socket.socket:
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        one = socket.socket(fileno=descriptor)
        listening = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise Occupied(f"systemd handed over descriptor {descriptor}, which is no socket ({error.strerror})") from error
    if one.type != socket.SOCK_STREAM or not listening:
        raise Occupied(f"systemd handed over descriptor {descriptor}, which does not listen: use ListenStream")
    one.settimeout(0)
    return one
