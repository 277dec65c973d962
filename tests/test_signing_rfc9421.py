"""RFC 9421 and Ed25519, checked by the RFCs' own words: a base that is written out here by hand. Law: what signs is
never asked whether it signed right."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from hypothesis import given
from hypothesis import strategies as st
from signing_keys import KEY, OLD_KEY, jwk, kid, pem, public_pem
from yarl import URL

from sidecar import signing
from sidecar.dialects import drone
from sidecar.model import Endpoint, Instance, Secret
from sidecar.settings.urls import sendable
from sidecar.signing import InvalidSignature, ed25519, rfc9421

SECRET, OLD = b"0123456789abcdef0123456789abcdef", b"fedcba9876543210fedcba9876543210"
NOW = 1_767_323_045_000
URL_ = "https://user:hush@CI.example:443/hooks?token=hush"
RAW = b'{"event":"build","action":"created","repo":{"slug":"octocat/hello"},"build":{"number":1}}'
INSTANCE = Instance(version="1")

Signed = tuple[dict[str, str], bytes]


def request(*secrets: bytes, keys: tuple[bytes, ...] = (), schemes: tuple[str, ...] = ("rfc9421",)) -> Signed:
    endpoint = Endpoint(
        "hooks", "drone", URL_, tuple(map(Secret, secrets)), signatures=schemes, signing_keys=tuple(map(Secret, keys))
    )
    event = drone.read(RAW, id="evt-1", now=NOW, instance=INSTANCE)
    sent = drone.write(event, endpoint, delivery=1, attempt=1, now=NOW, instance=INSTANCE)
    return dict(sent.headers), sent.body


def base(body: bytes, parameters: str) -> bytes:
    """RFC 9421, section 2.5, for a request of ours."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return "\n".join(
        [
            '"@method": POST',
            '"@target-uri": https://ci.example/hooks?token=hush',
            '"content-type": application/json',
            f'"content-digest": sha-256=:{digest}:',
            '"x-drone-event": build',
            '"webhook-id": evt-1',
            f'"@signature-params": {parameters}',
        ]
    ).encode()


COVERED = '("@method" "@target-uri" "content-type" "content-digest" "x-drone-event" "webhook-id")'


def raw(field: str) -> bytes:
    """The bytes of `drone=:…:`."""
    assert field.startswith("drone=:")
    assert field.endswith(":")
    return base64.b64decode(field[7:-1])


def test_a_shared_secret_signs_what_the_contract_names() -> None:
    headers, body = request(SECRET, OLD)
    parameters = headers["Signature-Input"].removeprefix("drone=")
    assert parameters == f'{COVERED};created=1767323045;keyid="hmac-key";alg="hmac-sha256"'
    assert raw(headers["Signature"]) == hmac.digest(SECRET, base(body, parameters), "sha256")


def test_a_signing_key_signs_the_same_and_names_itself_by_its_thumbprint() -> None:
    headers, body = request(SECRET, keys=(pem(), pem(OLD_KEY)))
    parameters = headers["Signature-Input"].removeprefix("drone=")
    assert parameters == f'{COVERED};created=1767323045;keyid="{kid()}";alg="ed25519"'
    KEY.public_key().verify(raw(headers["Signature"]), base(body, parameters))


def test_the_query_is_signed_and_shown_nowhere() -> None:
    headers, _ = request(SECRET)
    assert "hush" not in str(headers)


def test_each_secret_signs_v1_and_each_key_v1a_newest_first() -> None:
    headers, body = request(SECRET, OLD, keys=(pem(), pem(OLD_KEY)), schemes=("standard",))
    text = b"evt-1.1767323045." + body
    found = [one.split(",") for one in headers["webhook-signature"].split(" ")]
    assert [version for version, _ in found] == ["v1", "v1", "v1a", "v1a"]
    made = [base64.b64decode(signature) for _, signature in found]
    assert made[:2] == [hmac.digest(secret, text, "sha256") for secret in (SECRET, OLD)]
    for key, signature in zip((KEY, OLD_KEY), made[2:], strict=True):
        key.public_key().verify(signature, text)


