"""How a request is signed, and how the signature is checked: cavage, RFC 9421, Standard Webhooks, hub.

Law: pure. A scheme is a pair of functions, `sign_…` and `verify_…`. Secrets are compared in constant time and never
shown: a fault names the step that failed and the header, never a key, nor what would have been right. What only some
need, `rfc9421` and `ed25519`, is imported where they need it.
"""

from sidecar.signing.cavage import sign_cavage, verify_cavage, verify_cavage_head, verify_date
from sidecar.signing.common import KEY_ID, TOLERANCE, InvalidSignature
from sidecar.signing.dates import http_date
from sidecar.signing.digests import digest, verify_content_digest, verify_digest
from sidecar.signing.keys import PublicKeys
from sidecar.signing.plain import sign_hex, sign_hub, verify_hex, verify_hub
from sidecar.signing.standard import sign_standard, verify_standard

__all__ = [
    "KEY_ID",
    "TOLERANCE",
    "InvalidSignature",
    "PublicKeys",
    "digest",
    "http_date",
    "sign_cavage",
    "sign_hex",
    "sign_hub",
    "sign_standard",
    "verify_cavage",
    "verify_cavage_head",
    "verify_content_digest",
    "verify_date",
    "verify_digest",
    "verify_hex",
    "verify_hub",
    "verify_standard",
]
