"""HTTP Message Signatures (RFC 9421), by http-message-signatures: what `rfc9421` signs, and how it is checked.

Law: pure; imported only where the scheme is on, for the library costs a start 60 ms and 10 MB. The library says what is
signed, and in which words; the HMAC over it is our own, and so is every time: the library's verifier reads no clock
here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from http_message_signatures import HTTPMessageSignaturesException as Fault
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
    algorithms,
)
from msgspec import Struct

from sidecar.signing import ed25519
from sidecar.signing.common import (
    KEY_ID,
    TOLERANCE,
    InvalidSignature,
    base64,
    check_age,
    header,
    mac,
    same,
)
from sidecar.signing.digests import verify_content_digest
from sidecar.signing.keys import PublicKeys

LABEL = "drone"
COVERED = ("@method", "@target-uri", "content-type", "content-digest", "x-drone-event", "webhook-id")
STEP = "rfc9421"
PORTS = {"http": ":80", "https": ":443"}

Headers = tuple[tuple[str, str], ...]


class Message(Struct):
    """A request as the library wants it."""

    method: str
    url: str
    headers: Any


class Form(Struct, frozen=True):
    """What is signed, as the library writes it, in the pieces between digest, id and time."""

    before_digest: str
    before_id: str
    parameters: tuple[str, str]

    def base(self, digest: str, id: str, parameters: str) -> bytes:
        """RFC 9421, section 2.5."""
        return f'{self.before_digest}{digest}{self.before_id}{id}\n"@signature-params": {parameters}'.encode()


class What(Struct, frozen=True):
    """What there is to sign: a POST of JSON.

    Attributes:
        url: the endpoint's; user-info and fragment are no part of what is signed, its query is.
        event: `X-Drone-Event`.
        id: `webhook-id`.
        body: as sent.
        created: the attempt's time, in seconds.
    """

    url: str
    event: str
    id: str
    body: bytes
    created: int


def sign(what: What, secret: bytes) -> Headers:
    """`Content-Digest`, `Signature-Input` and `Signature`, HMAC-SHA256 by the secret's raw bytes. Raises ValueError
    where the library finds that something cannot be signed."""
    return _signed(what, "hmac-sha256", KEY_ID, lambda base: mac(secret, base))


def sign_by_key(what: What, pem: bytes) -> Headers:
    """The same by an Ed25519 key; its id is the key's thumbprint."""
    return _signed(what, "ed25519", ed25519.key_id(pem), lambda base: ed25519.sign(pem, base))


def _signed(what: What, algorithm: str, key_id: str, made: Callable[[bytes], bytes]) -> Headers:
    form = _form(algorithm, key_id, what.url, what.event)
    digest = f"sha-256=:{base64(hashlib.sha256(what.body).digest())}:"
    parameters = f"{form.parameters[0]}{what.created}{form.parameters[1]}"
    signature = made(form.base(digest, plain_id(what.id), parameters))
    return (
        ("Content-Digest", digest),
        ("Signature-Input", f"{LABEL}={parameters}"),
        ("Signature", f"{LABEL}=:{base64(signature)}:"),
    )


def plain_id(id: str) -> str:
    """An id that stands in a line of its own as it is. Raises ValueError."""
    if not (id.isascii() and id.isprintable() and id == id.strip()):
        raise ValueError("an id that is signed is printable ASCII")
    return id


@lru_cache(maxsize=512)
def _form(algorithm: str, key_id: str, url: str, event: str) -> Form:
    """Made by the library, once for each kind of event of an endpoint: whole, it takes a hundred times as long as the
    HMAC. What differs from one request to the next is three values, which need no escape: they are filled in."""
    headers = {"Content-Type": "application/json", "X-Drone-Event": event, "webhook-id": HOLE}
    message = Message("POST", target_uri(url), headers)
    try:
        prepared = SIGNERS[algorithm].prepare(
            message,
            key_id=key_id,
            created=datetime.fromtimestamp(0, UTC),
            label=LABEL,
            covered_component_ids=COVERED,
            body=b"",
        )
    except Fault as fault:
        raise ValueError(str(fault)) from None
    before_digest, before_id = prepared.signature_base.decode().split(headers["Content-Digest"])
    before_id, rest = before_id.split(HOLE)
    before, after = prepared.signature_params.split("created=0;")
    form = Form(before_digest, before_id, (f"{before}created=", f";{after}"))
    assert rest == f'\n"@signature-params": {prepared.signature_params}'
    assert form.base(headers["Content-Digest"], HOLE, prepared.signature_params) == prepared.signature_base
    return form


