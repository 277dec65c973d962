"""Signatures. Law: what is right comes from the specifications' own examples, from openssl or the standard library;
never from the code under test."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar import signing
from sidecar.signing import InvalidSignature

KEY = b"0123456789abcdef0123456789abcdef"
OTHER = b"fedcba9876543210fedcba9876543210"
NOW = 1_767_323_045_000
BODY = b'{"event":"ping","action":""}'
GOLDEN = (Path(__file__).parent / "golden" / "drone" / "ping.http").read_text("utf-8")
HEADERS = dict(line.split(": ", 1) for line in GOLDEN.partition("\n\n")[0].splitlines())
"""A request that openssl has signed, in all three ways."""

VERIFY: dict[str, Callable[..., None]] = {
    "cavage": signing.verify_cavage,
    "standard": signing.verify_standard,
    "hub": signing.verify_hub,
}


def signature(**fields: str) -> dict[str, str]:
    """The headers, with other fields in `Signature`; "" leaves one out."""
    mine = dict(re.findall(r'(\w+)="([^"]*)"', HEADERS["Signature"])) | fields
    return HEADERS | {"Signature": ",".join(f'{name}="{value}"' for name, value in mine.items() if value)}


def cavage_over(*names: str, **headers: str) -> dict[str, str]:
    """Rightly signed, over these headers."""
    all_ = {name.lower(): value for name, value in (HEADERS | headers).items()}
    text = "\n".join(f"{name}: {all_[name]}" for name in names)
    mac = base64.b64encode(hmac.digest(KEY, text.encode(), "sha256")).decode()
    return signature(signature=mac, headers=" ".join(names)) | headers


def refusal(scheme: str, headers: dict[str, str], now: int | None) -> InvalidSignature | None:
    """Why it is refused, None where it is not."""
    try:
        VERIFY[scheme](headers, BODY, [KEY], **({} if scheme == "hub" else {"now": now}))
    except InvalidSignature as error:
        return error
    return None


def test_cavage_is_signed_as_openssl_does() -> None:
    assert signing.sign_cavage(KEY, HEADERS["Date"], HEADERS["Digest"]) == HEADERS["Signature"]
    assert signing.digest(BODY) == HEADERS["Digest"]
    assert signing.sign_hub(KEY, BODY) == HEADERS["X-Hub-Signature-256"]


def test_standard_webhooks_own_example_comes_out() -> None:
    """From the libraries of the specification."""
    secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = signing.sign_standard([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_github_own_example_comes_out() -> None:
    """From "Validating webhook deliveries" in GitHub's documentation."""
    made = signing.sign_hub(b"It's a Secret to Everybody", b"Hello, World!")
    assert made == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


@given(key=st.binary(min_size=1, max_size=200), body=st.binary(max_size=200))
def test_every_key_signs_as_hmac_says(key: bytes, body: bytes) -> None:
    if key.startswith(b"whsec_"):
        return
    mac = base64.b64encode(hmac.digest(key, b"a.1." + body, "sha256")).decode()
    assert signing.sign_standard([key], "a", 1, body) == f"v1,{mac}"
    assert signing.digest(body) == "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_rotation_signs_once_for_each_secret_newest_first() -> None:
    both = signing.sign_standard([KEY, OTHER], "a", 1, BODY)
    assert both.split(" ") == [signing.sign_standard([key], "a", 1, BODY) for key in (KEY, OTHER)]


@pytest.mark.parametrize("secret", [b"whsec_", b"whsec_?", b"whsec_abc"])
def test_a_key_that_cannot_be_decoded_is_never_signed_with(secret: bytes) -> None:
    with pytest.raises(ValueError, match="no base64"):
        signing.sign_standard([secret], "a", 1, BODY)


