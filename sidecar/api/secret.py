"""The body of `PUT /endpoints/{name}/secret`. Law: no fault tells anything of what was sent, but where to look."""

from aiohttp import web
from msgspec import json

from sidecar import signing
from sidecar.errors import Malformed, Problem, TooLarge
from sidecar.model import Endpoint, Secret
from sidecar.web import reading

TEXT = "text/plain"
MOST, LONGEST = 8, 1024
LIMIT = 64 * 1024
"""Bytes of a body: room for all there may be, however JSON escapes it."""

WAY_OUT = f"with curl: -H 'Content-Type: {TEXT}' --data-binary @file, or {reading.JSON}"
FORM = '{"secret": "…"} or {"secrets": ["newest", "older"]}'


class NotASecret(Problem):
    """There is none, it is too long, there are too many, or the endpoint cannot sign with it."""

    status = 422
    title = "Not a secret"


async def secrets_for(endpoint: Endpoint, request: web.Request, stall: float) -> tuple[Secret, ...]:
    """The secrets in the body, newest first. Raises a `Problem`."""
    kind = reading.content_type(request, (TEXT, reading.JSON), WAY_OUT)
    try:
        raw = await reading.body(request, LIMIT, stall)
    except TooLarge:
        raise TooLarge(f"secrets come in a body of at most {LIMIT} bytes") from None
    found = _lines(raw) if kind == TEXT else _members(raw)
    _check(found)
    secrets = tuple(map(Secret, found))
    if fault := unusable(endpoint, secrets):
        raise NotASecret(f"a secret {fault}")
    return secrets


def unusable(endpoint: Endpoint, secrets: tuple[Secret, ...]) -> str:
    """What keeps `endpoint` from signing with `secrets`, "" where nothing does."""
    try:
        if "standard" in endpoint.signatures:
            signing.sign_standard([secret.reveal() for secret in secrets], "id", 0, b"")
    except ValueError:
        return "begins with whsec_, and what follows is no base64: write it as it was issued"
    return ""


def _lines(raw: bytes) -> list[bytes]:
    """Read as the file of a setting is: line ends and blank lines do not count."""
    return [line for line in (line.rstrip(b"\r") for line in raw.split(b"\n")) if line.strip()]


def _members(raw: bytes) -> list[bytes]:
    try:
        told = json.decode(raw)
    except (ValueError, RecursionError):
        raise Malformed(f"the body is not JSON; write {FORM}") from None
    match told:
        case {"secret": str(one), **rest} if not rest:
            texts = [one]
        case {"secrets": [*several], **rest} if not rest and all(isinstance(text, str) for text in several):
            texts = several
        case _:
            raise NotASecret(f"JSON is {FORM}, and nothing else")
    return [text.encode() for text in texts]


def _check(found: list[bytes]) -> None:
    if not 1 <= len(found) <= MOST:
        raise NotASecret(f"there are {len(found)} secrets; send 1 to {MOST}, newest first")
    for number, secret in enumerate(found, 1):
        if not 1 <= len(secret) <= LONGEST:
            raise NotASecret(f"secret {number} has {len(secret)} bytes; a secret has 1 to {LONGEST}")
        if b"\0" in secret:
            raise NotASecret(f"secret {number} holds a NUL byte; send the secret as text")
