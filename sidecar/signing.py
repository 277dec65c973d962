"""How a request is signed, and how the signature is checked: cavage, Standard Webhooks, `X-Hub-Signature-256`.

Law: pure. A scheme is a pair of functions, `sign_…` and `verify_…`. Secrets are compared in constant time and never
shown: a fault names the step that failed and the header, never a key, nor what would have been right.
"""

import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from sidecar.errors import SidecarError

TOLERANCE = 300_000
"""ms that a signed time may be away from now (Standard Webhooks)."""

KEY_ID = "hmac-key"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BLOCK = 64
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELD = re.compile(r'(\w+)="([^"]*)"', re.ASCII)
WELL_FORMED = re.compile(rf"{FIELD.pattern}(?:[ \t]*,[ \t]*{FIELD.pattern})*", re.ASCII)
REQUIRED = frozenset({"keyId", "algorithm", "signature"})
FIELDS = REQUIRED | {"headers"}
SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class InvalidSignature(SidecarError):
    """The request is not what the holder of a key has sent, or cannot be shown to be.

    Attributes:
        step: that failed: `digest`, `date`, `cavage`, `timestamp`, `standard` or `hub`.
        fault: what was found, without the step.
    """

    def __init__(self, step: str, fault: str) -> None:
        super().__init__(f"{step}: {fault}")
        self.step = step
        self.fault = fault


def digest(body: bytes) -> str:
    """The value of `Digest` (RFC 3230): `SHA-256=<base64>`."""
    return "SHA-256=" + _base64(hashlib.sha256(body).digest())


