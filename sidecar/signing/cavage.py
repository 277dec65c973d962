"""Drone's own scheme: draft-cavage-http-signatures over `date digest`. Law: what Drone's receivers refuse is refused;
verifiers/vectors.json says what is right."""

import re
from collections.abc import Mapping, Sequence

from sidecar.signing import dates
from sidecar.signing.common import (
    KEY_ID,
    TOLERANCE,
    InvalidSignature,
    as_bytes,
    base64,
    check_age,
    header,
    mac,
    same,
)
from sidecar.signing.digests import verify_digest

FIELD = re.compile(r'(\w+)="([^"]*)"', re.ASCII)
WELL_FORMED = re.compile(rf"{FIELD.pattern}(?:[ \t]*,[ \t]*{FIELD.pattern})*", re.ASCII)
REQUIRED = frozenset({"keyId", "algorithm", "signature"})
FIELDS = REQUIRED | {"headers"}


def sign_cavage(key: bytes, date: str, digest: str) -> str:
    """The value of `Signature` as Drone sends it (draft-cavage-http-signatures), over `date` and `digest`."""
    signature = base64(mac(key, f"date: {date}\ndigest: {digest}".encode()))
    return f'keyId="{KEY_ID}",algorithm="hmac-sha256",signature="{signature}",headers="date digest"'


def verify_cavage(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[bytes],
    *,
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> None:
    """Check as Drone's receivers do, and that the signature speaks for this body and for now: signature, digest, date,
    in this order; verifiers/vectors.json says what is right.

    Args:
        headers: of the request; names in any case.
        body: as received.
        keys: any of them may have signed; an empty one never matches.
        now: ms; None leaves the Date's age unchecked.
        tolerance: ms that Date may be away from now.

    Raises:
        InvalidSignature: the request is refused.
    """
    verify_cavage_head(headers, keys)
    verify_digest(headers, body)
    if now is not None:
        verify_date(headers, now=now, tolerance=tolerance)


def verify_cavage_head(headers: Mapping[str, str], keys: Sequence[bytes]) -> None:
    """The signature alone, which covers no more than headers: so it can be known before a body is read. What it says of
    the body, `verify_digest` must check. Arguments and errors as for `verify_cavage`."""
    fields = _fields(headers)
    if fields["algorithm"] != "hmac-sha256":
        raise InvalidSignature("cavage", "the algorithm of Signature is not hmac-sha256")
    names = fields.get("headers", "date").lower().split(" ")
    for name in ("date", "digest"):
        if names.count(name) != 1:
            raise InvalidSignature("cavage", f"Signature must cover {name}, once; else it says nothing of the request")
    if len(set(names)) != len(names):
        raise InvalidSignature("cavage", "Signature covers a header more than once")
    text = as_bytes("\n".join([f"{name}: {header(headers, name, 'cavage')}" for name in names]))
    if not same(fields["signature"], [base64(mac(key, text)) for key in keys if key]):
        raise InvalidSignature("cavage", "Signature is by another secret, or a header it covers was changed")


def verify_date(headers: Mapping[str, str], *, now: int, tolerance: int = TOLERANCE) -> None:
    """Whether `Date` is at most `tolerance` away from `now`, in ms. Raises `InvalidSignature`."""
    check_age("date", "Date", dates.parsed(header(headers, "Date", "date")), now, tolerance)


def _fields(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields of `Signature`, else of `Authorization: Signature …`; what Drone's receivers refuse is refused."""
    names = {name.lower() for name in headers}
    if "signature" in names or "authorization" not in names:
        given = header(headers, "Signature", "cavage")
    else:
        scheme, _, given = header(headers, "Authorization", "cavage").partition(" ")
        if scheme.lower() != "signature":
            raise InvalidSignature("cavage", "Signature is missing")
    if not WELL_FORMED.fullmatch(given):
        raise InvalidSignature("cavage", 'Signature is not fields of name="value", one comma between two')
    pairs = FIELD.findall(given)
    fields: dict[str, str] = dict(pairs)
    if len(pairs) != len(fields):
        raise InvalidSignature("cavage", "Signature has a field more than once")
    if unknown := sorted(fields.keys() - FIELDS):
        raise InvalidSignature("cavage", f"Signature has a field {unknown[0][:40]}, which is none of the scheme's")
    if missing := sorted(name for name in REQUIRED if not fields.get(name)):
        raise InvalidSignature("cavage", f"Signature has no {missing[0]}")
    return fields