def test_without_a_secret_a_key_signs_alone() -> None:
    headers, _ = request(keys=(pem(),), schemes=("rfc9421", "standard"))
    assert headers["webhook-signature"].startswith("v1a,")
    assert "ed25519" in headers["Signature-Input"]


IDS = st.text("abZ09_.-", min_size=1, max_size=128)
TIMES = st.integers(0, 2**33)


@given(id=IDS, body=st.binary(max_size=200), created=TIMES, event=st.sampled_from(["user", "repo", "build", "ping"]))
def test_what_is_filled_in_is_what_the_library_itself_would_make(
    id: str, body: bytes, created: int, event: str
) -> None:
    what = rfc9421.What(URL_, event, id, body, created)
    url = "https://ci.example/hooks?token=hush"
    for algorithm, name, key, made in (
        (algorithms.HMAC_SHA256, "hmac-key", SECRET, rfc9421.sign(what, SECRET)),
        (algorithms.ED25519, kid(), KEY, rfc9421.sign_by_key(what, pem())),
    ):
        headers = {"Content-Type": "application/json", "X-Drone-Event": event, "webhook-id": id}
        keys = MappingKeyResolver(public_keys={}, private_keys={name: key})
        HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=keys).sign(
            rfc9421.Message("POST", url, headers),
            key_id=name,
            created=datetime.fromtimestamp(created, UTC),
            label="drone",
            covered_component_ids=rfc9421.COVERED,
            body=body,
        )
        assert made == tuple((name, headers[name]) for name in ("Content-Digest", "Signature-Input", "Signature"))


@pytest.mark.parametrize("id", ["a\nb", " a", "\u2603"])
def test_an_id_that_would_need_an_escape_is_not_signed(id: str) -> None:
    with pytest.raises(ValueError, match="id"):
        rfc9421.sign(rfc9421.What(URL_, "build", id, b"", 0), SECRET)


USERS = st.sampled_from(["", "user@", "user:pass@"])
HOSTS = st.sampled_from(["ci.example", "CI.Example", "127.0.0.1", "[::1]", "[FE80::1]"])
PORTS = st.sampled_from(["", ":80", ":443", ":8080"])
PARTS = st.text("abZ09-._~/:@!$&'()*+,;=", max_size=12)


@given(
    scheme=st.sampled_from(["http", "https", "HTTPS"]),
    authority=st.tuples(USERS, HOSTS, PORTS).map("".join),
    path=st.one_of(st.just(""), PARTS.map(lambda text: f"/{text}")),
    query=st.one_of(st.just(""), PARTS.map(lambda text: f"?{text}")),
)
def test_the_target_uri_is_what_a_receiver_reads_from_host_and_request_line(
    scheme: str, authority: str, path: str, query: str
) -> None:
    """The wire is written by yarl, of the URL as settings hand it on; see transport/heads.py."""
    url = f"{scheme}://{authority}{path}{query}"
    wire = URL(sendable(url), encoded=True).with_user(None)
    assert rfc9421.target_uri(url) == f"{wire.scheme}://{wire.host_port_subcomponent}{wire.raw_path_qs}"


def verify(signed: Signed, *secrets: bytes, keys: Any = None, url: str = URL_, now: int = NOW) -> str:
    """The step that failed, or ok."""
    headers, body = signed
    public = ed25519.Keys(keys) if keys else None
    try:
        rfc9421.verify(headers, body, secrets, url=url, keys=public, now=now)
    except InvalidSignature as fault:
        return "shown" if "hush" in str(fault) else fault.step
    return "ok"


PUBLIC: dict[str, Any] = {
    "pem": public_pem(),
    "jwk": jwk(),
    "set": {"keys": [{"kty": "RSA", "n": "x"}, jwk(OLD_KEY), {**jwk(), "kid": "ours"}]},
    "json": json.dumps({"keys": [jwk()]}),
    "whpk": "whpk_" + base64.b64encode(KEY.public_key().public_bytes_raw()).decode(),
    "several": [public_pem(OLD_KEY), jwk()],
}


