"""What the operating system's signals ask for. Law: the first asks, the second takes no more for an answer."""

import asyncio
import os
import signal

import structlog

from sidecar import logs

log = structlog.get_logger()


def stop() -> asyncio.Future[str]:
    """Done at the first SIGTERM or SIGINT; the second one ends the process at once, with status 1."""
    loop = asyncio.get_running_loop()
    first: asyncio.Future[str] = loop.create_future()

    def stopping(name: str) -> None:
        if first.done():
            log.error("sidecar.killed", signal=name)
            logs.flush()
            os._exit(1)
        first.set_result(name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping, number.name)
    return first


def reload() -> asyncio.Event:
    """Set at each SIGHUP, also by one that came before and was kept waiting (`__main__`): it never ends anything."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return asked
