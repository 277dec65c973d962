"""What a receiver is promised: only what is signed gets through, and what is told of it is what was signed."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed import AT, BODY, KEY, cavage, hub, plain, request, standard

from sidecar.receiver import Verified, steps, verify
from sidecar.signing import InvalidSignature


def test_a_request_as_the_sidecar_sends_it_is_verified() -> None:
    assert verify(request(), BODY, [KEY], now=AT) == Verified(
        event="build",
        name="build:updated",
        subject="octocat/hello-world",
        id="evt-1",
        delivery=17,
        attempt=2,
        schemes=("cavage", "standard"),
        body=json.loads(BODY),
    )


def test_header_names_may_come_in_any_case() -> None:
    headers = {name.upper(): value for name, value in request().items()}
    assert verify(headers, BODY, [KEY], now=AT).schemes == ("cavage", "standard")


@pytest.mark.parametrize(
    ("headers", "schemes"),
    [
        (cavage(plain()), ("cavage",)),
        (standard(plain()), ("standard",)),
        (hub(plain()), ("hub",)),
        (hub(request()), ("cavage", "standard", "hub")),
    ],
)
def test_each_scheme_alone_will_do_and_all_are_told(headers: dict[str, str], schemes: tuple[str, ...]) -> None:
    assert verify(headers, BODY, [KEY], now=AT).schemes == schemes


def test_drone_s_own_request_is_verified_too() -> None:
    """It has no id, no delivery's number, no attempt."""
    ours = ("webhook-id", "X-Drone-Delivery", "X-Drone-Attempt")
    headers = {name: value for name, value in cavage(plain()).items() if name not in ours}
    it = verify(headers, BODY, [KEY], now=AT)
    assert (it.id, it.delivery, it.attempt) == ("", 0, 0)


def test_a_ping_is_called_ping() -> None:
    body = b'{"event":"ping","action":""}'
    it = verify(request(body), body, [KEY], now=AT)
    assert (it.event, it.name, it.subject) == ("ping", "ping", "")


def test_a_user_s_event_is_about_the_login() -> None:
    body = b'{"event":"user","action":"created","user":{"login":"octocat"}}'
    assert verify(request(body), body, [KEY], now=AT).subject == "octocat"


def test_a_secret_may_be_text_and_any_of_several() -> None:
    assert verify(request(), BODY, ["another", KEY.decode()], now=AT).id == "evt-1"
    assert verify(request(), BODY, KEY, now=AT).id == "evt-1"
    assert verify(request(), BODY, KEY.decode(), now=AT).id == "evt-1"


def test_a_standard_webhooks_secret_is_decoded() -> None:
    headers = standard(plain(), BODY, b"raw key bytes")
    secret = "whsec_" + base64.b64encode(b"raw key bytes").decode()
    assert verify(headers, BODY, [secret], now=AT).schemes == ("standard",)