@pytest.mark.parametrize(("ms", "date"), [
    (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (NOW + 999, "Fri, 02 Jan 2026 03:04:05 GMT"),
    (1_709_164_800_000, "Thu, 29 Feb 2024 00:00:00 GMT"),
])  # fmt: skip
def test_a_date_is_written_as_the_rfc_does(ms: int, date: str) -> None:
    assert signing.http_date(ms) == date


@given(st.integers(0, 2**37))
def test_every_date_is_the_standard_librarys(seconds: int) -> None:
    assert signing.http_date(seconds * 1000) == formatdate(seconds, usegmt=True)


@pytest.mark.parametrize("scheme", VERIFY)
def test_what_openssl_has_signed_is_verified_by_any_of_the_keys(scheme: str) -> None:
    VERIFY[scheme](HEADERS, BODY, [KEY])
    VERIFY[scheme](HEADERS, BODY, [OTHER, KEY])
    VERIFY[scheme]({name.swapcase(): value for name, value in HEADERS.items()}, BODY, [KEY])


@pytest.mark.parametrize("scheme", VERIFY)
def test_another_key_or_none_verifies_nothing(scheme: str) -> None:
    for keys in ([OTHER], []):
        with pytest.raises(InvalidSignature, match=f"^{scheme}: ") as caught:
            VERIFY[scheme](HEADERS, BODY, keys)
        assert caught.value.step == scheme


def test_an_empty_secret_matches_nothing_not_even_what_it_signed() -> None:
    """A receiver whose variable is not set must not take what anyone can sign."""
    date, digest = HEADERS["Date"], HEADERS["Digest"]
    headers = {"webhook-id": "a", "webhook-timestamp": "1", "Date": date, "Digest": digest}
    headers["Signature"] = signing.sign_cavage(b"", date, digest)
    headers["webhook-signature"] = signing.sign_standard([b""], "a", 1, BODY)
    headers["X-Hub-Signature-256"] = signing.sign_hub(b"", BODY)
    headers["X-Hex"] = signing.sign_hex(b"", BODY, "sha1")
    checks: list[Callable[..., None]] = [*VERIFY.values(), partial(signing.verify_hex, name="X-Hex", algorithm="sha1")]
    for verify in checks:
        with pytest.raises(InvalidSignature, match=r"other secrets|another secret"):
            verify(headers, BODY, [b""])


BAD: list[tuple[str, dict[str, str], str, str]] = [
    ("cavage", HEADERS | {"Digest": ""}, "cavage", "digest is missing"),
    ("cavage", HEADERS | {"Digest": "MD5=xyz"}, "cavage", "another secret, or a header"),
    ("cavage", cavage_over("date", "digest", Digest="MD5=xyz"), "digest", "not the body's"),
    ("cavage", cavage_over("date", "digest", Digest=HEADERS["Digest"].lower()), "digest", "not the body's"),
    ("cavage", HEADERS | {"Date": "Fri, 02 Jan 2026 03:04:06 GMT"}, "cavage", "another secret, or a header"),
    ("cavage", HEADERS | {"Date": ""}, "cavage", "date is missing"),
    ("cavage", HEADERS | {"Signature": ""}, "cavage", "Signature is missing"),
    ("cavage", HEADERS | {"Signature": "nonsense"}, "cavage", "not fields of name"),
    ("cavage", HEADERS | {"Signature": HEADERS["Signature"] + ","}, "cavage", "one comma between two"),
    ("cavage", HEADERS | {"Signature": HEADERS["Signature"].replace(",", ";")}, "cavage", "one comma between two"),
    ("cavage", HEADERS | {"DATE": "Fri, 02 Jan 2026 03:04:05 GMT"}, "cavage", "more than once"),
    ("cavage", signature(keyId=""), "cavage", "has no keyId"),
    ("cavage", signature(algorithm=""), "cavage", "has no algorithm"),
    ("cavage", signature(signature=""), "cavage", "has no signature"),
    ("cavage", signature(signature="AAAA"), "cavage", "another secret"),
    ("cavage", signature(signature="ünsigned"), "cavage", "another secret"),
    ("cavage", signature(algorithm="hs2019"), "cavage", "not hmac-sha256"),
    ("cavage", signature(algorithm="hmac-sha1"), "cavage", "not hmac-sha256"),
    ("cavage", signature(created="1767323045"), "cavage", "a field created, which is none"),
    ("cavage", signature(expires="1767323345"), "cavage", "a field expires, which is none"),
    ("cavage", signature(headers=""), "cavage", "must cover digest"),
    ("cavage", cavage_over("date"), "cavage", "must cover digest"),
    ("cavage", cavage_over("digest"), "cavage", "must cover date"),
    ("cavage", cavage_over("date", "digest", "date"), "cavage", "must cover date, once"),
    ("cavage", cavage_over("date", "digest", "webhook-id", "webhook-id"), "cavage", "a header more than once"),
    ("cavage", signature(headers="(request-target) date digest"), "cavage", r"\(request-target\) is missing"),
    ("cavage", HEADERS | {"Signature": HEADERS["Signature"] + ',keyId="other"'}, "cavage", "a field more than once"),
    ("cavage", {**HEADERS, "Signature": "", "Authorization": HEADERS["Signature"]}, "cavage", "Signature is missing"),
    ("standard", HEADERS | {"webhook-id": ""}, "standard", "webhook-id is missing"),
    ("standard", HEADERS | {"webhook-id": "evt-pong"}, "standard", "webhook-id or webhook-timestamp was changed"),
    ("standard", HEADERS | {"webhook-timestamp": "1767323046"}, "standard", "was changed"),
    ("standard", HEADERS | {"webhook-timestamp": "1767323045.0"}, "standard", "no number of seconds"),
    ("standard", HEADERS | {"webhook-timestamp": "-1"}, "standard", "no number of seconds"),
    ("standard", HEADERS | {"webhook-timestamp": "9" * 5000}, "standard", "no number of seconds"),
    ("standard", HEADERS | {"webhook-signature": "v2" + HEADERS["webhook-signature"][2:]}, "standard", "other secrets"),
    ("standard", HEADERS | {"webhook-signature": HEADERS["webhook-signature"][3:]}, "standard", "other secrets"),
    ("standard", HEADERS | {"Webhook-Signature": "v1,x"}, "standard", "more than once"),
    ("hub", HEADERS | {"X-Hub-Signature-256": ""}, "hub", "is missing"),
    ("hub", HEADERS | {"X-Hub-Signature-256": HEADERS["X-Hub-Signature-256"][7:]}, "hub", "another secret"),
    ("hub", HEADERS | {"X-Hub-Signature-256": HEADERS["X-Hub-Signature-256"].upper()}, "hub", "another secret"),
]


@pytest.mark.parametrize(("scheme", "headers", "step", "fault"), BAD)
def test_a_refusal_names_the_step_that_failed(scheme: str, headers: dict[str, str], step: str, fault: str) -> None:
    with pytest.raises(InvalidSignature, match=fault) as caught:
        VERIFY[scheme](headers, BODY, [KEY], **({} if scheme == "hub" else {"now": NOW}))
    assert caught.value.step == step
    assert KEY.decode() not in str(caught.value)


def test_a_signature_may_come_as_authorization() -> None:
    """Drone's receivers take it from there where there is no `Signature`."""
    headers = {name: value for name, value in HEADERS.items() if name != "Signature"}
    signing.verify_cavage(headers | {"Authorization": "Signature " + HEADERS["Signature"]}, BODY, [KEY])
    with pytest.raises(InvalidSignature, match="Signature is missing"):
        signing.verify_cavage(headers | {"Authorization": "Basic " + HEADERS["Signature"]}, BODY, [KEY])
    with pytest.raises(InvalidSignature, match="Signature is missing"):
        signing.verify_cavage(headers, BODY, [KEY])


def test_more_headers_may_be_signed_and_then_count() -> None:
    headers = cavage_over("date", "digest", "webhook-id")
    signing.verify_cavage(headers, BODY, [KEY])
    with pytest.raises(InvalidSignature, match=r"^cavage: "):
        signing.verify_cavage(headers | {"webhook-id": "evt-pong"}, BODY, [KEY])


@pytest.mark.parametrize(("scheme", "step"), [("cavage", "date"), ("standard", "timestamp")])
@pytest.mark.parametrize("off", [-300_001, 300_001])
def test_what_is_too_old_or_of_the_future_is_refused_where_time_is_asked_for(scheme: str, step: str, off: int) -> None:
    verify = VERIFY[scheme]
    with pytest.raises(InvalidSignature, match=r" 300 s .*more than 300 s") as caught:
        verify(HEADERS, BODY, [KEY], now=NOW + off)
    assert caught.value.step == step
    verify(HEADERS, BODY, [KEY], now=NOW + off, tolerance=300_001)
    verify(HEADERS, BODY, [KEY])


@pytest.mark.parametrize(
    "date",
    [
        "soon",
        "1767323045",
        "Fri, 99 Jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 0000 00:00:00 GMT",
        "Fri, 02 Jan 26 03:04:05 GMT",
        "Thu, 02 Jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 +0000",
        "Fri, 02 Jan 2026 03:04:05 -0000",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, \u0660\u0662 Jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 GMT ",
    ],
)
def test_a_signed_date_that_is_none_is_refused_where_time_is_asked_for(date: str) -> None:
    headers = cavage_over("date", "digest", Date=date)
    signing.verify_cavage(headers, BODY, [KEY])
    with pytest.raises(InvalidSignature, match=r"^date: "):
        signing.verify_cavage(headers, BODY, [KEY], now=NOW)


@given(bit=st.integers(0, len(BODY) * 8 - 1))
def test_no_bit_of_the_body_can_be_changed(bit: int) -> None:
    body = bytearray(BODY)
    body[bit // 8] ^= 1 << bit % 8
    for verify in VERIFY.values():
        with pytest.raises(InvalidSignature):
            verify(HEADERS, bytes(body), [KEY])


@given(
    name=st.sampled_from(sorted(HEADERS)),
    value=st.text(st.characters(codec=None), max_size=80),
    now=st.none() | st.integers(),
)
def test_no_header_is_a_surprise(name: str, value: str, now: int | None) -> None:
    """Refused, or right because the scheme does not cover it."""
    covered = {"cavage": ("Date", "Digest", "Signature"), "hub": ("X-Hub-Signature-256",)}
    covered["standard"] = ("webhook-id", "webhook-timestamp", "webhook-signature")
    for scheme in VERIFY:
        error = refusal(scheme, HEADERS | {name: value}, now)
        if name in covered[scheme]:
            assert error or HEADERS[name] == value
        else:
            assert error is None or error.step in {"date", "timestamp"}


def test_a_hostile_header_does_not_take_long() -> None:
    for value in (
        "a" * 100_000,
        'a="' * 30_000,
        'a="",' * 30_000,
        'a=""' + " \t" * 50_000,
        ("date " * 30_000).join(('headers="', '"')),
    ):
        with pytest.raises(InvalidSignature):
            signing.verify_cavage(HEADERS | {"Signature": value}, BODY, [KEY])
