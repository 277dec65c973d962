"""Standard Webhooks: `v1` by shared secrets, `v1a` by Ed25519 keys, side by side in one header.

Law: the same text is signed by each: id, time and body. A receiver takes any one that it has a key for.
"""

import binascii
from collections.abc import Iterator, Mapping, Sequence

from sidecar.signing.common import TOLERANCE, InvalidSignature, as_bytes, base64, check_age, header, mac, same
from sidecar.signing.keys import PublicKeys

NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")


def sign_standard(
    secrets: Sequence[bytes], id: str, timestamp: int, body: bytes, *, signing_keys: Sequence[bytes] = ()
) -> str:
    """The value of `webhook-signature`: `v1` for each secret, then `v1a` for each signing key, in their order.

    Args:
        secrets: the key's raw bytes; one that begins with `whsec_` is the key in base64.
        id: `webhook-id`.
        timestamp: `webhook-timestamp`, in seconds.
        body: as sent.
        signing_keys: Ed25519 private keys, a PEM each.

    Raises:
        ValueError: what follows `whsec_` is no base64.
    """
    text = b"%b.%d.%b" % (id.encode(), timestamp, body)
    made = ["v1," + base64(mac(_key(secret), text)) for secret in secrets]
    if signing_keys:
        from sidecar.signing import ed25519  # noqa: PLC0415 - optional: where there is a key

        made += ["v1a," + base64(ed25519.sign(pem, text)) for pem in signing_keys]
    return " ".join(made)


def verify_standard(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[bytes],
    *,
    keys: PublicKeys | None = None,
    now: int | None = None,
    tolerance: int = TOLERANCE,
) -> None:
    """Check `webhook-signature`: one `v1` by any secret, or one `v1a` by any key, is enough. Arguments and errors as
    for `verify_cavage`; a secret that begins with `whsec_` is decoded, and raises ValueError where it cannot be."""
    id_, timestamp, given = [header(headers, name, "standard") for name in NAMES]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise InvalidSignature("standard", "webhook-timestamp is no number of seconds")
    text = b"%b.%b.%b" % (as_bytes(id_), timestamp.encode(), body)
    right = ["v1," + base64(mac(_key(secret), text)) for secret in secrets if secret]
    found = given.split(" ")
    by_secret = True in [same(one, right) for one in found]
    if not by_secret and not (keys and keys.one_signed(list(_of_v1a(found)), text)):
        raise InvalidSignature(
            "standard",
            "webhook-signature is by other secrets, or the body, webhook-id or webhook-timestamp was changed",
        )
    if now is not None:
        check_age("timestamp", "webhook-timestamp", int(timestamp) * 1000, now, tolerance)


def _of_v1a(given: Sequence[str]) -> Iterator[bytes]:
    for one in given:
        version, _, text = one.partition(",")
        if version == "v1a":
            try:
                yield binascii.a2b_base64(as_bytes(text), strict_mode=True)
            except binascii.Error:
                continue


def _key(secret: bytes) -> bytes:
    if not secret.startswith(b"whsec_"):
        return secret
    try:
        if key := binascii.a2b_base64(secret[6:], strict_mode=True):
            return key
    except binascii.Error:
        pass
    raise ValueError("a secret begins with whsec_, and what follows is no base64")
