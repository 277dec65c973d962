"""What the schemes share: the fault they raise, headers read once, secrets compared. Law: pure; a comparison of what
could be secret takes as long whatever it finds; a fault names the step and the header, never a key."""

import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache

from sidecar.errors import SidecarError

TOLERANCE = 300_000
"""ms that a signed time may be away from now (Standard Webhooks)."""

KEY_ID = "hmac-key"
"""What a signature calls the shared secret, as Drone's does."""

BLOCK = 64
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class InvalidSignature(SidecarError):
    """The request is not what the holder of a key has sent, or cannot be shown to be.

    Attributes:
        step: that failed: a digest (`digest`, `content-digest`), a scheme (`cavage`, `rfc9421`, `standard`, `hub`,
            `sha1`, `sha256`), a time (`date`, `created`, `timestamp`), `signature` where none is there, or `event`.
        fault: what was found, without the step.
    """

    def __init__(self, step: str, fault: str) -> None:
        super().__init__(f"{step}: {fault}")
        self.step = step
        self.fault = fault


def base64(value: bytes) -> str:
    """Of the standard alphabet, with its padding, on one line."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def mac(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) from the key's two states, made once: `hmac.digest` would give up the interpreter's lock
    at each call, and under load wait for it longer than the hash takes."""
    inner, outer = _keyed(key)
    hashed, signed = inner.copy(), outer.copy()
    hashed.update(text)
    signed.update(hashed.digest())
    return signed.digest()


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    return hashlib.sha256(block.translate(INNER)), hashlib.sha256(block.translate(OUTER))


def as_bytes(text: str) -> bytes:
    """What came as a header may be no Unicode; then nothing can match it."""
    return text.encode(errors="surrogatepass")


def same(given: str, right: Iterable[str]) -> bool:
    """Whether it is any of these; every one is compared, in constant time."""
    return True in [hmac.compare_digest(as_bytes(given), one.encode()) for one in right]


def header(headers: Mapping[str, str], name: str, step: str) -> str:
    """The one value of a header; a second one could be what another reader looks at."""
    wanted = name.lower()
    found = [value for key, value in headers.items() if key.lower() == wanted]
    if len(found) > 1:
        raise InvalidSignature(step, f"{name} is there more than once")
    if not found or not found[0]:
        raise InvalidSignature(step, f"{name} is missing")
    return found[0]


def check_age(step: str, name: str, at: int, now: int, tolerance: int) -> None:
    """Raises `InvalidSignature` where `at` is more than `tolerance` away from `now`, all in ms."""
    if abs(now - at) > tolerance:
        age, limit = abs(now - at) // 1000, tolerance // 1000
        side = "old" if at < now else "ahead of the clock here"
        raise InvalidSignature(
            step, f"{name} is {age} s {side}, more than {limit} s: sent again by someone, or a clock is wrong"
        )
