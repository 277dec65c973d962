"""Logs: dotted names with facts as keys, one canonical line for each attempt, on standard output.

Law: never a body, a header, a secret, or the query of a URL. Every event's name stands in `EVENTS`, and
docs/reference/logs.md is generated from there.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import structlog

EVENTS: Mapping[str, str] = {
    "admin.listening": "The admin listener takes requests. `address`.",
    "admin.wrong_token": "Somebody sent the admin listener a wrong token; told at the 1st, 2nd, 4th, 8th … in a row. "
    "`address`, `count`.",
    "api.changed": "Something was changed by hand, on the socket or the admin listener. `method`, `path`, "
    "`status` (of the answer), `uid` and `pid` (of who asked on the socket), `address` and "
    "`by` (token, session) on the admin listener.",
    "api.cut_off": "A client of the socket was cut off. `reason`.",
    "api.failed": "A request on the socket met a fault of ours; it was answered 500. `method`, `path`, `error`, "
    "`traceback`.",
    "api.not_http": "What came on the socket was no HTTP. `error`.",
    "api.listening": "The socket takes requests. `socket`.",
    "clock.jumped": "The system's clock leapt forward; ages wait an hour before they count. `detail`.",
    "config.failed": "SIGHUP met a fault of ours; all is as before. `exception`.",
    "config.kept": "SIGHUP found a fault in the configuration, one line each; all is as before. `detail`.",
    "config.notice": "Something in the environment was passed over on purpose. `detail`.",
    "config.pending": "SIGHUP found a change that takes effect at the next start. `detail`.",
    "config.reloaded": "SIGHUP: the configuration was read again. `endpoints` (how many changed), `relay` (whether "
    "SIDECAR_RELAY_SECRET did), `pending` (how many "
    "variables take effect at the next start).",
    "config.warning": "The configuration is accepted, but look at it. `detail`.",
    "delivery.attempted": "One POST was made and judged: the canonical line. `event_id`, `name`, `delivery`, "
    "`endpoint`, "
    "`attempt`, `outcome` (status or reason), `duration_ms`, `verdict` (delivered, retry, dead), "
    "`next_ms` (of a retry), `reason` (of a dead one), `trace_id`.",
    "delivery.expired": "A delivery was older than SIDECAR_MAX_AGE, and is dead. `delivery`, `endpoint`.",
    "delivery.failed": "An attempt met a fault of ours and is made again later. `delivery`, `endpoint`, `exception`.",
    "endpoint.failing": "The endpoint failed five times in a row: from now on one probe at a time. "
    "`endpoint`, `detail`.",
    "endpoint.paused": "Nothing is sent there until `sidecar resume`. `endpoint`, `detail`.",
    "endpoint.reconfigured": "SIGHUP brought it other secrets, keys, signatures, filters or headers; they count "
    "from the next attempt on. `endpoint`, `fields`.",
    "endpoint.recovered": "The endpoint answers again; what waited is sent, gently. `endpoint`.",
    "endpoint.resumed": "Resumed by hand. `endpoint`.",
    "endpoint.secret_changed": "Its secret was set, or deleted and the configured one counts again. "
    "`endpoint`, `action` (set, deleted).",
    "inbound.failed": "An incoming webhook met a fault of ours; it was answered 500. `path` (the route's), `error`, "
    "`traceback`.",
    "inbound.listening": "Forges and Drone servers may post. `address`.",
    "inbound.not_http": "What came there was no HTTP, or had too large a head; told at 1, 2, 4, 8 … times. "
    "`error`, `count`.",
    "inbound.wrong_secret": "A wrong webhook secret or signature came; told at 1, 2, 4, 8 … times from one address. "
    "`address`, `count`.",
    "outbox.broken": "A write or an fsync failed for good; the process ends with status 1. `detail`.",
    "outbox.no_space": "The disk is full; events are refused, no attempt starts until verdicts "
    "can be written. `detail`.",
    "outbox.pruned": "Finished deliveries were forgotten, by age or for room. `events`.",
    "outbox.ready": "Events are taken again.",
    "outbox.unready": "No events are taken: the disk is full, or SIDECAR_MAX_OUTBOX_SIZE is reached. `detail`.",
    "project.secret_changed": "A project's webhook secret was generated anew. `project`, `overlap_ms` (for which the "
    "old one is still good).",
    "replay.finished": "A replay came to its end for an endpoint. `replay`, `endpoint`, `resent`.",
    "replay.started": "Somebody asked for finished deliveries to be sent again. `replay`, `endpoint`, `states`.",
    "sidecar.draining": "SIGTERM or SIGINT: no more events are taken; what is in flight and due now is finished. "
    "`signal`, `seconds` (that it may take).",
    "sidecar.failed": "The process cannot start or go on, and ends with status 1 (2 for a bad certificate "
    "file). `detail`.",
    "sidecar.killed": "A second signal: ended at once, with status 1. `signal`.",
    "sidecar.ready": "Started. `version`, `socket`, `data_dir`, `endpoints`, `waiting` (deliveries), `ms` since start.",
    "sidecar.stopped": "Stopped; what is left is on disk. `waiting` (deliveries), `drained` (whether in time).",
}

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(log_format: str, level: str) -> None:
    """Set up structlog, once, at start. `log_format`: `json`, `console`, or "" for console on a terminal."""
    console = log_format == "console" or (not log_format and sys.stdout.isatty())
    filtering = structlog.make_filtering_bound_logger(_LEVELS[level])
    if console:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                _stamp,
                structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
            ],
            wrapper_class=filtering,
            logger_factory=structlog.PrintLoggerFactory(sys.stdout),
            cache_logger_on_first_use=True,
        )
    else:
        json_lines = type("JsonLines", (_JsonLines, filtering), {})
        structlog.configure(wrapper_class=json_lines, logger_factory=lambda: _soon, cache_logger_on_first_use=True)


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp")
_seconds = structlog.processors.TimeStamper(fmt=None, utc=True)
_encoder = msgspec.json.Encoder(enc_hook=repr)


class _JsonLines(structlog.BoundLoggerBase):
    """Makes a line in one step; a chain of processors costs twice as much, and there is a line for each attempt."""

    def _proxy_to_logger(self, method_name: str, event: str | None = None, **facts: Any) -> None:
        if "exc_info" in facts:
            facts = structlog.processors.format_exc_info(self._logger, method_name, facts)  # type: ignore[assignment] # a dict again
        now = _seconds(None, "", {})["timestamp"]
        line = {"timestamp": _told(now), "level": method_name, "event": event, **self._context, **facts}
        self._logger.write(_encoder.encode(line))


def _told(now: float) -> str:
    """RFC 3339, in UTC, to the microsecond; `now` in seconds."""
    return f"{_second(int(now))}.{int(now % 1 * 1e6):06}Z"


@lru_cache(maxsize=4)
def _second(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _Soon:
    """Standard output, written once for all the lines of a turn of the event loop: a write for each would give up the
    interpreter's lock for each."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        """The first line of a turn sees to the rest."""
        self._lines.append(line)
        if len(self._lines) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self.now)
        except RuntimeError:
            self.now()

    def now(self) -> None:
        lines, self._lines = self._lines, []
        sys.stdout.buffer.write(b"".join([line + b"\n" for line in lines]))
        sys.stdout.buffer.flush()


_soon = _Soon()
flush = _soon.now
"""Write what is still to be written; before the process ends in another way than by its event loop."""


_PAGE = """\
# Logs

<!-- Made by `make generate` from the table in sidecar/logs.py; change that. -->

One line an event, on standard output. `SIDECAR_LOG_FORMAT=json`, the default where standard output is no terminal,
makes each line a JSON object: `timestamp` (RFC 3339, UTC), `level`, `event`, and the facts named below; `console` is
for people. `SIDECAR_LOG_LEVEL` keeps what is less away.

No line holds a body, a header, a secret, or the query of a URL. Every attempt has one line, `delivery.attempted`,
written once its verdict is on disk. Match on `event`, not on the text of a `detail`, which is for people.

| event | meaning, and facts |
|---|---|
"""


def reference() -> str:
    """The text of docs/reference/logs.md."""
    return _PAGE + "".join([f"| `{name}` | {told} |\n" for name, told in sorted(EVENTS.items())])


if __name__ == "__main__":
    sys.stdout.write(reference())
