"""For those who receive webhooks: verify a request, then read it; there is no other way to a `Verified`.

Law: pure; every signature that is there must be right, and one must be there; what is told of an event comes from the
body that was verified, never from a header that was not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import DecodeError, Struct, json

from sidecar import signing
from sidecar.signing import TOLERANCE, InvalidSignature

Headers = Mapping[str, str]
Secrets = Sequence[bytes | str] | bytes | str
Check = Callable[[Headers, bytes, Sequence[bytes], int | None, int], None]

_LONGEST = 18  # digits that fit in 64 bits


class Verified(Struct, frozen=True):
    """A request whose signatures are right.

    Attributes:
        event: `user`, `repo`, `build` or `ping`: body and header agree on it.
        name: `build:updated`; the event alone where there is no action.
        subject: the repo's slug, else the user's login; "" for neither.
        id: the event's, the same on every attempt: tells what came before. "" from a sender that gives none; signed
            under `standard` alone.
        delivery, attempt: numbers, not signed; 0 from a sender that gives none.
        schemes: the signatures that were verified.
        body: the JSON.
    """

    event: str
    name: str
    subject: str
    id: str
    delivery: int
    attempt: int
    schemes: tuple[str, ...]
    body: dict[str, Any]


class Step(Struct, frozen=True):
    """One thing that was checked; `fault` is "" where it is right."""

    name: str
    fault: str = ""


class Scheme(Struct, frozen=True):
    """A way to sign: the header that tells of it, and what checks it (raises `InvalidSignature`)."""

    header: str
    check: Check


def verify(
    headers: Headers,
    body: bytes,
    secrets: Secrets,
    *,
    dialect: str = "drone",
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> Verified:
    """The event that a request brings.

    Args:
        headers: of the request; names in any case.
        body: as received, not one byte changed.
        secrets: any of them may have signed; text is taken as UTF-8.
        dialect: who sends, of `DIALECTS`.
        now: ms since the epoch; None leaves the age of the request unchecked: then it may have been sent before.
        tolerance: ms that a signed time may be away from `now`.

    Raises:
        InvalidSignature: answer it 401 (400 would end the delivery), and do nothing else; the message says which step
            failed.
        ValueError: no secret, or an empty one: with it, anyone could sign.
    """
    keys = _keys(secrets)
    schemes: list[str] = []
    for name, fault in _signatures(headers, body, keys, now, tolerance):
        if fault is not None:
            raise fault
        schemes += [name] if name in SCHEMES else []
    return DIALECTS[dialect](headers, body, tuple(schemes))


def steps(
    headers: Headers,
    body: bytes,
    secrets: Secrets,
    *,
    dialect: str = "drone",
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> list[Step]:
    """What `verify` checks, each step told, beyond the first fault too: for a person who looks for what is wrong."""
    found: dict[str, str] = {}
    for name, fault in _signatures(headers, body, _keys(secrets), now, tolerance):
        found.setdefault(fault.step if fault else name, fault.fault if fault else "")
    try:
        DIALECTS[dialect](headers, body, ())
    except InvalidSignature as fault:
        found[fault.step] = fault.fault
    else:
        found["event"] = ""
    return [Step(name, fault) for name, fault in found.items()]


def _keys(secrets: Secrets) -> list[bytes]:
    """A single secret is one secret, not the letters of it."""
    given = [secrets] if isinstance(secrets, bytes | str) else secrets
    keys = [secret.encode() if isinstance(secret, str) else secret for secret in given]
    if not keys or not all(keys):
        raise ValueError("no secret, or an empty one: with it, anyone could sign")
    return keys


def _signatures(
    headers: Headers, body: bytes, keys: Sequence[bytes], now: int | None, tolerance: int
) -> Iterator[tuple[str, InvalidSignature | None]]:
    """Each step with its fault: the digest where there is one, then every scheme whose header is there."""
    names = {name.lower() for name in headers}
    if "digest" in names:
        yield "digest", _fault(partial(signing.verify_digest, headers, body))
    present = [name for name, scheme in SCHEMES.items() if scheme.header.lower() in names]
    for name in present:
        yield name, _fault(partial(SCHEMES[name].check, headers, body, keys, now, tolerance))
    if not present:
        *most, last = [scheme.header for scheme in SCHEMES.values()]
        yield "signature", InvalidSignature("signature", f"none is there: no {', '.join(most)} or {last}")


def _fault(check: Callable[[], None]) -> InvalidSignature | None:
    try:
        check()
    except InvalidSignature as fault:
        return fault
    return None


def _cavage(headers: Headers, body: bytes, keys: Sequence[bytes], now: int | None, tolerance: int) -> None:
    signing.verify_cavage(headers, body, keys, now=now, tolerance=tolerance)


def _standard(headers: Headers, body: bytes, keys: Sequence[bytes], now: int | None, tolerance: int) -> None:
    signing.verify_standard(headers, body, keys, now=now, tolerance=tolerance)


def _hub(headers: Headers, body: bytes, keys: Sequence[bytes], now: int | None, tolerance: int) -> None:
    signing.verify_hub(headers, body, keys)


SCHEMES: Mapping[str, Scheme] = {
    "cavage": Scheme("Signature", _cavage),
    "standard": Scheme("webhook-signature", _standard),
    "hub": Scheme("X-Hub-Signature-256", _hub),
}


def _drone(headers: Headers, body: bytes, schemes: tuple[str, ...]) -> Verified:
    """Drone's event, of a body that is verified. Raises `InvalidSignature` where it is none."""
    event, action, told = _event(body)
    if _one(headers, "X-Drone-Event") != event:
        raise InvalidSignature("event", f"X-Drone-Event is missing, or not what the body says: {event[:40]}")
    return Verified(
        event=event,
        name=f"{event}:{action}" if action else event,
        subject=_text(told.get("repo"), "slug") or _text(told.get("user"), "login"),
        id=_one(headers, "webhook-id"),
        delivery=_number(_one(headers, "X-Drone-Delivery")),
        attempt=_number(_one(headers, "X-Drone-Attempt")),
        schemes=schemes,
        body=told,
    )


def _event(body: bytes) -> tuple[str, str, dict[str, Any]]:
    """Event and action of a body, and the whole of it."""
    try:
        told = json.decode(body)
    except (DecodeError, ValueError, RecursionError):
        raise InvalidSignature("event", "the body is not JSON") from None
    event, action = (told.get("event"), told.get("action", "")) if isinstance(told, dict) else (None, None)
    if not isinstance(event, str) or not event or not isinstance(action, str):
        raise InvalidSignature("event", "the body names no event")
    return event, action, told


def _one(headers: Headers, name: str) -> str:
    """The one value of a header; "" where there is none, or several that differ."""
    found = {value for key, value in headers.items() if key.lower() == name.lower()}
    return found.pop() if len(found) == 1 else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else 0


def _text(resource: object, member: str) -> str:
    value = resource.get(member) if isinstance(resource, dict) else None
    return value if isinstance(value, str) else ""


DIALECTS: Mapping[str, Callable[[Headers, bytes, tuple[str, ...]], Verified]] = {
    "drone": _drone,
}
