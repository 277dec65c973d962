"""`Digest` and `Content-Digest`: what ties a signature of headers to the body. Law: by itself a digest proves nothing,
anyone can make one; a signature must cover it."""

import hashlib
import re
from collections.abc import Mapping

from sidecar.signing.common import InvalidSignature, base64, header, same

MEMBERS = re.compile(r"[a-z*][a-z0-9_.*-]*=:[A-Za-z0-9+/=]*:(?:[ \t]*,[ \t]*[a-z*][a-z0-9_.*-]*=:[A-Za-z0-9+/=]*:)*")
MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")
HASHES = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""Those that RFC 9530 calls active."""


def digest(body: bytes) -> str:
    """The value of `Digest` (RFC 3230): `SHA-256=<base64>`."""
    return "SHA-256=" + base64(hashlib.sha256(body).digest())


def verify_digest(headers: Mapping[str, str], body: bytes) -> None:
    """Raises `InvalidSignature` where `Digest` is not the body's. By itself it proves nothing: anyone can make one."""
    if not same(header(headers, "Digest", "digest"), [digest(body)]):
        raise InvalidSignature("digest", "Digest is not the body's; the body was changed on its way")


def verify_content_digest(headers: Mapping[str, str], body: bytes) -> None:
    """Raises `InvalidSignature` where a digest of `Content-Digest` (RFC 9530) that we know is not the body's, or none
    is one that we know."""
    step = "content-digest"
    given = header(headers, "Content-Digest", step)
    if not MEMBERS.fullmatch(given):
        raise InvalidSignature(step, "Content-Digest is not like sha-256=:<base64>:")
    pairs = MEMBER.findall(given)
    if len(dict(pairs)) != len(pairs):
        raise InvalidSignature(step, "Content-Digest has an algorithm more than once")
    known = {name: value for name, value in pairs if name in HASHES}
    if not known:
        raise InvalidSignature(step, "Content-Digest has neither sha-256 nor sha-512")
    for name, value in known.items():
        if not same(value, [base64(HASHES[name](body).digest())]):
            raise InvalidSignature(step, "Content-Digest is not the body's; the body was changed on its way")
