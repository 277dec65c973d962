# SPDX-License-Identifier: Apache-2.0
"""Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.

Copy this file into your project; Python 3.9 or later, nothing else is needed. With http.server:

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        failure = verify(self.headers.items(), body, [os.environ["DRONE_WEBHOOK_SECRET"]])
        self.send_response(401 if failure else 204)
        self.end_headers()

Law: the same steps in the same order, and the same words, in every language; verifiers/vectors.json holds them to it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import sys
import time
from collections.abc import Iterable, Sequence
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

FIELD = re.compile(r'(\w+)="([^"]*)"([ \t]*,[ \t]*|\Z)', re.ASCII)
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
REQUIRED = {"keyId", "algorithm", "signature"}
KNOWN = REQUIRED | {"headers"}


class Signature(NamedTuple):
    """What the header says: the algorithm, the signature in base64, and the names of the headers it covers."""

    algorithm: str
    value: str
    names: list[str]


def verify(
    headers: Iterable[tuple[str, str]],
    body: bytes,
    secrets: Iterable[str],
    *,
    now: float | None = None,
    tolerance_seconds: float = 300,
) -> str | None:
    """None where all is right, else the word of the first step that failed.

    Args:
        headers: of the request, as pairs; names in any case.
        body: as received, before anything reads or decodes it.
        secrets: any of them may have signed: two while a secret is being changed. An empty one never matches.
        now: seconds since the epoch; the clock's where it is left out.
        tolerance_seconds: that Date may be away from now, to either side.
    """
    if isinstance(secrets, str):
        raise TypeError("secrets is a list: [secret]")
    sent: dict[str, list[str]] = {}
    for name, value in headers:
        sent.setdefault(name.lower(), []).append(value)
    now = time.time() if now is None else now
    return _check_signature(sent, secrets) or _check_digest(sent, body) or _check_date(sent, now, tolerance_seconds)


def _check_signature(sent: dict[str, list[str]], secrets: Iterable[str]) -> str | None:
    text = _signature_text(sent)
    if text is None:
        return "missing-signature"
    signature = _parsed(text)
    if signature is None:
        return "malformed-signature"
    if signature.algorithm != "hmac-sha256":
        return "unknown-algorithm"
    if "digest" not in signature.names:
        return "digest-not-signed"
    counts = [len(sent.get(name, [])) for name in signature.names]
    if min(counts) < 1:
        return "missing-header"
    if max(counts) > 1:
        return "duplicate-header"
    signed = "\n".join([f"{name}: {sent[name][0]}" for name in signature.names])
    if not any(_same(signature.value, _mac(secret, signed)) for secret in secrets if secret):
        return "wrong-signature"
    return None


def _check_digest(sent: dict[str, list[str]], body: bytes) -> str | None:
    right = "SHA-256=" + _base64(hashlib.sha256(body).digest())
    return None if _same(sent["digest"][0], right) else "wrong-digest"


def _check_date(sent: dict[str, list[str]], now: float, tolerance: float) -> str | None:
    date = _seconds(sent["date"][0])
    if date is None:
        return "malformed-date"
    return None if abs(now - date) <= tolerance else "stale-date"


def _signature_text(sent: dict[str, list[str]]) -> str | None:
    """The value of Signature, else of Authorization where its scheme is Signature; None for neither."""
    if "signature" in sent:
        return ",".join(sent["signature"])
    scheme, _, text = ",".join(sent.get("authorization", [])).partition(" ")
    return text if scheme.lower() == "signature" else None


def _parsed(text: str) -> Signature | None:
    """None where it is not well-formed."""
    fields: dict[str, str] = {}
    at, comma = 0, ","
    while comma:
        field = FIELD.match(text, at)
        if field is None or field[1] not in KNOWN or field[1] in fields:
            return None
        fields[field[1]] = field[2]
        at, comma = field.end(), field[3]
    value = fields.get("signature", "")
    names = fields.get("headers", "date").lower().split(" ")
    complete = all(fields.get(name) for name in REQUIRED)
    if not complete or not _is_base64(value) or "date" not in names or len(set(names)) < len(names):
        return None
    return Signature(fields["algorithm"], value, names)


def _is_base64(text: str) -> bool:
    return len(text) % 4 == 0 and BASE64.fullmatch(text) is not None


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _mac(secret: str, text: str) -> str:
    return _base64(hmac.digest(_bytes(secret), _bytes(text), "sha256"))


def _same(given: str, right: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(_bytes(given), _bytes(right))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _seconds(date: str) -> int | None:
    """Of an IMF-fixdate (RFC 9110, 5.6.7), since the epoch; None for any other form, and for a day that never was."""
    try:
        seconds = int(parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return seconds if formatdate(seconds, usegmt=True) == date else None


# The rest checks this file against the vectors: python3 verify.py vectors.json. Leave it out of your project.


def main(arguments: Sequence[str]) -> None:
    """Print `name: word` for each case of the file."""
    for case in json.loads(Path(arguments[0]).read_bytes()):
        body = base64.b64decode(case["body_base64"])
        clock = {"now": case["now"], "tolerance_seconds": case["tolerance"]}
        failure = verify(case["headers"], body, case["secrets"], **clock)
        print(f"{case['name']}: {failure or 'ok'}")


if __name__ == "__main__":
    main(sys.argv[1:])