@pytest.mark.parametrize("secrets", [[], [b""], [KEY, ""], b"", ""])
def test_no_secret_or_an_empty_one_is_a_mistake_of_ours(secrets: list[bytes | str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        verify(request(), BODY, secrets, now=AT)


def test_a_request_without_any_signature_is_refused() -> None:
    with pytest.raises(
        InvalidSignature, match="no Signature, Signature-Input, webhook-signature or X-Hub-Signature-256"
    ):
        verify(plain(), BODY, [KEY], now=AT)


@pytest.mark.parametrize(
    ("headers", "step"),
    [
        (cavage(standard(plain()), b"another"), "cavage"),
        (standard(cavage(plain()), BODY, b"another"), "standard"),
        (hub(request(), BODY, b"another"), "hub"),
        ({**request(), "Digest": "SHA-256=AAAA"}, "digest"),
        ({**request(), "Digest": ""}, "digest"),
        ({**request(), "X-Drone-Event": "user"}, "event"),
        ({**request(), "Signature": "nonsense"}, "cavage"),
        ({**request(), "webhook-signature": "v1,AAAA"}, "standard"),
        ({**request(), "webhook-id": "evt-2"}, "standard"),
    ],
)
def test_every_signature_that_is_there_must_be_right(headers: dict[str, str], step: str) -> None:
    with pytest.raises(InvalidSignature, match=f"^{step}: "):
        verify(headers, BODY, [KEY], now=AT)


def test_a_digest_that_is_not_signed_for_the_body_does_not_pass_by_cavage_alone() -> None:
    """The signature covers the Digest, so the Digest must be the body's."""
    headers = cavage(plain())
    with pytest.raises(InvalidSignature, match=r"^digest: "):
        verify(headers, BODY.replace(b"octocat", b"mallory"), [KEY], now=AT)


def test_a_cavage_signature_without_the_digest_says_nothing_of_the_body() -> None:
    headers = plain()
    del headers["Digest"]
    signature = cavage({**headers, "Digest": ""})["Signature"]
    with pytest.raises(InvalidSignature):
        verify({**headers, "Signature": signature.replace("date digest", "date")}, BODY, [KEY], now=AT)


@pytest.mark.parametrize("late", [-300_001, 300_001])
def test_a_replayed_request_is_refused_unless_time_is_not_asked_for(late: int) -> None:
    late = late // 1000 * 1000 - 1000 if late < 0 else late + 1000
    for headers in (cavage(plain()), standard(plain())):
        with pytest.raises(InvalidSignature):
            verify(headers, BODY, [KEY], now=AT + late)
        verify(headers, BODY, [KEY], now=AT + late, tolerance=400_000)
        verify(headers, BODY, [KEY])


def test_duplicated_headers_cannot_hide_another_value() -> None:
    twice = [*request().items(), ("digest", plain(b"{}")["Digest"])]

    class Headers(dict[str, str]):
        def items(self):  # type: ignore[no-untyped-def] # as multidict gives them: a name twice
            return iter(twice)

    with pytest.raises(InvalidSignature):
        verify(Headers(), BODY, [KEY], now=AT)


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b"1", b"\xff", b"{}", b'{"event":1}', b'{"event":"build","action":{}}']
)
def test_a_body_that_is_no_event_is_refused_though_signed(body: bytes) -> None:
    with pytest.raises(InvalidSignature, match=r"^event: "):
        verify(request(body), body, [KEY], now=AT)


@pytest.mark.parametrize("numbers", [("x", ""), ("-1", "1.5"), ("9" * 40, "٣")])
def test_numbers_that_are_none_are_no_matter(numbers: tuple[str, str]) -> None:
    headers = {**request(), "X-Drone-Delivery": numbers[0], "X-Drone-Attempt": numbers[1]}
    it = verify(headers, BODY, [KEY], now=AT)
    assert (it.delivery, it.attempt) == (0, 0)


@given(bit=st.integers(0, len(BODY) * 8 - 1))
def test_no_bit_of_the_body_can_be_flipped(bit: int) -> None:
    body = bytearray(BODY)
    body[bit // 8] ^= 1 << bit % 8
    for headers in (cavage(plain()), standard(plain()), hub(plain())):
        with pytest.raises(InvalidSignature):
            verify(headers, bytes(body), [KEY], now=AT)


@given(name=st.sampled_from(["Date", "Digest", "Signature"]), value=st.text(max_size=120))
def test_no_signed_header_can_be_anything_else(name: str, value: str) -> None:
    headers = cavage(plain())
    if value.strip() == headers[name]:
        return
    with pytest.raises(InvalidSignature):
        verify({**headers, name: value}, BODY, [KEY], now=AT)


def test_steps_tell_of_everything_that_was_checked() -> None:
    found = steps(cavage(standard(plain(), BODY, b"another"), b"another"), BODY, [KEY], now=AT)
    assert [(step.name, bool(step.fault)) for step in found] == [
        ("digest", False),
        ("cavage", True),
        ("standard", True),
        ("event", False),
    ]


def test_no_fault_shows_a_secret() -> None:
    found = steps(request(key=b"another"), BODY, [b"hush-hush"], now=AT)
    assert not any("hush" in step.fault for step in found)
