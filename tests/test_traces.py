"""Traces: the trace id in the log always, and spans where OpenTelemetry's extra is installed and asked for.

Law: the real process, a real receiver of webhooks and a real one of OTLP over HTTP. Spans are tested by
`make otel-test`, which installs the extra.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hook import hook, say
from running import build, environment, serving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
WITHOUT = """
import runpy, sys
sys.modules["opentelemetry"] = None
sys.argv[1:] = ["serve"]
runpy.run_module("sidecar", run_name="__main__")
"""


async def test_the_log_of_an_attempt_has_the_trace_s_id_and_the_receiver_its_traceparent(tmp_path: Path) -> None:
    async with hook() as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url)
        async with serving(settings) as process:
            await process.post("/events", build(1), traceparent=TRACEPARENT)
            line = await process.until("delivery.attempted")
            assert line["trace_id"] == TRACE
    assert receiver.good[0].headers["traceparent"] == TRACEPARENT


async def test_asked_for_without_the_extra_it_says_so_and_delivers(tmp_path: Path) -> None:
    async with hook() as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url)
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
        async with serving(settings, "-c", WITHOUT) as process:
            await process.post("/events", build(1))
            await receiver.until_good(1)
            warned = [line["detail"] for line in process.log if line["event"] == "config.warning"]
    assert any("OTEL_EXPORTER_OTLP_ENDPOINT is set" in text and "[otel]" in text for text in warned)


class Collector:
    """What came over OTLP: spans by name."""

    def __init__(self) -> None:
        self.spans: dict[str, Any] = {}
        self.service = ""
        self.more = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 - optional
            ExportTraceServiceRequest,
        )

        told = ExportTraceServiceRequest.FromString(await request.read())
        async with self.more:
            for group in told.resource_spans:
                self.service = next(a.value.string_value for a in group.resource.attributes if a.key == "service.name")
                self.spans |= {span.name: span for scope in group.scope_spans for span in scope.spans}
            self.more.notify_all()
        return web.Response(content_type="application/x-protobuf")

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(30), self.more:
            await self.more.wait_for(lambda: set(names) <= self.spans.keys())


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, str]]:
    it = Collector()
    application = web.Application()
    application.router.add_post("/v1/traces", it.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield it, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def facts(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


async def test_acceptance_and_attempt_are_spans_of_the_sender_s_trace(tmp_path: Path) -> None:
    """The attempt is the acceptance's child, and that the sender's; also those that are left when it stops."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed: make otel-test")
    async with hook(say(500)) as receiver, collecting() as (collector, url):
        settings = environment(tmp_path, SIDECAR_ENDPOINT_CI_URL=receiver.url, SIDECAR_ENDPOINT_CI_SECRET="k" * 32)
        settings |= {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
        async with serving(settings) as process:
            await process.post("/events", build(1, id="e1"), traceparent=TRACEPARENT)
            await process.until("delivery.attempted")
            assert await process.stop() == 0
        await collector.until("accept build:updated", "attempt ci")
    accept, attempt = collector.spans["accept build:updated"], collector.spans["attempt ci"]
    assert collector.service == "drone-webhook-sidecar"
    assert {accept.trace_id.hex(), attempt.trace_id.hex()} == {TRACE}
    assert accept.parent_span_id.hex() == PARENT
    assert attempt.parent_span_id == accept.span_id
    assert facts(attempt)["http.response.status_code"] == 500
    assert (facts(attempt)["sidecar.event"], facts(attempt)["sidecar.attempt"]) == ("e1", 1)
    assert facts(attempt)["error.type"] == "500"
    assert attempt.status.code == 2
    assert attempt.start_time_unix_nano <= attempt.end_time_unix_nano


async def test_an_event_without_a_trace_gets_one_and_one_not_sampled_is_not_exported(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed: make otel-test")
    async with hook() as receiver, collecting() as (collector, url):
        settings = environment(tmp_path, SIDECAR_ENDPOINT_CI_URL=receiver.url, SIDECAR_ENDPOINT_CI_SECRET="k" * 32)
        settings |= {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "hooks"}
        async with serving(settings) as process:
            await process.post("/events", build(1, id="a"), traceparent=f"00-{TRACE}-{PARENT}-00")
            await process.until("delivery.attempted")
            await process.post("/events", {"action": "enabled", "repo": {"slug": "o/h"}, "id": "b"})
            await process.until("delivery.attempted", 2)
            assert await process.stop() == 0
    assert collector.service == "hooks"
    assert set(collector.spans) == {"accept repo:enabled", "attempt ci"}
    assert facts(collector.spans["attempt ci"])["sidecar.event"] == "b"
    assert collector.spans["attempt ci"].trace_id == collector.spans["accept repo:enabled"].trace_id
