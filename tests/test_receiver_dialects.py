"""The receiver's library in every dialect and scheme. Law: requests are the golden ones, or made by the letter of the
specifications; nothing of the sidecar's own signing makes them."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from multidict import CIMultiDict
from receivers import unused_port
from signed import AT, BODY, KEY, b64, cavage, hub, plain, request, rfc9421, standard
from signing_keys import KEY as SIGNING
from signing_keys import OLD_KEY, jwk, public_pem

from sidecar.cli import saved
from sidecar.receiver import InvalidSignature, public_keys, steps, verify
from sidecar.receiver.aiohttp import VERIFIED, verifying

ROOM = Path(__file__).parent.parent / "sidecar" / "receiver"
GOLDEN = Path(__file__).parent / "golden"
URL = "https://ci.example/hooks?token=hush"


def pagure(body: bytes, key: bytes = KEY) -> CIMultiDict[str]:
    made = {name: hmac.digest(key, body, algorithm).hex() for name, algorithm in (("", "sha1"), ("-256", "sha256"))}
    signed = {f"X-Pagure-Signature{name}": value for name, value in made.items()}
    return CIMultiDict({"X-Pagure-Topic": "issue.new", "webhook-id": "evt-1", **signed})


def told(body: bytes, headers: dict[str, str]) -> CIMultiDict[str]:
    return CIMultiDict({**pagure(body), **headers})


def launchpad(body: bytes, type_: str, key: bytes = KEY) -> dict[str, str]:
    signature = "sha1=" + hmac.digest(key, body, "sha1").hex()
    return {"X-Launchpad-Event-Type": type_, "X-Launchpad-Delivery": "17", "X-Hub-Signature": signature}


ISSUE = json.dumps({"topic": "issue.new", "msg_id": "2026-1", "msg": {"project_fullname": "rpms/bash"}}).encode()
PUSH = b'{"git_repository": "/~me/+git/r", "git_repository_path": "~me/+git/r", "ref_changes": {}}'


def test_an_event_of_pagure_is_told_by_its_envelope() -> None:
    it = verify(pagure(ISSUE), ISSUE, [KEY], dialect="pagure")
    assert (it.event, it.name, it.subject, it.id) == ("issue.new", "issue.new", "rpms/bash", "evt-1")
    assert it.schemes == ("sha1", "sha256")
    headers = pagure(ISSUE)
    del headers["webhook-id"]
    assert verify(headers, ISSUE, [KEY], dialect="pagure").id == "2026-1"


def test_an_event_of_launchpad_is_told_by_the_header_where_the_body_bears_it_out() -> None:
    it = verify(launchpad(PUSH, "git:push:0.1"), PUSH, [KEY], dialect="launchpad")
    assert (it.event, it.subject, it.delivery, it.schemes) == ("git:push:0.1", "/~me/+git/r", 17, ("sha1",))
    with pytest.raises(InvalidSignature, match="event: the body is not what X-Launchpad-Event-Type says"):
        verify(launchpad(PUSH, "bug:0.1"), PUSH, [KEY], dialect="launchpad")


@pytest.mark.parametrize(
    ("headers", "body", "dialect", "step"),
    [
        (pagure(ISSUE, b"another"), ISSUE, "pagure", "sha1"),
        (told(ISSUE, {"X-Pagure-Signature-256": "00"}), ISSUE, "pagure", "sha256"),
        (pagure(ISSUE), ISSUE + b" ", "pagure", "sha1"),
        (told(ISSUE, {"X-Pagure-Topic": "issue.drop"}), ISSUE, "pagure", "event"),
        (pagure(b"[]"), b"[]", "pagure", "event"),
        (pagure(b"{}"), b"{}", "pagure", "event"),
        ({"X-Pagure-Topic": "issue.new"}, ISSUE, "pagure", "signature"),
        (launchpad(PUSH, "git:push:0.1", b"another"), PUSH, "launchpad", "sha1"),
        (launchpad(PUSH, ""), PUSH, "launchpad", "event"),
        (launchpad(b"{", "git:push:0.1"), b"{", "launchpad", "event"),
        ({"X-Launchpad-Event-Type": "git:push:0.1"}, PUSH, "launchpad", "signature"),
        (request(), BODY, "launchpad", "signature"),
        (told(ISSUE, {"Content-Digest": "sha-256=:AA==:"}), ISSUE, "pagure", "content-digest"),
    ],
)
def test_what_is_not_right_is_refused_at_its_step(
    headers: dict[str, str], body: bytes, dialect: str, step: str
) -> None:
    with pytest.raises(InvalidSignature, match=f"^{step}: "):
        verify(headers, body, [KEY], dialect=dialect)
    assert next(one.name for one in steps(headers, body, [KEY], dialect=dialect) if one.fault) == step


@pytest.mark.parametrize("dialect", ["pagure", "launchpad"])
def test_the_golden_requests_are_verified(dialect: str) -> None:
    """As recorded; each dialect's README says by which secret."""
    found = sorted((GOLDEN / dialect).glob("*.http"))
    assert found
    for path in found:
        one = saved.whole(path.read_bytes().removesuffix(b"\n"))
        if "unsigned" in path.name:
            continue
        assert verify(one.headers, one.body, [SECRETS[dialect]], dialect=dialect).event, path