HOLE = "\\"
"""An id that no URL can hold, nor any other value here."""

SIGNERS = {
    "hmac-sha256": HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256),
    "ed25519": HTTPMessageSigner(signature_algorithm=algorithms.ED25519),
}


def target_uri(url: str) -> str:
    """What `@target-uri` is (RFC 9421, 2.2.2): the URL as a receiver puts it together from scheme, `Host` and request
    line. So: no user-info, no fragment, no default port, host in lower case, a path."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    host = parts.netloc.rpartition("@")[2].lower().removesuffix(PORTS.get(scheme, "@"))
    return f"{scheme}://{host}{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[bytes],
    *,
    url: str,
    method: str = "POST",
    keys: PublicKeys | None = None,
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> None:
    """Check `Signature` and `Signature-Input`: one signature, which covers what `COVERED` names and was made by any of
    the secrets, or by the key that it names. Then `Content-Digest`, and the age.

    `url` is where the request was sent to, whole, as the sender has it: behind a proxy it is not what the receiver
    sees. `keys` are of senders that sign by Ed25519. The others, and what is raised, as for `verify_cavage`; the steps
    are `rfc9421`, `content-digest` and `created`.
    """
    for name in ("Signature-Input", "Signature"):
        header(headers, name, STEP)
    if not url:
        raise InvalidSignature(STEP, "it covers the URL, and none was given to compare: say where it was sent to")
    by_key = ';alg="ed25519"' in header(headers, "Signature-Input", STEP) or not secrets
    verifier = _Verifier(signature_algorithm=_Ed25519 if by_key else _Hmac, key_resolver=_Resolver(secrets, keys))
    try:
        message = Message(method, target_uri(url), headers)
        [result] = verifier.verify(message, max_age=None, require_components=COVERED)
    except Fault as fault:
        raise InvalidSignature(STEP, str(fault)[:300]) from None
    verify_content_digest(headers, body)
    if now is not None:
        _check_times(result.parameters, now, tolerance)


def _check_times(parameters: Mapping[str, int | str], now: int, tolerance: int) -> None:
    check_age("created", "created of Signature-Input", int(parameters["created"]) * 1000, now, tolerance)
    expires = parameters.get("expires")
    if expires is not None and int(expires) * 1000 < now - tolerance:
        raise InvalidSignature("created", "expires of Signature-Input is past")


class _Verifier(HTTPMessageVerifier):
    """The library's, without its clock: times are checked by us, with a `now` that we are given."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        if "created" not in sig_input.params:
            raise Fault("Signature-Input has no created: it would be right for ever")


class _Resolver(HTTPSignatureKeyResolver):
    """Hands an algorithm the id that was named, and all that could have signed."""

    def __init__(self, secrets: Sequence[bytes], keys: PublicKeys | None) -> None:
        self.secrets = [secret for secret in secrets if secret]
        self.keys = keys

    def resolve_public_key(self, key_id: str) -> Any:
        return key_id, self


class _Hmac(HTTPSignatureAlgorithm):
    """Any of the secrets; which id the sender calls them by is nothing to us."""

    algorithm_id = "hmac-sha256"

    def __init__(self, public_key: Any = None, private_key: Any = None) -> None:
        _, self._resolver = public_key

    def verify(self, signature: bytes, message: bytes) -> None:
        if not same(base64(signature), [base64(mac(secret, message)) for secret in self._resolver.secrets]):
            raise Fault("Signature is by another secret, or something that it covers was changed")


class _Ed25519(HTTPSignatureAlgorithm):
    """The key that is named."""

    algorithm_id = "ed25519"

    def __init__(self, public_key: Any = None, private_key: Any = None) -> None:
        self._id, self._resolver = public_key

    def verify(self, signature: bytes, message: bytes) -> None:
        keys = self._resolver.keys
        if keys is None:
            raise Fault("it is signed by an Ed25519 key, and no public key is here to compare")
        match keys.signed(self._id, signature, message):
            case None:
                raise Fault(f"it is signed by the key {self._id[:100]}, which is none of those here")
            case False:
                raise Fault("Signature is not by the key that it names, or something that it covers was changed")
