"""Where requests come in: sockets that systemd handed over, or our own. Law: what is handed over wins over the setting,
and stays when we end."""

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import structlog

from sidecar import systemd, tcpsocket, unixsocket
from sidecar.settings import Settings, split_address

log = structlog.get_logger()

Handed = Mapping[str, socket.socket]
"""Sockets that systemd made, by what they are for."""


def handed_over() -> Handed:
    """What systemd handed over. Raises `Occupied` where that cannot be used."""
    return systemd.sockets(os.environ, os.getpid(), ("socket", "admin", "inbound"))


def local(stack: AsyncExitStack, settings: Settings, handed: Handed) -> socket.socket:
    """The local socket: systemd's, which stays when we end, or one of our own."""
    if given := handed.get("socket"):
        stack.callback(given.close)
        if given.getsockname() != settings.socket:
            where = f"systemd listens at {given.getsockname()}, and commands look at {settings.socket}"
            log.warning("config.warning", detail=f"{where}: set SIDECAR_SOCKET to what ListenStream has")
        return given
    listener = unixsocket.listen(settings.socket, settings.socket_mode)
    stack.callback(listener.close)
    stack.callback(unixsocket.unlink_own, settings.socket, listener)
    return listener


def tcp(handed: Handed, name: str, address: str, setting: str) -> Sequence[socket.socket]:
    """What systemd handed over by this name, or listeners of our own at `address`; none where it is off."""
    if name in handed:
        return (handed[name],)
    if not address:
        return ()
    host, port = split_address(address)
    return tcpsocket.listen(host, int(port), setting=setting)