@pytest.mark.parametrize("form", PUBLIC)
def test_a_public_key_verifies_in_every_form_it_comes_in(form: str) -> None:
    assert verify(request(SECRET, keys=(pem(),)), keys=PUBLIC[form]) == "ok"
    headers, body = request(keys=(pem(),), schemes=("standard",))
    signing.verify_standard(headers, body, [], keys=ed25519.Keys(PUBLIC[form]), now=NOW)
    with pytest.raises(InvalidSignature, match="standard"):
        signing.verify_standard(headers, body + b" ", [SECRET], keys=ed25519.Keys(PUBLIC[form]), now=NOW)


@pytest.mark.parametrize("secrets", [(SECRET,), (OLD, SECRET)])
def test_any_of_the_secrets_may_have_signed(secrets: tuple[bytes, ...]) -> None:
    assert verify(request(SECRET), *secrets) == "ok"


@pytest.mark.parametrize("url", ["https://ci.example/hooks?token=hush", "https://ci.example:443/hooks?token=hush"])
def test_the_url_may_be_written_in_any_way_that_is_the_same(url: str) -> None:
    assert verify(request(SECRET), SECRET, url=url) == "ok"


def without(name: str) -> Callable[[Signed], Signed]:
    return lambda signed: ({key: value for key, value in signed[0].items() if key != name}, signed[1])


def changed(name: str, old: str, new: str) -> Callable[[Signed], Signed]:
    return lambda signed: ({**signed[0], name: signed[0][name].replace(old, new)}, signed[1])