def http_date(ms: int) -> str:
    """The value of `Date` (RFC 9110, 5.6.7: IMF-fixdate) for a time in ms; the same in every locale."""
    return _http_date(ms // 1000)


def sign_cavage(key: bytes, date: str, digest: str) -> str:
    """The value of `Signature` as Drone sends it (draft-cavage-http-signatures), over `date` and `digest`."""
    signature = _mac(key, f"date: {date}\ndigest: {digest}".encode())
    return f'keyId="{KEY_ID}",algorithm="hmac-sha256",signature="{signature}",headers="date digest"'


def sign_standard(secrets: Sequence[bytes], id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` (Standard Webhooks, `v1`): one signature for each secret, in their order.

    Args:
        secrets: the key's raw bytes; one that begins with `whsec_` is the key in base64.
        id: `webhook-id`.
        timestamp: `webhook-timestamp`, in seconds.
        body: as sent.

    Raises:
        ValueError: what follows `whsec_` is no base64.
    """
    text = b"%b.%d.%b" % (id.encode(), timestamp, body)
    return " ".join(["v1," + _mac(_standard_key(secret), text) for secret in secrets])


def sign_hub(key: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`: `sha256=<hex>`."""
    return "sha256=" + hmac.digest(key, body, "sha256").hex()


def verify_digest(headers: Mapping[str, str], body: bytes) -> None:
    """Raises `InvalidSignature` where `Digest` is not the body's. By itself it proves nothing: anyone can make one."""
    if not _same(_header(headers, "Digest", "digest"), [digest(body)]):
        raise InvalidSignature("digest", "Digest is not the body's; the body was changed on its way")


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
    fields = _cavage_fields(headers)
    if fields["algorithm"] != "hmac-sha256":
        raise InvalidSignature("cavage", "the algorithm of Signature is not hmac-sha256")
    names = fields.get("headers", "date").lower().split(" ")
    for name in ("date", "digest"):
        if names.count(name) != 1:
            raise InvalidSignature("cavage", f"Signature must cover {name}, once; else it says nothing of the request")
    if len(set(names)) != len(names):
        raise InvalidSignature("cavage", "Signature covers a header more than once")
    text = "\n".join([f"{name}: {_header(headers, name, 'cavage')}" for name in names])
    if not _same(fields["signature"], [_mac(key, _bytes(text)) for key in keys if key]):
        raise InvalidSignature("cavage", "Signature is by another secret, or a header it covers was changed")
    verify_digest(headers, body)
    if now is not None:
        _check_age("date", "Date", _parsed_date(_header(headers, "Date", "date")), now, tolerance)


def verify_standard(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[bytes],
    *,
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> None:
    """Check `webhook-signature` (Standard Webhooks, `v1`). Arguments and errors as for `verify_cavage`; a secret that
    begins with `whsec_` is decoded, and raises ValueError where it cannot be."""
    id_, timestamp, given = [
        _header(headers, name, "standard") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    ]
    if not SECONDS.fullmatch(timestamp):
        raise InvalidSignature("standard", "webhook-timestamp is no number of seconds")
    text = b"%b.%b.%b" % (_bytes(id_), timestamp.encode(), body)
    right = ["v1," + _mac(_standard_key(secret), text) for secret in secrets if secret]
    if True not in [_same(one, right) for one in given.split(" ")]:
        raise InvalidSignature(
            "standard",
            "webhook-signature is by other secrets, or the body, webhook-id or webhook-timestamp was changed",
        )
    if now is not None:
        _check_age("timestamp", "webhook-timestamp", int(timestamp) * 1000, now, tolerance)


def verify_hub(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes]) -> None:
    """Check `X-Hub-Signature-256`; it covers the body alone, no time. Raises `InvalidSignature`."""
    given = _header(headers, "X-Hub-Signature-256", "hub")
    if not _same(given, [sign_hub(key, body) for key in keys if key]):
        raise InvalidSignature("hub", "X-Hub-Signature-256 is by another secret, or the body was changed")


def _base64(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def _mac(key: bytes, text: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) from the key's two states, made once: `hmac.digest` would give up the interpreter's lock
    at each call, and under load wait for it longer than the hash takes."""
    inner, outer = _keyed(key)
    hashed, signed = inner.copy(), outer.copy()
    hashed.update(text)
    signed.update(hashed.digest())
    return _base64(signed.digest())


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    return hashlib.sha256(block.translate(INNER)), hashlib.sha256(block.translate(OUTER))


def _bytes(text: str) -> bytes:
    """What came as a header may be no Unicode; then nothing can match it."""
    return text.encode(errors="surrogatepass")


def _same(given: str, right: Sequence[str]) -> bool:
    """Whether `given` is one of `right`, in a time that does not tell how far it is right."""
    return True in [hmac.compare_digest(_bytes(given), one.encode()) for one in right]


def _standard_key(secret: bytes) -> bytes:
    if not secret.startswith(b"whsec_"):
        return secret
    try:
        if key := binascii.a2b_base64(secret[6:], strict_mode=True):
            return key
    except binascii.Error:
        pass
    raise ValueError("a secret begins with whsec_, and what follows is no base64")


def _header(headers: Mapping[str, str], name: str, step: str) -> str:
    """The one value of a header; a second one could be what another reader looks at."""
    wanted = name.lower()
    found = [value for key, value in headers.items() if key.lower() == wanted]
    if len(found) > 1:
        raise InvalidSignature(step, f"{name} is there more than once")
    if not found or not found[0]:
        raise InvalidSignature(step, f"{name} is missing")
    return found[0]


def _cavage_fields(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields of `Signature`, else of `Authorization: Signature …`; what Drone's receivers refuse is refused."""
    names = {name.lower() for name in headers}
    if "signature" in names or "authorization" not in names:
        given = _header(headers, "Signature", "cavage")
    else:
        scheme, _, given = _header(headers, "Authorization", "cavage").partition(" ")
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


def _check_age(step: str, name: str, at: int, now: int, tolerance: int) -> None:
    if abs(now - at) > tolerance:
        age, limit = abs(now - at) // 1000, tolerance // 1000
        side = "old" if at < now else "ahead of the clock here"
        raise InvalidSignature(
            step, f"{name} is {age} s {side}, more than {limit} s: sent again by someone, or a clock is wrong"
        )


def _parsed_date(text: str) -> int:
    """Of an IMF-fixdate; any other form, or a day that never was, is not what comes out again."""
    try:
        at = int(parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp()) * 1000
        if http_date(at) == text:
            return at
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    raise InvalidSignature("date", "Date is not like Fri, 02 Jan 2026 03:04:05 GMT")


@lru_cache(maxsize=16)
def _http_date(seconds: int) -> str:
    at = EPOCH + timedelta(seconds=seconds)
    day, month = DAYS[at.weekday()], MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT"


def sign_hex(key: bytes, body: bytes, algorithm: str) -> str:
    """An HMAC over the body alone, in lower-case hex: Pagure's `X-Pagure-Signature` (`sha1`) and
    `X-Pagure-Signature-256` (`sha256`); Launchpad's `X-Hub-Signature` is `sha1=` and this."""
    return hmac.digest(key, body, algorithm).hex()


def verify_hex(
    headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], *, name: str, algorithm: str, prefix: str = ""
) -> None:
    """Check the header `name` against `sign_hex`, behind `prefix`; it covers the body alone, no time. Raises
    `InvalidSignature`; the step is the algorithm."""
    given = _header(headers, name, algorithm)
    if not _same(given, [prefix + sign_hex(key, body, algorithm) for key in keys if key]):
        raise InvalidSignature(algorithm, f"{name} is by another secret, or the body was changed")
