"""Ed25519 keys for tests, made by the letter of the RFCs. Law: nothing of the sidecar's own signing is used here."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OLD_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))


def pem(key: Ed25519PrivateKey = KEY, passphrase: bytes = b"") -> bytes:
    """PKCS #8, as `openssl genpkey -algorithm ed25519` writes it."""
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: Ed25519PrivateKey = KEY) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: Ed25519PrivateKey = KEY) -> dict[str, str]:
    """RFC 8037, appendix A.2; its members alone, so without a kid."""
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"crv": "Ed25519", "kty": "OKP", "x": x}


def kid(key: Ed25519PrivateKey = KEY) -> str:
    """RFC 7638."""
    text = json.dumps(jwk(key), separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
