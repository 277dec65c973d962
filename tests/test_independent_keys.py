"""Strangers verify RFC 9421 and Ed25519: http-message-signatures' own verifier, with its own clock, openssl, and the
Standard Webhooks library. Law: as in test_independent.py; public keys are those of the JWK Set."""

import base64
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from api_rig import HOOK, house
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms
from msgspec.structs import replace
from signing_keys import pem
from standardwebhooks import Webhook

from sidecar.dialects import drone
from sidecar.model import Endpoint, Instance, Secret
from sidecar.signing.rfc9421 import COVERED, Message

SECRET = b"0123456789abcdef0123456789abcdef"
URL = "https://hooks.example/a?b=c"
RAW = '{"event":"build","action":"created","repo":{"slug":"octocat/hello"},"build":{"number":1,"ref":"☃"}}'.encode()
SIGNED = Endpoint("hooks", "drone", URL, (Secret(SECRET),), signatures=("rfc9421", "standard"))
KEYED = replace(SIGNED, signing_keys=(Secret(pem()),))

Signed = tuple[dict[str, str], bytes]


def request(endpoint: Endpoint, now: int | None = None) -> Signed:
    at = now or time.time_ns() // 1_000_000
    event = drone.read(RAW, id="evt-1", now=at, instance=Instance())
    sent = drone.write(event, endpoint, delivery=1, attempt=1, now=at, instance=Instance())
    return dict(sent.headers), sent.body


async def published(folder: Path) -> dict[str, Ed25519PublicKey]:
    """As a receiver reads them: fetched from the socket, by their kid."""
    async with house(folder, endpoints=(replace(HOOK, signing_keys=KEYED.signing_keys),)) as sidecar:
        keys = json.loads((await sidecar.get("/.well-known/jwks.json")).body)["keys"]
    return {key["kid"]: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=")) for key in keys}


def library(signed: Signed, keys: dict[str, Ed25519PublicKey], url: str = URL) -> bool:
    """By the library's verifier, as its documentation uses it; it reads the clock, so we must too."""
    headers, body = signed
    algorithm = algorithms.ED25519 if keys else algorithms.HMAC_SHA256
    known = MappingKeyResolver(public_keys=keys or {"hmac-key": SECRET}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=known)
    try:
        [result] = verifier.verify(Message("POST", url, headers), require_components=COVERED, body=body)
    except InvalidSignature:
        return False
    return result.body == body


@pytest.mark.parametrize("endpoint", [SIGNED, KEYED], ids=["secret", "key"])
async def test_the_library_s_own_verifier_takes_what_we_sign_and_refuses_what_was_changed(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    keys = await published(tmp_path) if endpoint is KEYED else {}
    headers, body = request(endpoint)
    assert library((headers, body), keys)
    assert not library((headers, body + b" "), keys)
    assert not library((headers, body), keys, url=URL + "d")
    for name in ("webhook-id", "X-Drone-Event", "Content-Digest"):
        assert not library(({**headers, name: headers[name] + "x"}, body), keys)
    assert not library(request(endpoint, now=1_767_323_045_000), keys)


@pytest.mark.parametrize("scheme", ["rfc9421", "v1a"])
async def test_openssl_verifies_what_a_key_signed(scheme: str, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here; nothing was verified with it")
    headers, body = request(KEYED)
    [(kid, key)] = (await published(tmp_path)).items()
    if scheme == "v1a":
        text = f"evt-1.{headers['webhook-timestamp']}.".encode() + body
        signature = headers["webhook-signature"].split(" ")[1].removeprefix("v1a,")
    else:
        parameters = headers["Signature-Input"].removeprefix("drone=")
        assert f'keyid="{kid}"' in parameters
        rows = [("@method", "POST"), ("@target-uri", URL), ("content-type", "application/json")]
        rows += [(name.lower(), headers[name]) for name in ("Content-Digest", "X-Drone-Event", "webhook-id")]
        rows += [("@signature-params", parameters)]
        text = "\n".join(f'"{name}": {value}' for name, value in rows).encode()
        signature = headers["Signature"].removeprefix("drone=:").removesuffix(":")
    assert openssl(tmp_path, key, text, base64.b64decode(signature))
    assert not openssl(tmp_path, key, text + b" ", base64.b64decode(signature))


def openssl(folder: Path, key: Ed25519PublicKey, text: bytes, signature: bytes) -> bool:
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in (("key", public), ("text", text), ("signature", signature)):
        (folder / name).write_bytes(content)
    files = ("-inkey", "key", "-in", "text", "-sigfile", "signature")
    command = ("openssl", "pkeyutl", "-verify", "-pubin", "-rawin", *files)
    return subprocess.run(command, check=False, cwd=folder, capture_output=True).returncode == 0


def test_the_standard_webhooks_library_reads_v1_beside_a_v1a_that_it_does_not_know() -> None:
    headers, body = request(KEYED)
    assert [one.partition(",")[0] for one in headers["webhook-signature"].split(" ")] == ["v1", "v1a"]
    webhook = Webhook("whsec_" + base64.b64encode(SECRET).decode())
    assert webhook.verify(body, headers)["build"]["number"] == 1
