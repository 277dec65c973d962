"""Spans for OpenTelemetry: one for each event that is taken, one for each attempt at it.

Law: optional, and without it nothing is done. A span is made once what it tells of is on disk; its id is made of the
event's id and the delivery's numbers; it holds no body, header or URL. Exporting is a thread of the SDK's own, with a
queue that has a bound: what does not fit is dropped, and nobody waits.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import structlog

from sidecar import __version__
from sidecar.model import Accepted, Added, Event, Posting, Response, Settlement
from sidecar.ports import Clock, Observer

log = structlog.get_logger()

ASKED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MISSING = (
    "{} is set, and nothing is traced: install `drone-webhook-sidecar[otel]`, which brings OpenTelemetry's SDK, "
    "or unset it"
)

Make = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Spans:
    """OpenTelemetry's parts: `made` makes a span, `ended` takes it over, `closed` sends what is left."""

    made: Make
    context: Make
    ended: Callable[[Any], None]
    closed: Callable[[], None]
    server: Any
    client: Any
    failed: Any


@dataclass(frozen=True, slots=True)
class Traced:
    """Implements `ports.Observer`: what another one counts becomes spans, too."""

    observer: Observer
    spans: Spans
    clock: Clock

    def answered(self, dialect: str, added: Sequence[Added]) -> None:
        self.observer.answered(dialect, added)

    def stored(self, postings: Sequence[Posting], added: Sequence[Added]) -> None:
        for posting, one in zip(postings, added, strict=True):
            if isinstance(one, Accepted) and not one.duplicate:
                self._accepted(posting)
        self.observer.stored(postings, added)

    def refused_for(self, reason: str, count: int = 1) -> None:
        self.observer.refused_for(reason, count)

    def attempted(self, settlement: Settlement) -> None:
        self._attempted(settlement)
        self.observer.attempted(settlement)

    def expired(self, endpoint: str) -> None:
        self.observer.expired(endpoint)

    def changed(self) -> None:
        self.observer.changed()

    def hooked(self, route: str, *, taken: bool) -> None:
        self.observer.hooked(route, taken=taken)

    async def close(self) -> None:
        """Send what is left, within the exporter's own timeout."""
        await asyncio.to_thread(self.spans.closed)

    def _accepted(self, posting: Posting) -> None:
        event = posting.event
        trace, parent, flags = origin(event)
        facts = {**_about(event), "sidecar.deliveries": len(posting.endpoints)}
        self._end(
            f"accept {event.name}",
            (trace, accept_id(event), flags),
            parent,
            (event.accepted_at * 1000, self.clock.now() * 1000),
            facts,
            kind=self.spans.server,
        )

    def _attempted(self, s: Settlement) -> None:
        event, attempt, outcome = s.claim.event, s.attempt, s.attempt.outcome
        trace, _, flags = origin(event)
        facts = {
            **_about(event),
            "sidecar.endpoint": s.claim.endpoint,
            "sidecar.delivery": s.claim.delivery,
            "sidecar.attempt": attempt.number,
            "sidecar.verdict": type(s.verdict).__name__.lower(),
            "http.request.method": "POST",
        }
        if outcome.status:
            facts["http.response.status_code"] = outcome.status
        good = isinstance(outcome, Response) and outcome.status // 100 == 2
        if not good:
            facts["error.type"] = str(outcome.status) if isinstance(outcome, Response) else outcome.reason
        start = attempt.started_at * 1000
        own = int.from_bytes(_hash(f"{event.id} {s.claim.delivery} {attempt.number}", 8), "big")
        self._end(
            f"attempt {s.claim.endpoint}",
            (trace, own, flags),
            accept_id(event),
            (start, start + attempt.duration),
            facts,
            kind=self.spans.client,
            failed=not good,
        )

    def _end(
        self,
        name: str,
        own: tuple[int, int, int],
        parent: int,
        times: tuple[int, int],
        facts: Mapping[str, object],
        *,
        kind: object,
        failed: bool = False,
    ) -> None:
        """`times` in µs; `own`: trace, span and flags; `parent` 0 for none."""
        trace, span, flags = own
        self.spans.ended(
            self.spans.made(
                name=name,
                context=self.spans.context(trace, span, flags),
                parent=self.spans.context(trace, parent, flags) if parent else None,
                kind=kind,
                attributes=facts,
                start_time=times[0] * 1000,
                end_time=max(times) * 1000,
                **({"status": self.spans.failed} if failed else {}),
            )
        )


def origin(event: Event) -> tuple[int, int, int]:
    """Trace, parent and flags: of its `traceparent`, or a trace of its own that is made of its id."""
    if event.traceparent:
        _, trace, parent, flags = event.traceparent.split("-")
        return int(trace, 16), int(parent, 16), int(flags, 16)
    return int.from_bytes(_hash(event.id, 16), "big"), 0, 1


def accept_id(event: Event) -> int:
    """The span of its acceptance, to which its attempts belong."""
    return int.from_bytes(_hash(f"{event.id} accept", 8), "big")


def _hash(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


def _about(event: Event) -> dict[str, object]:
    return {"sidecar.event": event.id, "sidecar.event.name": event.name, "sidecar.subject": event.subject}


def watched(stack: AsyncExitStack, observer: Observer, clock: Clock, environ: Mapping[str, str]) -> Observer:
    """`observer`, with spans beside it where `environ` asks for them by OpenTelemetry's own variables; what is left of
    them is sent when `stack` closes. Where the extra is not installed, the log says so."""
    asked = next((name for name in ASKED if environ.get(name)), "")
    if not asked or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return observer
    try:
        spans = _spans()
    except ImportError:
        log.warning("config.warning", detail=MISSING.format(asked))
        return observer
    traced = Traced(observer, spans, clock)
    stack.push_async_callback(traced.close)
    return traced


def _spans() -> Spans:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - optional
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415 - optional
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - optional
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - optional
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags  # noqa: PLC0415 - optional

    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):  # neither variable for it is set
        resource = resource.merge(Resource({"service.name": "drone-webhook-sidecar", "service.version": __version__}))
    scope = InstrumentationScope("sidecar", __version__)
    processor = BatchSpanProcessor(OTLPSpanExporter())

    def made(**given: Any) -> Any:
        return ReadableSpan(resource=resource, instrumentation_scope=scope, **given)

    def context(trace: int, span: int, flags: int) -> Any:
        return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(flags))

    failed = Status(StatusCode.ERROR)
    return Spans(made, context, processor.on_end, processor.shutdown, SpanKind.SERVER, SpanKind.CLIENT, failed)
