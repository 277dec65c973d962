"""Signatures of the body alone, in hex, as GitHub, Pagure and Launchpad have them. Law: no time is covered; whoever
checks one must remember what it has seen."""

import hmac
from collections.abc import Mapping, Sequence

from sidecar.signing.common import InvalidSignature, header, same


def sign_hub(key: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`: `sha256=<hex>`."""
    return "sha256=" + sign_hex(key, body, "sha256")


def verify_hub(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes]) -> None:
    """Check `X-Hub-Signature-256`; it covers the body alone, no time. Raises `InvalidSignature`."""
    given = header(headers, "X-Hub-Signature-256", "hub")
    if not same(given, [sign_hub(key, body) for key in keys if key]):
        raise InvalidSignature("hub", "X-Hub-Signature-256 is by another secret, or the body was changed")


def sign_hex(key: bytes, body: bytes, algorithm: str) -> str:
    """An HMAC over the body alone, in lower-case hex: Pagure's `X-Pagure-Signature` (`sha1`) and
    `X-Pagure-Signature-256` (`sha256`); Launchpad's `X-Hub-Signature` is `sha1=` and this."""
    return hmac.digest(key, body, algorithm).hex()


def verify_hex(
    headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], *, name: str, algorithm: str, prefix: str = ""
) -> None:
    """Check the header `name` against `sign_hex`, behind `prefix`; it covers the body alone, no time. Raises
    `InvalidSignature`; the step is the algorithm."""
    given = header(headers, name, algorithm)
    if not same(given, [prefix + sign_hex(key, body, algorithm) for key in keys if key]):
        raise InvalidSignature(algorithm, f"{name} is by another secret, or the body was changed")
