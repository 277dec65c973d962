"""Drone's dialect: its events, and the request its server would post.

Law: pure. The request is Drone's own, header for header; what we add comes behind it. A way to sign is a row of
`SCHEMES`.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from sidecar import signing
from sidecar.dialects._drone_reading import read
from sidecar.dialects._filters import foreign, no_glob, no_ref
from sidecar.model import Endpoint, Event, Instance, Request, fingerprint

__all__ = ["SCHEMES", "ping", "read", "wants", "write"]

PING = b'{"event":"ping","action":""}'

Headers = tuple[tuple[str, str], ...]


class Draft(Struct, frozen=True, gc=False):
    """What there is to sign, and by what; `seconds` since the epoch are the attempt's time, `signing_keys` are PEMs."""

    event: str
    id: str
    body: bytes
    digest: str
    date: str
    seconds: int
    url: str
    secrets: list[bytes]
    signing_keys: list[bytes]


def ping(*, id: str, now: int, instance: Instance) -> Event:
    """An event that tells of nothing; a subject of its own, so that it waits for no other."""
    return Event(id, "drone", "ping", f"ping:{id}", PING, fingerprint(PING), now)


def write(event: Event, endpoint: Endpoint, *, delivery: int, attempt: int, now: int, instance: Instance) -> Request:
    """The request of one attempt, signed for `now` (ms, wall time). `event.body` is its body, untouched."""
    draft = Draft(
        event=event.name.partition(":")[0],
        id=event.id,
        body=event.body,
        digest=signing.digest(event.body),
        date=signing.http_date(now),
        seconds=now // 1000,
        url=endpoint.url,
        secrets=[secret.reveal() for secret in endpoint.secrets],
        signing_keys=[key.reveal() for key in endpoint.signing_keys],
    )
    headers = [
        ("X-Drone-Event", draft.event),
        ("Content-Type", "application/json"),
        ("Digest", draft.digest),
        ("Date", draft.date),
    ]
    for scheme in endpoint.signatures:
        headers += SCHEMES[scheme](draft)
    headers += (
        ("User-Agent", f"drone-webhook-sidecar/{instance.version}"),
        ("webhook-id", event.id),
        ("X-Drone-Delivery", str(delivery)),
        ("X-Drone-Attempt", str(attempt)),
    )
    if event.traceparent:
        headers.append(("traceparent", event.traceparent))
    return Request((*headers, *endpoint.headers), event.body)


def wants(event: Event, endpoint: Endpoint) -> str:
    """The rule that keeps the event away from the endpoint, "" for none. A ping passes every filter."""
    if rule := foreign(event, endpoint):
        return rule
    if event.name == "ping":
        return ""
    refs = endpoint.refs if event.name.startswith("build:") else ()
    return no_glob(endpoint.events, event.name) or no_ref(refs, event.refs, without="a build without ref")


def _cavage(draft: Draft) -> Headers:
    return (("Signature", signing.sign_cavage(draft.secrets[0], draft.date, draft.digest)),)


def _rfc9421(draft: Draft) -> Headers:
    """By the newest signing key where there is one, else by the newest secret."""
    from sidecar.signing import rfc9421  # noqa: PLC0415 - optional: where the scheme is on

    what = rfc9421.What(draft.url, draft.event, draft.id, draft.body, draft.seconds)
    if draft.signing_keys:
        return rfc9421.sign_by_key(what, draft.signing_keys[0])
    return rfc9421.sign(what, draft.secrets[0])


def _standard(draft: Draft) -> Headers:
    signature = signing.sign_standard(
        draft.secrets, draft.id, draft.seconds, draft.body, signing_keys=draft.signing_keys
    )
    return (("webhook-timestamp", str(draft.seconds)), ("webhook-signature", signature))


def _hub(draft: Draft) -> Headers:
    return (("X-Hub-Signature-256", signing.sign_hub(draft.secrets[0], draft.body)),)


SCHEMES: Mapping[str, Callable[[Draft], Headers]] = {
    "cavage": _cavage,
    "rfc9421": _rfc9421,
    "standard": _standard,
    "hub": _hub,
}
"""By name, the headers a scheme adds. Secrets and keys are newest first; where only one signs, it is that."""
