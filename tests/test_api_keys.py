"""`/.well-known/jwks.json`: whoever fetches it can verify. Law: as in api_rig.py; a key that was fetched is used by
strangers to our own signing."""

import base64
from pathlib import Path

from admin_rig import administered
from api_rig import BUILDS, HOOK, house
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec.structs import replace
from signing_keys import OLD_KEY, kid, pem

from sidecar.dialects import drone
from sidecar.model import Endpoint, Instance, Secret

PEMS = (Secret(pem()), Secret(pem(OLD_KEY)))


async def test_every_signing_key_is_published_once_by_its_public_half(tmp_path: Path) -> None:
    endpoints = (replace(HOOK, signing_keys=PEMS), replace(BUILDS, signing_keys=PEMS[1:]))
    async with house(tmp_path, endpoints=endpoints) as sidecar:
        answer = await sidecar.get("/.well-known/jwks.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/jwk-set+json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    keys = answer.json["keys"]
    assert [key["kid"] for key in keys] == [kid(), kid(OLD_KEY)]
    assert all(key.keys() == {"crv", "kty", "x", "kid", "use", "alg"} for key in keys)


async def test_without_a_signing_key_the_set_is_empty(tmp_path: Path) -> None:
    async with house(tmp_path) as sidecar:
        assert (await sidecar.get("/.well-known/jwks.json")).json == {"keys": []}


async def test_it_is_open_to_everyone_over_tcp_also_off_loopback(tmp_path: Path) -> None:
    async with administered(tmp_path, loopback=False, endpoints=(replace(HOOK, signing_keys=PEMS),)) as admin:
        answer = await admin.get("/.well-known/jwks.json")
    assert (answer.status, [key["kid"] for key in answer.json["keys"]]) == (200, [kid(), kid(OLD_KEY)])


async def test_a_verifier_that_fetched_the_set_finds_the_key_that_signed(tmp_path: Path) -> None:
    """By hand: the keyid names the key, the key verifies what `v1a` covers."""
    endpoint = Endpoint("e", "drone", "https://ci.example/", signing_keys=PEMS, signatures=("rfc9421", "standard"))
    async with house(tmp_path, endpoints=(endpoint,)) as sidecar:
        keys = {key["kid"]: key["x"] for key in (await sidecar.get("/.well-known/jwks.json")).json["keys"]}
    ping = drone.ping(id="p-1", now=0, instance=Instance())
    headers = dict(drone.write(ping, endpoint, delivery=1, attempt=1, now=1000, instance=Instance()).headers)
    named = headers["Signature-Input"].partition('keyid="')[2].partition('"')[0]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(keys[named] + "="))
    signature = headers["webhook-signature"].split(" ")[0].removeprefix("v1a,")
    public.verify(base64.b64decode(signature), b"p-1.1." + ping.body)
