"""The ways a request may be signed, as a receiver meets them. Law: a scheme is a row, a dialect says which are its."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from sidecar import signing
from sidecar.signing import PublicKeys

Headers = Mapping[str, str]


class Trust(Struct, frozen=True):
    """What a signature is checked by.

    Attributes:
        secrets: any of them may have signed.
        keys: of senders that sign by Ed25519.
        url: where the request was sent to; "" where it is not known.
        now: ms since the epoch, None leaves ages unchecked.
        tolerance: ms that a signed time may be away from `now`.
    """

    secrets: list[bytes]
    keys: PublicKeys | None
    url: str
    now: int | None
    tolerance: int


class Scheme(Struct, frozen=True):
    """A way to sign.

    Attributes:
        header: that tells of it, unless `other` is there as well.
        check: raises `InvalidSignature`.
        by_key: an Ed25519 key may have signed; elsewhere a receiver without a secret has nothing to check it by.
    """

    header: str
    check: Callable[[Headers, bytes, Trust], None]
    other: str = ""
    by_key: bool = False

    def is_in(self, names: set[str]) -> bool:
        """Whether a request with headers of these names, in lower case, says that it is signed so."""
        return self.header.lower() in names and self.other.lower() not in names


def _cavage(headers: Headers, body: bytes, trust: Trust) -> None:
    signing.verify_cavage(headers, body, trust.secrets, now=trust.now, tolerance=trust.tolerance)


def _rfc9421(headers: Headers, body: bytes, trust: Trust) -> None:
    from sidecar.signing import rfc9421  # noqa: PLC0415 - optional: where a sender has the scheme on

    rfc9421.verify(
        headers, body, trust.secrets, url=trust.url, keys=trust.keys, now=trust.now, tolerance=trust.tolerance
    )


def _standard(headers: Headers, body: bytes, trust: Trust) -> None:
    signing.verify_standard(headers, body, trust.secrets, keys=trust.keys, now=trust.now, tolerance=trust.tolerance)


def _hub(headers: Headers, body: bytes, trust: Trust) -> None:
    signing.verify_hub(headers, body, trust.secrets)


def _hex(name: str, algorithm: str, prefix: str = "") -> Scheme:
    def check(headers: Headers, body: bytes, trust: Trust) -> None:
        signing.verify_hex(headers, body, trust.secrets, name=name, algorithm=algorithm, prefix=prefix)

    return Scheme(name, check)


DRONE: Mapping[str, Scheme] = {
    "cavage": Scheme("Signature", _cavage, other="Signature-Input"),
    "rfc9421": Scheme("Signature-Input", _rfc9421, by_key=True),
    "standard": Scheme("webhook-signature", _standard, by_key=True),
    "hub": Scheme("X-Hub-Signature-256", _hub),
}
PAGURE: Mapping[str, Scheme] = {
    "sha1": _hex("X-Pagure-Signature", "sha1"),
    "sha256": _hex("X-Pagure-Signature-256", "sha256"),
}
LAUNCHPAD: Mapping[str, Scheme] = {"sha1": _hex("X-Hub-Signature", "sha1", "sha1=")}

DIGESTS: Mapping[str, tuple[str, Callable[[Headers, bytes], None]]] = {
    "digest": ("digest", signing.verify_digest),
    "content-digest": ("content-digest", signing.verify_content_digest),
}
"""By step: the header, in lower case, that must be the body's where it is there, signed or not."""
