"""SIGHUP: the settings are read again, and what may change while it runs does. Law: a fault changes nothing, and the
process goes on; every change is told, and so is what has to wait."""

import asyncio
from collections.abc import Callable

import structlog

from sidecar.errors import Misconfigured
from sidecar.settings import Change, Configuration

log = structlog.get_logger()


async def reload_whenever(
    asked: asyncio.Event, configuration: Configuration, configure: Callable[[Change], None]
) -> None:
    """Each time `asked` is set; never returns. `configure` takes all of it over at once, or raises `Misconfigured`
    and none; files are read on a thread, so that a slow disk holds up no delivery."""
    while True:
        await asked.wait()
        asked.clear()
        try:
            change = await asyncio.to_thread(configuration.again)
            configure(change)
        except Misconfigured as error:
            for fault in error.faults:
                log.error("config.kept", detail=fault)  # noqa: TRY400 - the sentence says it all
        except Exception:
            log.exception("config.failed")
        else:
            configuration.taken(change)
            _tell(change)


def _tell(change: Change) -> None:
    for endpoint, fields in change.changed.items():
        log.info("endpoint.reconfigured", endpoint=endpoint, fields=list(fields))
    for warning in change.warnings:
        log.warning("config.warning", detail=warning)
    for variable in change.pending:
        log.warning("config.pending", detail=f"{variable} changed: takes effect at the next start")
    log.info("config.reloaded", endpoints=len(change.changed), relay=change.relayed, pending=len(change.pending))
