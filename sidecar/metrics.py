"""Metrics, as Prometheus reads them: counters that are kept, and a look at what is now.

Law: a metric is one row of `METRICS`, and docs/reference/metrics.md is generated from there. Labels are endpoints that
are configured or owed something, and words that are known: nobody outside can make more of them.
"""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

import sidecar
from sidecar.meters import EndpointMeter, Histogram, Meters
from sidecar.model import Counts, EndpointState, Health
from sidecar.ports import Clock, Control, Outbox

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

SECOND = 1_000_000
"""µs."""

STATES: tuple[EndpointState, ...] = ("active", "failing", "paused", "orphaned")


class Look(Struct, frozen=True):
    """What is, at one moment.

    Attributes:
        counts: of the endpoints that are configured or owed something.
        flying: attempts in flight, of those that are configured.
        states: where an endpoint's state is no health of its own, it is orphaned.
        free: bytes left on the disk of the data directory; 0 where that is unknown.
    """

    meters: Meters
    now: int
    counts: Mapping[str, Counts]
    health: Mapping[str, Health]
    flying: Mapping[str, int]
    states: Mapping[str, EndpointState]
    owed: int
    max_owed: int
    free: int
    ready: bool


Samples = Iterable[tuple[tuple[str, ...], float | Histogram]]


class Metric(Struct, frozen=True):
    """One metric. `read` gives, for each set of label values, its value; a histogram's are µs, shown in seconds."""

    name: str
    kind: type[Family]
    help: str
    read: Callable[[Look], Samples]
    labels: tuple[str, ...] = ()


def _by(counted: Callable[[Meters], Mapping[str, int]]) -> Callable[[Look], Samples]:
    return lambda look: (((word,), count) for word, count in counted(look.meters).items())


def _each(counted: Callable[[EndpointMeter], Mapping[str, int]]) -> Callable[[Look], Samples]:
    return lambda look: (
        ((name, word), count) for name, meter in look.meters.endpoints.items() for word, count in counted(meter).items()
    )


def _one(value: Callable[[Look], float | Histogram]) -> Callable[[Look], Samples]:
    return lambda look: [((), value(look))]


def _deliveries(look: Look) -> Samples:
    for name, counts in look.counts.items():
        flying = look.flying.get(name, 0)
        yield (name, "pending"), max(0, counts.pending - flying)
        yield (name, "delivering"), flying
        yield (name, "delivered"), counts.delivered
        yield (name, "dead"), counts.dead


def _states(look: Look) -> Samples:
    return (((name, state), float(state == now)) for name, now in look.states.items() for state in STATES)


def _oldest(look: Look) -> Samples:
    for name, counts in look.counts.items():
        yield (name,), max(0, look.now - counts.oldest) / 1000 if counts.oldest else 0.0


def _durations(look: Look) -> Samples:
    return (((name,), meter.durations) for name, meter in look.meters.endpoints.items())


COUNTER, GAUGE, HISTOGRAM = CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

# A table is read in rows, not one cell a line:
# fmt: off
METRICS = (
    Metric("sidecar_info", GAUGE, "1; the label tells the version.",
           lambda _: [((sidecar.__version__,), 1.0)], ("version",)),
    Metric("sidecar_ready", GAUGE, "1 while events are taken, 0 where `/readyz` says why not.",
           _one(lambda look: float(look.ready))),
    Metric("sidecar_events_accepted_total", COUNTER, "Events that are on disk with all that they owe.",
           _by(lambda meters: meters.accepted), ("dialect",)),
    Metric("sidecar_events_duplicate_total", COUNTER, "Events that were known already, and add nothing.",
           _by(lambda meters: meters.duplicates), ("dialect",)),
    Metric("sidecar_events_refused_total", COUNTER, "Events that were not taken, by the kind of problem.",
           _by(lambda meters: meters.refused), ("reason",)),
    Metric("sidecar_hooks_total", COUNTER, "What other machines posted to SIDECAR_LISTEN: taken or refused.",
           lambda look: look.meters.hooks.items(), ("route", "outcome")),
    Metric("sidecar_deliveries", GAUGE, "Deliveries in the outbox by state; what is forgotten counts no more.",
           _deliveries, ("endpoint", "state")),
    Metric("sidecar_deliveries_dead_total", COUNTER, "Deliveries that ended undelivered: refused, exhausted, expired.",
           _each(lambda meter: meter.dead), ("endpoint", "reason")),
    Metric("sidecar_attempts_total", COUNTER, "POSTs made: the class of the answer's status, or why there was none.",
           _each(lambda meter: meter.outcomes), ("endpoint", "outcome")),
    Metric("sidecar_attempt_duration_seconds", HISTOGRAM, "How long a POST took, from connecting to the answer's end.",
           _durations, ("endpoint",)),
    Metric("sidecar_attempts_in_flight", GAUGE, "POSTs under way.",
           lambda look: (((name,), count) for name, count in look.flying.items()), ("endpoint",)),
    Metric("sidecar_endpoint_state", GAUGE, "1 for the state the endpoint is in; failing is an open breaker.",
           _states, ("endpoint", "state")),
    Metric("sidecar_oldest_waiting_seconds", GAUGE, "How long the oldest pending delivery has been owed; 0: none.",
           _oldest, ("endpoint",)),
    Metric("sidecar_outbox_owed_bytes", GAUGE, "Bytes of the events not yet finished.",
           _one(lambda look: look.owed)),
    Metric("sidecar_outbox_max_bytes", GAUGE, "SIDECAR_MAX_OUTBOX_SIZE: where owed bytes reach it, events are refused.",
           _one(lambda look: look.max_owed)),
    Metric("sidecar_disk_free_bytes", GAUGE, "Room left on the disk of SIDECAR_DATA_DIR.",
           _one(lambda look: look.free)),
    Metric("sidecar_commit_duration_seconds", HISTOGRAM, "How long a commit took: one fsync for all of a batch.",
           _one(lambda look: look.meters.commits)),
    Metric("sidecar_loop_lag_seconds", HISTOGRAM, "How late the event loop came back; twice a second.",
           _one(lambda look: look.meters.lags)),
)
# fmt: on


