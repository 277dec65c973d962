"""Deliveries as they are shown: what is kept of them, with what the dispatcher knows now. Law: reads and joins."""

from collections.abc import Sequence

from sidecar import reasons
from sidecar.api.answers import DeliveryView, delivery
from sidecar.api.parts import Parts
from sidecar.model import DeliveryLog
from sidecar.reasons import Situation


def views(parts: Parts, rows: Sequence[DeliveryLog]) -> list[DeliveryView]:
    """Each with the rule behind its state."""
    flying, now = parts.control.in_flight(), parts.clock.now()
    seen = {name: _situation(parts, name, flying, now) for name in {row.endpoint for row in rows}}
    return [delivery(row, flying, reasons.rule(row, seen[row.endpoint])) for row in rows]


def _situation(parts: Parts, name: str, flying: frozenset[int], now: int) -> Situation:
    one = parts.endpoints.get(name)
    return Situation(
        health=parts.control.health(name) if one else None,
        flying=flying,
        concurrency=one.concurrency if one else 0,
        in_flight=len(parts.control.in_flight(name)) if one else 0,
        attempts=parts.attempts,
        now=now,
    )
