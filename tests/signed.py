"""Signed requests, made by the letter of the specifications. Law: nothing of the sidecar's own signing is used here."""

import base64
import hashlib
import hmac
import json
from email.utils import formatdate

AT = 1_767_323_045_000
KEY = b"0123456789abcdef0123456789abcdef"
BODY = json.dumps(
    {"event": "build", "action": "updated", "repo": {"slug": "octocat/hello-world"}, "build": {"number": 1}},
    separators=(",", ":"),
).encode()


def mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def plain(body: bytes = BODY, at: int = AT) -> dict[str, str]:
    """What every request has, signed or not."""
    event = json.loads(body).get("event", "") if body.startswith(b"{") else "build"
    return {
        "X-Drone-Event": event,
        "Content-Type": "application/json",
        "Digest": "SHA-256=" + b64(hashlib.sha256(body).digest()),
        "Date": formatdate(at / 1000, usegmt=True),
        "webhook-id": "evt-1",
        "X-Drone-Delivery": "17",
        "X-Drone-Attempt": "2",
    }


def cavage(headers: dict[str, str], key: bytes = KEY) -> dict[str, str]:
    """draft-cavage-http-signatures, as Drone has it."""
    text = f"date: {headers['Date']}\ndigest: {headers['Digest']}"
    signature = b64(mac(key, text.encode()))
    field = f'keyId="hmac-key",algorithm="hmac-sha256",signature="{signature}",headers="date digest"'
    return {**headers, "Signature": field}


def standard(headers: dict[str, str], body: bytes = BODY, *keys: bytes, at: int = AT) -> dict[str, str]:
    """Standard Webhooks, `v1`, a signature a key."""
    seconds = at // 1000
    text = f"{headers['webhook-id']}.{seconds}.".encode() + body
    signatures = " ".join(f"v1,{b64(mac(key, text))}" for key in keys or (KEY,))
    return {**headers, "webhook-timestamp": str(seconds), "webhook-signature": signatures}


def hub(headers: dict[str, str], body: bytes = BODY, key: bytes = KEY) -> dict[str, str]:
    """`X-Hub-Signature-256`, as GitHub has it."""
    return {**headers, "X-Hub-Signature-256": "sha256=" + mac(key, body).hex()}


def rfc9421(headers: dict[str, str], url: str, body: bytes = BODY, key: bytes = KEY, at: int = AT) -> dict[str, str]:
    """RFC 9421, as the contract has it, HMAC-SHA256; `url` in the form of `@target-uri`."""
    digest = f"sha-256=:{b64(hashlib.sha256(body).digest())}:"
    values = {"@method": "POST", "@target-uri": url, "content-type": headers["Content-Type"], "content-digest": digest}
    values |= {"x-drone-event": headers["X-Drone-Event"], "webhook-id": headers["webhook-id"]}
    covered = " ".join(f'"{name}"' for name in values)
    parameters = f'({covered});created={at // 1000};keyid="hmac-key";alg="hmac-sha256"'
    base = "".join(f'"{name}": {value}\n' for name, value in values.items()) + f'"@signature-params": {parameters}'
    fields = {"Signature-Input": f"drone={parameters}", "Signature": f"drone=:{b64(mac(key, base.encode()))}:"}
    return {**headers, "Content-Digest": digest, **fields}


def request(body: bytes = BODY, key: bytes = KEY, at: int = AT) -> dict[str, str]:
    """Headers as the sidecar sends them by default."""
    return standard(cavage(plain(body, at), key), body, key, at=at)