SECRETS = {"pagure": b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123", "launchpad": b"sekrit"}


def test_rfc9421_is_verified_with_the_url_and_beside_standard() -> None:
    headers = rfc9421(standard(plain()), URL)
    it = verify(headers, BODY, [b"new", KEY], url=f"https://me:hush@CI.example:443{URL[18:]}", now=AT)
    assert (it.schemes, it.id) == (("rfc9421", "standard"), "evt-1")
    with pytest.raises(InvalidSignature, match=r"^rfc9421: it covers the URL, and none was given"):
        verify(headers, BODY, [KEY], now=AT)
    with pytest.raises(InvalidSignature, match=r"^created: .* 301 s old"):
        verify(headers, BODY, [KEY], url=URL, now=AT + 301_000)
    with pytest.raises(InvalidSignature, match=r"^digest: "):
        verify(headers, BODY + b" ", [KEY], url=URL, now=AT)


def by_key(headers: dict[str, str]) -> dict[str, str]:
    """`v1a` behind what is there."""
    text = f"evt-1.{AT // 1000}.".encode() + BODY
    signature = "v1a," + b64(SIGNING.sign(text))
    given = headers.get("webhook-signature", "")
    return {**headers, "webhook-timestamp": str(AT // 1000), "webhook-signature": f"{given} {signature}".strip()}


@pytest.mark.parametrize("keys", [public_pem(), {"keys": [jwk()]}, [jwk(OLD_KEY), public_pem()], public_keys(jwk())])
def test_a_public_key_is_enough_and_schemes_that_only_a_secret_signs_are_left_out(keys: Any) -> None:
    headers = by_key(hub(cavage(plain())))
    it = verify(headers, BODY, keys=keys, now=AT)
    assert it.schemes == ("standard",)


def test_v1_and_v1a_ride_together_and_either_is_enough() -> None:
    headers = by_key(standard(plain()))
    assert verify(headers, BODY, [KEY], now=AT).schemes == ("standard",)
    assert verify(headers, BODY, keys=public_pem(), now=AT).schemes == ("standard",)
    assert verify(headers, BODY, [b"another"], keys=public_pem(), now=AT).schemes == ("standard",)
    with pytest.raises(InvalidSignature, match=r"^standard: "):
        verify(headers, BODY, [b"another"], keys=public_pem(OLD_KEY), now=AT)


def test_a_forged_cavage_beside_does_not_matter_to_who_cannot_check_it_and_does_to_who_can() -> None:
    headers = by_key(cavage(plain(), b"another"))
    assert verify(headers, BODY, keys=public_pem(), now=AT).schemes == ("standard",)
    with pytest.raises(InvalidSignature, match=r"^cavage: "):
        verify(headers, BODY, [KEY], keys=public_pem(), now=AT)


def test_with_a_key_alone_a_request_that_only_a_secret_signs_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="no Signature-Input or webhook-signature"):
        verify(hub(cavage(plain())), BODY, keys=public_pem(), now=AT)


async def test_the_middleware_hands_on_what_is_verified_and_answers_the_rest_401() -> None:
    """Over HTTP, with the clock of the machine."""
    seen = []

    async def hook(request: web.Request) -> web.Response:
        seen.append(request[VERIFIED].name)
        return web.Response(status=204)

    app = web.Application(middlewares=[verifying([KEY], tolerance=10**15)])
    app.router.add_post("/hooks", hook)
    port = unused_port()
    url = f"http://127.0.0.1:{port}/hooks?a=b"
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    signed = rfc9421(standard(plain()), url)
    async with ClientSession() as session:
        answers = [(await session.post(url, data=BODY, headers=headers)).status for headers in (signed, plain())]
        refused = await session.post(url, data=BODY + b" ", headers=signed)
        assert (refused.status, (await refused.text())[:33]) == (401, "digest: Digest is not the body's;")
    await runner.cleanup()
    assert (answers, seen) == ([204, 401], ["build:updated"])


def test_the_middleware_is_small() -> None:
    assert len((ROOM / "aiohttp.py").read_text("utf-8").splitlines()) <= 40


def test_the_library_itself_knows_no_framework() -> None:
    for path in (ROOM / "__init__.py", ROOM / "schemes.py", ROOM / "events.py"):
        assert "aiohttp" not in path.read_text("utf-8"), path
