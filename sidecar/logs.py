"""Logs: dotted names with facts as keys, one canonical line for each attempt, on standard output.

Law: never a body, a header, a secret, or the query of a URL. Every event's name stands in `EVENTS`, and
docs/reference/logs.md is generated from there.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

EVENTS: Mapping[str, str] = {
    "api.cut_off": "A client of the socket was cut off. `reason`.",
    "api.failed": "A request on the socket met a fault of ours; it was answered 500. `method`, `path`, `error`, "
    "`traceback`.",
    "api.not_http": "What came on the socket was no HTTP. `error`.",
    "api.listening": "The socket takes requests. `socket`.",
    "clock.jumped": "The system's clock leapt forward; ages wait an hour before they count. `detail`.",
    "config.notice": "Something in the environment was passed over on purpose. `detail`.",
    "config.warning": "The configuration is accepted, but look at it. `detail`.",
    "delivery.attempted": "One POST was made and judged: the canonical line. `event_id`, `name`, `delivery`, "
    "`endpoint`, "
    "`attempt`, `outcome` (status or reason), `duration_ms`, `verdict` (delivered, retry, dead), "
    "`next_ms` (of a retry), `reason` (of a dead one), `trace`.",
    "delivery.expired": "A delivery was older than SIDECAR_MAX_AGE, and is dead. `delivery`, `endpoint`.",
    "delivery.failed": "An attempt met a fault of ours and is made again later. `delivery`, `endpoint`, `error`.",
    "endpoint.failing": "The endpoint failed five times in a row: from now on one probe at a time. "
    "`endpoint`, `detail`.",
    "endpoint.paused": "Nothing is sent there until `sidecar resume`. `endpoint`, `detail`.",
    "endpoint.recovered": "The endpoint answers again; what waited is sent, gently. `endpoint`.",
    "endpoint.resumed": "Resumed by hand. `endpoint`.",
    "outbox.broken": "A write or an fsync failed for good; the process ends with status 1. `detail`.",
    "outbox.no_space": "The disk is full; events are refused, no attempt starts until verdicts "
    "can be written. `detail`.",
    "outbox.pruned": "Finished deliveries were forgotten, by age or for room. `events`.",
    "sidecar.draining": "SIGTERM or SIGINT: no more events are taken; what is in flight and due now is finished. "
    "`signal`.",
    "sidecar.failed": "The process cannot start or go on, and ends with status 1. `detail`.",
    "sidecar.killed": "A second signal: ended at once, with status 1.",
    "sidecar.ready": "Started. `version`, `socket`, `data_dir`, `endpoints`, `waiting` (deliveries), `ms` since start.",
    "sidecar.stopped": "Stopped; what is left is on disk. `waiting` (deliveries), `drained` (whether in time).",
}

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(log_format: str, level: str) -> None:
    """Set up structlog, once, at start. `log_format`: `json`, `console`, or "" for console on a terminal."""
    console = log_format == "console" or (not log_format and sys.stdout.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    if console:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        ending: list[structlog.types.Processor] = [renderer]
        factory: Any = structlog.PrintLoggerFactory(sys.stdout)
    else:
        ending = [structlog.processors.format_exc_info, _to_json]
        factory = structlog.BytesLoggerFactory(sys.stdout.buffer)
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )


_encoder = msgspec.json.Encoder(enc_hook=repr)


def _to_json(_logger: object, _method: str, event: structlog.types.EventDict) -> bytes:
    first = {name: event.pop(name) for name in ("timestamp", "level", "event")}
    return _encoder.encode({**first, **event})
