"""Metrics, as Prometheus reads them; and that the page, the dashboard and the alerts speak of those that there are.

Law: asked over HTTP of a served socket, and read by Prometheus' own parser.
"""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_rig import administered
from api_rig import NDJSON, House, build, house, stream
from clocks import NOON
from forge_bodies import GITHUB_PUSH, body
from hook import hook
from inbound_rig import listening
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from running import build as event
from running import environment, serving

from sidecar import metrics
from sidecar.meters import Histogram, Meters
from sidecar.metrics import METRICS
from sidecar.model import Dead, Delivered, Response

ROOT = Path(__file__).parent.parent
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total", "up"}
open_families: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


def read(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


async def measured(sidecar: House) -> Samples:
    answer = await sidecar.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return read(answer.body.decode())


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"sidecar_{name}", frozenset(labels.items())))


async def test_events_are_counted_by_what_became_of_them(sidecar: House) -> None:
    await sidecar.post("/events", build(id="a"))
    await sidecar.post("/events", build(id="a"))
    await sidecar.post("/events", build(2, id="a"))
    await sidecar.post("/events", b"{}")
    await sidecar.post("/events", b"{}", {"Content-Type": "text/html"})
    await sidecar.post("/events", stream(build(3), b"no", build(4), b"x" * 5000), NDJSON)
    sidecar.gate.drain()
    await sidecar.post("/events", build(5))
    samples = await measured(sidecar)
    assert value(samples, "events_accepted_total", dialect="drone") == 3
    assert value(samples, "events_duplicate_total", dialect="drone") == 1
    refused = {"conflicting": 1, "not-an-event": 1, "wrong-type": 1, "malformed": 1, "too-large": 1, "unavailable": 1}
    assert {reason: value(samples, "events_refused_total", reason=reason) for reason in refused} == refused


async def test_what_other_machines_post_is_counted_and_so_are_the_events_it_becomes(tmp_path: Path) -> None:
    meters = Meters((), NOON)
    async with listening(tmp_path, observer=meters) as post:
        push = body(GITHUB_PUSH)
        assert [(await post.post(push)).status, (await post.post(push)).status] == [202, 202]
        assert (await post.post(push, path="/wrong/")).status >= 400
    assert meters.hooks == {("webhooks", "taken"): 2, ("webhooks", "refused"): 1}
    assert meters.accepted == {"drone": 1}


async def test_deliveries_endpoints_and_the_outbox_are_as_they_are_now(sidecar: House) -> None:
    await sidecar.accepted(build(1), build(2, "octocat/other"), build(3, "octocat/third"))
    first, second = await sidecar.claim(), await sidecar.claim()
    await sidecar.settle(first, Delivered(), Response(204))
    await sidecar.settle(second, Dead("refused"), Response(422))
    await sidecar.post("/endpoints/hook/pause")
    sidecar.clock.advance(90_000)
    samples = await measured(sidecar)
    states = {"pending": 1, "delivering": 0, "delivered": 1, "dead": 1}
    assert {state: value(samples, "deliveries", endpoint="hook", state=state) for state in states} == states
    assert value(samples, "endpoint_state", endpoint="hook", state="paused") == 1
    assert value(samples, "endpoint_state", endpoint="hook", state="active") == 0
    assert value(samples, "oldest_waiting_seconds", endpoint="hook") == 90
    assert value(samples, "outbox_owed_bytes") == sidecar.outbox.owed > 0
    assert value(samples, "outbox_max_bytes") == sidecar.outbox.max_size
    assert (value(samples, "disk_free_bytes") or 0) > 0
    assert value(samples, "ready") == 1


async def test_all_of_the_table_is_told_and_nothing_else(sidecar: House) -> None:
    text = (await sidecar.get("/metrics")).body.decode()
    told = set(re.findall(r"^# TYPE (sidecar_\w+)", text, re.MULTILINE))
    assert told == {row.name for row in METRICS}


