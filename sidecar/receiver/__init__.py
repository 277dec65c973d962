"""For those who receive webhooks: verify a request, then read it; there is no other way to a `Verified`.

Law: pure; every signature that there is something to check it by must be right, and one must be there; what is told of
an event comes from the body that was verified, never from a header that was not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from sidecar.receiver.events import DIALECTS, Verified
from sidecar.receiver.schemes import DIGESTS, Headers, Scheme, Trust
from sidecar.signing import TOLERANCE, InvalidSignature, PublicKeys

__all__ = ["DIALECTS", "TOLERANCE", "InvalidSignature", "Step", "Verified", "public_keys", "steps", "verify"]

Secrets = Sequence[bytes | str] | bytes | str
Keys = PublicKeys | bytes | str | Mapping[str, Any] | Iterable[bytes | str | Mapping[str, Any]]


class Step(Struct, frozen=True):
    """One thing that was checked; `fault` is "" where it is right."""

    name: str
    fault: str = ""


def verify(
    headers: Headers,
    body: bytes,
    secrets: Secrets = (),
    *,
    keys: Keys = (),
    url: str = "",
    dialect: str = "drone",
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> Verified:
    """The event that a POST brings.

    Args:
        headers: of the request; names in any case.
        body: as received, not one byte changed.
        secrets: any of them may have signed; text is taken as UTF-8.
        keys: Ed25519 public keys of the sender, as `public_keys` takes them.
        url: where the request was sent to, whole, as the sender has it; `rfc9421` alone signs it.
        dialect: who sends, of `DIALECTS`.
        now: ms since the epoch; None leaves the age of the request unchecked: then it may have been sent before.
        tolerance: ms that a signed time may be away from `now`.

    Raises:
        InvalidSignature: answer it 401 (400 would end the delivery), and do nothing else; the message says which step
            failed.
        ValueError: no secret and no key, or an empty one: with it, anyone could sign.
    """
    trust = _trust(secrets, keys, url, now=now, tolerance=tolerance)
    spoken = DIALECTS[dialect]
    schemes: list[str] = []
    for name, fault in _signatures(headers, body, spoken.schemes, trust):
        if fault is not None:
            raise fault
        schemes += [name] if name in spoken.schemes else []
    return spoken.read(headers, body, tuple(schemes))


def steps(
    headers: Headers,
    body: bytes,
    secrets: Secrets = (),
    *,
    keys: Keys = (),
    url: str = "",
    dialect: str = "drone",
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> list[Step]:
    """What `verify` checks, each step told, beyond the first fault too: for a person who looks for what is wrong."""
    spoken = DIALECTS[dialect]
    found: dict[str, str] = {}
    trust = _trust(secrets, keys, url, now=now, tolerance=tolerance)
    for name, fault in _signatures(headers, body, spoken.schemes, trust):
        found.setdefault(fault.step if fault else name, fault.fault if fault else "")
    try:
        spoken.read(headers, body, ())
    except InvalidSignature as fault:
        found[fault.step] = fault.fault
    else:
        found["event"] = ""
    return [Step(name, fault) for name, fault in found.items()]


def public_keys(given: Keys) -> PublicKeys:
    """Ed25519 public keys, read once: PEMs, JWKs, JWK Sets (as text too), or the `whpk_…` of Standard Webhooks; one, or
    several of them. Raises ValueError where one is none of these."""
    if isinstance(given, PublicKeys):
        return given
    from sidecar.signing import ed25519  # noqa: PLC0415 - optional: where a sender has such keys

    return ed25519.Keys(given)


def _trust(secrets: Secrets, keys: Keys, url: str, *, now: int | None, tolerance: int) -> Trust:
    """A single secret is one secret, not the letters of it."""
    several = [secrets] if isinstance(secrets, bytes | str) else secrets
    known = [secret.encode() if isinstance(secret, str) else secret for secret in several]
    public = None if isinstance(keys, tuple) and not keys else public_keys(keys)
    if not all(known) or not (known or public):
        raise ValueError("no secret, or an empty one: with it, anyone could sign")
    return Trust(known, public, url, now, tolerance)


def _signatures(
    headers: Headers, body: bytes, schemes: Mapping[str, Scheme], trust: Trust
) -> Iterator[tuple[str, InvalidSignature | None]]:
    """Each step with its fault: digests where there are any, then every scheme whose header is there, and that there
    is something to check it by."""
    names = {name.lower() for name in headers}
    for step, (header, digested) in DIGESTS.items():
        if header in names:
            yield step, _fault(partial(digested, headers, body))
    usable = {name: scheme for name, scheme in schemes.items() if trust.secrets or scheme.by_key}
    present = [name for name, scheme in usable.items() if scheme.is_in(names)]
    for name in present:
        yield name, _fault(partial(usable[name].check, headers, body, trust))
    if not present:
        told = [scheme.header for scheme in usable.values()]
        wanted = " or ".join([", ".join(told[:-1]), told[-1]] if told[1:] else told) or "nothing that a key signs"
        yield "signature", InvalidSignature("signature", f"none is there: no {wanted}")


def _fault(check: Callable[[], None]) -> InvalidSignature | None:
    try:
        check()
    except InvalidSignature as fault:
        return fault
    return None
