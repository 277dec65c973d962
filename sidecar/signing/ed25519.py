"""Ed25519 keys (RFC 8032): a PEM to sign with, its public half as a JWK, and public keys to verify with.

Law: pure; imported only where there is a key, for cryptography costs a start 30 ms and 8 MB. A key is known by its
thumbprint (RFC 7638), so that whoever has its public half can tell its id.
"""

import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature as Unsigned
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from msgspec import DecodeError, json

from sidecar.signing.common import base64

BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
Jwk = dict[str, str]
Given = bytes | str | Mapping[str, Any]


def blocks(text: bytes) -> list[bytes]:
    """The PEM blocks of a file, in order."""
    return [found[0] for found in BLOCK.finditer(text)]


@lru_cache(maxsize=64)
def private(pem: bytes) -> Ed25519PrivateKey:
    """The key of a PEM. Raises ValueError, which says what it is instead and the way out, never anything of it."""
    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise ValueError("is encrypted; write it without a passphrase, and let nobody else read it") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is no private key; make one with `openssl genpkey -algorithm ed25519`") from None
    match key:
        case Ed25519PrivateKey():
            return key
        case _:
            raise ValueError("is no Ed25519 key; make one with `openssl genpkey -algorithm ed25519`")


def sign(pem: bytes, text: bytes) -> bytes:
    """The 64 bytes of a signature."""
    return private(pem).sign(text)


@lru_cache(maxsize=64)
def key_id(pem: bytes) -> str:
    """The key's id: the thumbprint of its public half."""
    return _thumbprint(private(pem).public_key())


def jwk(pem: bytes) -> Jwk:
    """The public half as a JSON Web Key (RFC 7517, RFC 8037)."""
    key = private(pem).public_key()
    return {**_members(key), "kid": _thumbprint(key), "use": "sig", "alg": "EdDSA"}


def _members(key: Ed25519PublicKey) -> Jwk:
    """What a JWK must have, in the order of the alphabet."""
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}


def _thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638: the SHA-256 of the members, sorted, without a blank."""
    return _base64url(hashlib.sha256(json.encode(_members(key))).digest())


def _base64url(value: bytes) -> str:
    return base64(value).translate(str.maketrans("+/", "-_", "="))


class Keys:
    """Implements `keys.PublicKeys` of PEMs, JWKs, JWK Sets, or the `whpk_…` of Standard Webhooks; JSON may be text.

    Raises ValueError where one is none of these, or there is no Ed25519 key at all. Keys of other kinds in a JWK Set
    are passed over (RFC 7517, section 5).
    """

    def __init__(self, given: Given | Iterable[Given]) -> None:
        several = [given] if isinstance(given, bytes | str | Mapping) else given
        self._keys = {name: key for one in several for name, key in _named(one)}
        if not self._keys:
            raise ValueError("there is no Ed25519 public key")

    def signed(self, id: str, signature: bytes, text: bytes) -> bool | None:
        return None if id not in self._keys else _signed(self._keys[id], signature, text)

    def one_signed(self, signatures: Sequence[bytes], text: bytes) -> bool:
        return True in [_signed(key, signature, text) for key in self._keys.values() for signature in signatures]


def _signed(key: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        key.verify(signature, text)
    except Unsigned:
        return False
    return True


def _named(given: Given) -> Iterator[tuple[str, Ed25519PublicKey]]:
    """Each key by its thumbprint, and by the `kid` that a JWK gives it."""
    if isinstance(given, Mapping):
        for one in given.get("keys", [given]):
            if isinstance(one, Mapping) and (one.get("kty"), one.get("crv")) == ("OKP", "Ed25519"):
                key = _of_raw(_unbase64url(one.get("x")))
                yield _thumbprint(key), key
                if isinstance(one.get("kid"), str):
                    yield one["kid"], key
        return
    text = given.encode() if isinstance(given, str) else given
    if text.lstrip().startswith(b"{"):
        yield from _named(_decoded(text))
    elif text.startswith(b"whpk_"):
        key = _of_raw(_unbase64(text[5:].strip()))
        yield _thumbprint(key), key
    else:
        for key in _of_pem(text):
            yield _thumbprint(key), key


def _decoded(text: bytes) -> Mapping[str, Any]:
    try:
        return json.decode(text, type=dict[str, Any])
    except (DecodeError, RecursionError):
        raise ValueError("what begins like a JWK, a key in JSON, is no JSON") from None


def _of_pem(text: bytes) -> Iterator[Ed25519PublicKey]:
    found = blocks(text)
    if not found:
        raise ValueError("a public key is a PEM, a JWK or JWK Set, or begins with whpk_")
    for pem in found:
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("a PEM is no public key; make it with `openssl pkey -pubout`") from None
        match key:
            case Ed25519PublicKey():
                yield key
            case _:
                raise ValueError("a PEM is no Ed25519 key")


def _of_raw(raw: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise ValueError("an Ed25519 public key has 32 bytes") from None


def _unbase64url(text: object) -> bytes:
    plain = str(text).translate(str.maketrans("-_", "+/"))
    return _unbase64((plain + "=" * (-len(plain) % 4)).encode())


def _unbase64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise ValueError("a public key is no base64") from None