async def test_openmetrics_is_spoken_where_it_is_asked_for(sidecar: House) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = await sidecar.ask("GET", "/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert {f.name for f in open_families(answer.body.decode())} >= {"sidecar_events_accepted", "sidecar_ready"}


async def test_metrics_are_read_without_a_token_everywhere(tmp_path: Path) -> None:
    async with administered(tmp_path, loopback=False) as admin:
        assert (await admin.get("/metrics")).status == 200


async def test_the_running_process_measures_attempts_commits_and_its_loop(tmp_path: Path) -> None:
    async with hook() as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=f"{receiver.url}?token=hush")
        async with serving(settings) as process:
            await process.post("/events", event(1))
            await process.until("delivery.attempted")
            async with process.client() as session, session.get("/metrics") as answer:
                text = await answer.text()
            [name] = [one["name"] for one in (await process.get("/endpoints"))["endpoints"]]
    samples = read(text)
    assert value(samples, "attempts_total", endpoint=name, outcome="2xx") == 1
    assert value(samples, "attempt_duration_seconds_count", endpoint=name) == 1
    assert (value(samples, "commit_duration_seconds_count") or 0) >= 3
    assert value(samples, "loop_lag_seconds_count") is not None
    assert "hush" not in text


def test_buckets_are_cumulated() -> None:
    histogram = Histogram((1000, 2_000_000))
    for span in (5, 1000, 1001, 3_000_000):
        histogram.observe(span)
    assert metrics._buckets(histogram) == [("0.001", 2), ("2.0", 3), ("+Inf", 4)]


def test_the_page_is_made_of_the_table() -> None:
    assert (ROOT / "docs/reference/metrics.md").read_text("utf-8") == metrics.reference()
    command = [sys.executable, "-m", "sidecar.metrics"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT)
    assert done.stdout == metrics.reference()


def names() -> dict[str, set[str]]:
    """What Prometheus knows each metric by, with its labels."""
    known = {name: set[str]() for name in PROCESS}
    for row in METRICS:
        suffixes = ("_bucket", "_sum", "_count") if row.kind is metrics.HISTOGRAM else ("",)
        for suffix in suffixes:
            known[row.name + suffix] = {*row.labels} | ({"le"} if suffix == "_bucket" else set())
    return {name: labels | {"instance", "job"} for name, labels in known.items()}


def expressions(found: Any) -> Iterator[str]:
    """All that is asked of Prometheus, anywhere in a dashboard."""
    if isinstance(found, dict):
        yield from (text for key, text in found.items() if key in ("expr", "query") and isinstance(text, str))
        for one in found.values():
            yield from expressions(one)
    elif isinstance(found, list):
        for one in found:
            yield from expressions(one)


DASHBOARD = json.loads((ROOT / "deploy/grafana/sidecar.json").read_text("utf-8"))
ALERTS = (ROOT / "deploy/prometheus/alerts.yaml").read_text("utf-8")
RULES = re.findall(r"^ +expr: (?:>-\n +)?(.+)$", ALERTS, re.MULTILINE)
ASKED = [*RULES, *(text for text in expressions(DASHBOARD) if text != "prometheus")]


@pytest.mark.parametrize("asked", ASKED)
def test_dashboard_and_alerts_ask_for_metrics_and_labels_that_there_are(asked: str) -> None:
    known = names()
    found = re.findall(r"\b((?:sidecar|process)_\w+|up\b)(?:\{(.*?)\})?", asked)
    assert found, "it asks for nothing of ours"
    given: set[str] = set()
    for name, matchers in found:
        assert name in known, name
        assert set(re.findall(r"(\w+)=~?\"", matchers)) <= known[name], asked
        given |= known[name]
    for grouped in re.findall(r"(?:by|ignoring) \((.*?)\)", asked):
        assert set(grouped.split(", ")) <= given, asked
    states = set(re.findall(r'state="(\w+)"', asked))
    assert states <= {*metrics.STATES, "pending", "delivering", "delivered", "dead"}


def test_there_are_alerts_for_what_must_wake_somebody() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(alerts) == len(set(alerts)) == len(RULES)
    assert {"SidecarBacklog", "SidecarEndpointFailing", "SidecarOutboxNearlyFull"} <= set(alerts)


def test_panels_of_the_dashboard_stand_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
