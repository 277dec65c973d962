"""The ways to sign a Drone request.

Law: a scheme is a row of the table. `cavage` and `rfc9421` use the header of the same name: never both.
"""

from pathlib import Path

from sidecar.model import Secret
from sidecar.settings.values import Kind, each, items, one_of, quoted
from sidecar.signing import sign_standard

SCHEMES = ("cavage", "rfc9421", "standard", "hub")
BY_KEY = frozenset({"rfc9421", "standard"})
"""Those that an Ed25519 key can sign; the others need a secret."""


def signatures(text: str, folder: Path) -> tuple[str, ...]:
    """Schemes, each once, in the order given."""

    def one(part: str) -> str:
        if part.lower() not in SCHEMES:
            raise ValueError(f"{quoted(part)} is unknown; write any of {one_of(SCHEMES)}")
        return part.lower()

    found = tuple(dict.fromkeys(each(items(text), one)))
    if {"cavage", "rfc9421"} <= set(found):
        raise ValueError("has both cavage and rfc9421, which share a header; write one of the two")
    return found


def key_fault(secret: Secret) -> str:
    """What keeps `standard` from signing with the secret, "" where nothing does."""
    try:
        sign_standard([secret.reveal()], "id", 0, b"")
    except ValueError:
        return "begins with whsec_, and what follows is no base64; write it as it was issued, or leave standard out"
    return ""


def url_fault(url: str) -> str:
    """What keeps `rfc9421` from signing a POST to this URL, "" where nothing does. The scheme is imported here, so that
    no delivery waits for that."""
    from sidecar.signing import rfc9421  # noqa: PLC0415 - optional: where the scheme is on

    try:
        rfc9421.sign(rfc9421.What(url, "ping", "id", b"", 0), b"key")
    except ValueError:
        return "holds a character that rfc9421 cannot sign; write it percent-encoded: [ as %5B, ] as %5D"
    return ""


SIGNATURES = Kind("list", signatures)
