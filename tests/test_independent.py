"""Strangers verify what we sign: openssl, Node's crypto, the Standard Webhooks library. Law: none of them shares a line
with our own signing; where one is not installed, its tests are skipped and say so.
"""

import base64
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sidecar import signing
from sidecar.dialects import drone
from sidecar.model import Endpoint, Instance, Secret
from sidecar.signing import InvalidSignature

HERE = Path(__file__).parent
KEY, OLD = b"0123456789abcdef0123456789abcdef", b"fedcba9876543210fedcba9876543210"
NOW = 1_767_323_045_000
RAW = '{"event":"build","action":"created","repo":{"slug":"octocat/hello"},"build":{"number":1,"ref":"☃"}}'.encode()
INSTANCE = Instance(proto="https", host="drone.example", version="1")

Signed = tuple[dict[str, str], bytes]
Verifier = Callable[[Signed, Path], bool]


def request(now: int, *secrets: bytes) -> Signed:
    endpoint = Endpoint("hooks", "drone", "https://hooks.example/", tuple(Secret(secret) for secret in secrets))
    event = drone.read(RAW, id="evt-1", now=now, instance=INSTANCE)
    sent = drone.write(event, endpoint, delivery=1, attempt=1, now=now, instance=INSTANCE)
    return dict(sent.headers), sent.body


def by(*command: str) -> Verifier:
    """Asks a program; it says no by exit status 1, and nothing else counts as an answer."""

    def verify(signed: Signed, folder: Path) -> bool:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed here; nothing was verified with it")
        headers, body = signed
        (folder / "headers").write_text("".join(f"{name}: {value}\n" for name, value in headers.items()), "utf-8")
        (folder / "body").write_bytes(body)
        script = [*command[1:], KEY.decode(), str(folder / "headers"), str(folder / "body")]
        done = subprocess.run(script, check=False, capture_output=True, text=True)
        assert done.returncode in {0, 1}, done.stderr
        assert bool(done.stderr) == bool(done.returncode), done.stderr
        return done.returncode == 0

    return verify


def ours(signed: Signed, folder: Path) -> bool:
    headers, body = signed
    try:
        signing.verify_cavage(headers, body, [KEY], now=NOW)
    except InvalidSignature:
        return False
    return True


VERIFIERS: dict[str, Verifier] = {
    "openssl": by("openssl", str(HERE / "verify_cavage.sh")),
    "node": by("node", "node", str(HERE / "verify_cavage.js")),
    "ours": ours,
}


def flipped(text: str, at: int) -> str:
    """One bit of one letter, so that it stays a letter or a digit."""
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def change(name: str, at: int) -> Callable[[Signed], Signed]:
    return lambda signed: ({**signed[0], name: flipped(signed[0][name], at)}, signed[1])


CHANGES: dict[str, Callable[[Signed], Signed]] = {
    "body": lambda signed: (signed[0], signed[1][:20] + bytes([signed[1][20] ^ 1]) + signed[1][21:]),
    "body-longer": lambda signed: (signed[0], signed[1] + b"\n"),
    "date": change("Date", 5),
    "digest": change("Digest", 20),
    "signature": change("Signature", 60),
}


@pytest.mark.parametrize("who", VERIFIERS)
def test_what_we_sign_is_verified(who: str, tmp_path: Path) -> None:
    assert VERIFIERS[who](request(NOW, KEY), tmp_path)


@pytest.mark.parametrize("who", VERIFIERS)
@pytest.mark.parametrize("what", CHANGES)
def test_a_flipped_bit_is_refused(who: str, what: str, tmp_path: Path) -> None:
    assert not VERIFIERS[who](CHANGES[what](request(NOW, KEY)), tmp_path)


@pytest.mark.parametrize("who", VERIFIERS)
def test_another_secret_is_refused(who: str, tmp_path: Path) -> None:
    assert not VERIFIERS[who](request(NOW, OLD), tmp_path)


@pytest.mark.parametrize("key", [KEY, OLD], ids=["new-secret", "old-secret"])
def test_the_standard_webhooks_library_takes_either_secret_while_they_rotate(key: bytes) -> None:
    """A receiver gives it `whsec_` and the base64 of the secret's raw bytes. It reads the clock, so we must too."""
    headers, body = request(time.time_ns() // 1_000_000, KEY, OLD)
    webhook = Webhook("whsec_" + base64.b64encode(key).decode())
    assert webhook.verify(body, headers)["build"]["number"] == 1
    for bad in (headers | {"webhook-id": "evt-2"}, headers | {"webhook-signature": "v1,AAAA"}):
        with pytest.raises(WebhookVerificationError):
            webhook.verify(body, bad)
    with pytest.raises(WebhookVerificationError):
        webhook.verify(body[:-1], headers)


def test_a_secret_in_the_standards_own_form_is_the_same_key() -> None:
    secret = "whsec_" + base64.b64encode(KEY).decode()
    headers, body = request(time.time_ns() // 1_000_000, secret.encode())
    assert Webhook(secret).verify(body, headers)