class Metrics:
    """What `GET /metrics` answers. `endpoints`: names, as configured; `max_owed` in bytes."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        control: Control,
        clock: Clock,
        meters: Meters,
        endpoints: Sequence[str],
        max_owed: int,
        data_dir: str,
    ) -> None:
        self._outbox = outbox
        self._control = control
        self._clock = clock
        self._meters = meters
        self._endpoints = endpoints
        self._max_owed = max_owed
        self._data_dir = data_dir

    async def text(self, accept: str) -> tuple[bytes, str]:
        """All of it, and its content type: OpenMetrics where `accept` asks for it, else Prometheus' own form."""
        registry = CollectorRegistry()
        registry.register(_Collector(await self._look()))
        ProcessCollector(registry=registry)
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    async def _look(self) -> Look:
        known = await self._outbox.counts()
        health = {name: self._control.health(name) for name in self._endpoints}
        lost = [name for name, counts in known.items() if counts.pending and name not in health]
        states: dict[str, EndpointState] = {name: one.state for name, one in health.items()}
        return Look(
            meters=self._meters,
            now=self._clock.now(),
            counts={name: known.get(name, Counts()) for name in (*self._endpoints, *lost)},
            health=health,
            flying={name: len(self._control.in_flight(name)) for name in self._endpoints},
            states={**states, **dict.fromkeys(lost, "orphaned")},
            owed=self._outbox.owed,
            max_owed=self._max_owed,
            free=await asyncio.to_thread(_free, self._data_dir),
            ready=not self._outbox.ready(),
        )


class _Collector(Collector):
    """The rows of the table, as one look has them."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterable[Family]:
        for row in METRICS:
            family = row.kind(row.name, row.help, labels=row.labels)
            for labels, value in row.read(self._look):
                if isinstance(value, Histogram):
                    assert isinstance(family, HistogramMetricFamily)
                    family.add_metric(labels, _buckets(value), value.total / SECOND)
                else:
                    assert not isinstance(family, HistogramMetricFamily)
                    family.add_metric(labels, value)
            yield family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulated, by upper bound in seconds."""
    names = [*(str(bound / SECOND) for bound in histogram.bounds), "+Inf"]
    total, buckets = 0, []
    for name, count in zip(names, histogram.counts, strict=True):
        total += count
        buckets.append((name, float(total)))
    return buckets


def _free(path: str) -> int:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 0


_PAGE = """\
# Metrics

<!-- Made by `make generate` from the table in sidecar/metrics.py; change that. -->

`GET /metrics`, on the [socket](socket.md) and the [admin listener](admin.md), where it needs no token. In Prometheus'
text form, or as OpenMetrics where the request asks for it.

```yaml
scrape_configs:
  - job_name: sidecar
    static_configs:
      - targets: ["127.0.0.1:8484"]
```

A dashboard for Grafana is in [deploy/grafana](../../deploy/grafana/sidecar.json), alerts are in
[deploy/prometheus](../../deploy/prometheus/alerts.yaml).

Counters begin at 0 with the process. `endpoint` is an endpoint's name as `sidecar endpoints` shows it: those
configured, and of those that are not, the ones still owed something. Labels are made of nothing that comes from
outside.

| metric | type | labels | meaning |
|---|---|---|---|
"""

_PROCESS = """\

Beside them those of the process, as every client library has them: `process_resident_memory_bytes`,
`process_cpu_seconds_total`, `process_open_fds`, `process_max_fds`, `process_virtual_memory_bytes`,
`process_start_time_seconds`.

- **`reason` of a refused event**: the end of the [problem's type](errors.md), such as `not-an-event` or `unavailable`.
- **`outcome` of an attempt**: `2xx` to `5xx`, `1xx`, `other` for a status that is none; where no answer came,
  its [word](../howto/troubleshoot.md), such as `timeout`.
- **`route` of a hook**: `webhooks` of forges, `drone` for a Drone server's.
- **`state` of a delivery**: `pending`, `delivering`, `delivered`, `dead`; **of an endpoint**: `active`, `failing`,
  `paused`, `orphaned`.
"""

_KINDS = {COUNTER: "counter", GAUGE: "gauge", HISTOGRAM: "histogram"}


def reference() -> str:
    """The text of docs/reference/metrics.md."""
    rows = [
        f"| `{row.name}` | {_KINDS[row.kind]} | {', '.join(f'`{label}`' for label in row.labels)} | {row.help} |\n"
        for row in METRICS
    ]
    return _PAGE + "".join(rows) + _PROCESS


if __name__ == "__main__":
    sys.stdout.write(reference())