REFUSED: dict[str, tuple[Callable[[Signed], Signed], str]] = {
    "body": (lambda signed: (signed[0], signed[1] + b"\n"), "content-digest"),
    "id": (changed("webhook-id", "1", "2"), "rfc9421"),
    "event": (changed("X-Drone-Event", "build", "repo"), "rfc9421"),
    "type": (changed("Content-Type", "json", "text"), "rfc9421"),
    "digest": (changed("Content-Digest", "sha-256=:", "sha-256=:A"), "rfc9421"),
    "no digest": (without("Content-Digest"), "rfc9421"),
    "no signature": (without("Signature"), "rfc9421"),
    "no input": (without("Signature-Input"), "rfc9421"),
    "created": (changed("Signature-Input", "1767323045", "1767323046"), "rfc9421"),
    "no created": (changed("Signature-Input", ";created=1767323045", ""), "rfc9421"),
    "coverage": (changed("Signature-Input", '"@method" ', ""), "rfc9421"),
    "no key": (changed("Signature-Input", ";keyid=", ";tag="), "rfc9421"),
    "algorithm": (changed("Signature-Input", "hmac-sha256", "hmac-sha512"), "rfc9421"),
    "expires": (changed("Signature-Input", ";keyid", ";expires=1;keyid"), "rfc9421"),
    "label": (changed("Signature", "drone", "other"), "rfc9421"),
    "two": (changed("Signature-Input", "drone=", 'a=("@method");created=1;keyid="x", drone='), "rfc9421"),
    "no field": (changed("Signature-Input", '("@method"', "(((@method"), "rfc9421"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_was_changed_is_refused_and_the_step_told(what: str) -> None:
    change, step = REFUSED[what]
    assert verify(change(request(SECRET)), SECRET) == step


@pytest.mark.parametrize(
    ("url", "now", "secret", "step"),
    [
        ("https://ci.example/hooks", NOW, SECRET, "rfc9421"),
        ("http://ci.example/hooks?token=hush", NOW, SECRET, "rfc9421"),
        ("", NOW, SECRET, "rfc9421"),
        (URL_, NOW + 301_000, SECRET, "created"),
        (URL_, NOW - 301_000, SECRET, "created"),
        (URL_, NOW + 299_000, SECRET, "ok"),
        (URL_, NOW, OLD, "rfc9421"),
        (URL_, NOW, b"", "rfc9421"),
    ],
)
def test_another_url_time_or_secret_is_refused(url: str, now: int, secret: bytes, step: str) -> None:
    assert verify(request(SECRET), secret, url=url, now=now) == step


def test_a_signature_that_covers_less_is_refused_though_it_is_right() -> None:
    headers, body = request(SECRET)
    parameters = '("@method" "content-digest");created=1767323045;keyid="hmac-key";alg="hmac-sha256"'
    text = f'"@method": POST\n"content-digest": {headers["Content-Digest"]}\n"@signature-params": {parameters}'
    made = base64.b64encode(hmac.digest(SECRET, text.encode(), "sha256")).decode()
    less = {**headers, "Signature-Input": f"drone={parameters}", "Signature": f"drone=:{made}:"}
    assert verify((less, body), SECRET) == "rfc9421"


def test_another_key_or_none_is_refused_and_a_public_key_is_no_secret() -> None:
    signed = request(SECRET, keys=(pem(),))
    assert verify(signed, SECRET) == "rfc9421"
    assert verify(signed, keys=public_pem(OLD_KEY)) == "rfc9421"
    forged = request(public_pem())
    assert verify(forged, keys=public_pem()) == "rfc9421"
    impostor = {**signed[0], "Signature-Input": signed[0]["Signature-Input"].replace(kid(), kid(OLD_KEY))}
    assert verify((impostor, signed[1]), keys=[public_pem(), public_pem(OLD_KEY)]) == "rfc9421"


def test_the_key_set_holds_the_public_half_alone_and_calls_it_by_its_thumbprint() -> None:
    assert ed25519.jwk(pem()) == {**jwk(), "kid": kid(), "use": "sig", "alg": "EdDSA"}


def test_the_thumbprint_is_the_one_of_the_rfc() -> None:
    """RFC 8037, appendix A.3."""
    key = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" in ed25519.Keys(key)._keys


EC = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("text", "fault"),
    [(pem(passphrase=b"x"), "encrypted"), (EC, "no Ed25519 key"), (public_pem(), "no private key")],
)
def test_a_pem_that_cannot_sign_says_why(text: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        ed25519.private(text)


@pytest.mark.parametrize("given_", ["", "whpk_", "whpk_!", "{", "{}", '{"keys": []}', pem(), {**jwk(), "x": "AA"}, []])
def test_what_is_no_public_key_is_never_taken_for_none(given_: Any) -> None:
    with pytest.raises(ValueError, match="key"):
        ed25519.Keys(given_)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("sha-256=x", "not like"),
        ("md5=:AA==:", "neither"),
        ("sha-256=:AA==:", "not the body's"),
        ("sha-256=:{0}:, sha-256=:{0}:", "more than once"),
        ("sha-256=:{0}:, sha-512=:AA==:", "not the body's"),
        ("sha-256=:{0}:, md5=:AA==:", ""),
        ("sha-512=:{1}:,sha-256=:{0}:", ""),
    ],
)
def test_every_digest_that_we_know_must_be_the_bodys(value: str, fault: str) -> None:
    digests = [base64.b64encode(hashlib.new(name, RAW).digest()).decode() for name in ("sha256", "sha512")]
    headers = {"content-digest": value.format(*digests)}
    with pytest.raises(InvalidSignature, match=fault) if fault else nullcontext():
        signing.verify_content_digest(headers, RAW)


def test_who_does_not_use_it_does_not_load_it() -> None:
    """Neither the process nor the library for receivers, where no such scheme and no key is set."""
    load = "import sys, sidecar.app, sidecar.cli.main, sidecar.receiver"
    tell = "print(*sys.modules.keys() & {'http_message_signatures', 'cryptography'})"
    done = subprocess.run([sys.executable, "-c", f"{load}; {tell}"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
