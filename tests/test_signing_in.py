"""Signing in with a browser, and acting. Law: over HTTP, with real parts behind it; time is made up."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from admin_rig import BEARER, TOKEN, Admin, administered
from api_rig import build
from hypothesis import given
from hypothesis import strategies as st
from page_rig import FORM, HTML, PAUSE, dead_letter, page, post, sign_in
from structlog.testing import capture_logs

from sidecar import status
from sidecar.admin.sessions import LIFETIME, SESSIONS, Sessions
from sidecar.admin.signing_in import _ours


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    async with administered(tmp_path) as served:
        yield served


async def test_signed_in_one_acts_by_forms_and_sees_what_came_of_it(admin: Admin) -> None:
    number = await dead_letter(admin, b"no")
    word = await sign_in(admin)
    for path, after in (
        (PAUSE, "/?done=pause"),
        ("/endpoints/hook/resume", "/?done=resume"),
        (f"/deliveries/{number}/resend", f"/deliveries/{number}?done=resend"),
        ("/endpoints/hook/ping", "/deliveries/3?done=ping"),
    ):
        answer = await post(admin, path, csrf=word)
        assert (answer.status, answer.headers["Location"]) == (303, after)
        assert "data-done" in await page(admin, after)


async def test_what_is_done_in_a_session_is_logged_as_such(admin: Admin) -> None:
    word = await sign_in(admin)
    with capture_logs() as lines:
        await post(admin, PAUSE, csrf=word)
    assert [line for line in lines if line["event"] == "api.changed"] == [
        {
            "event": "api.changed",
            "log_level": "info",
            "method": "POST",
            "path": PAUSE,
            "status": 200,
            "address": "127.0.0.1",
            "by": "session",
        }
    ]


@pytest.mark.parametrize("word", ["", "0" * 40, "é"])
async def test_a_cookie_alone_changes_nothing(admin: Admin, word: str) -> None:
    await sign_in(admin)
    assert (await post(admin, PAUSE, csrf=word)).status == 403
    assert (await admin.post(PAUSE, {"X-CSRF-Token": word.encode("ascii", "ignore").decode()})).status == 403
    assert (await admin.get("/endpoints")).json["endpoints"][0]["state"] == "active"


async def test_a_program_may_send_the_word_as_a_header(admin: Admin) -> None:
    word = await sign_in(admin)
    assert (await admin.post(PAUSE, {"X-CSRF-Token": word})).json["state"] == "paused"


async def test_a_refused_change_is_told_as_a_page(admin: Admin) -> None:
    word = await sign_in(admin)
    number = (await admin.house.accepted(build()))[0]
    admin.house.control.flight[number] = "hook"
    answer = await post(admin, f"/deliveries/{number}/resend", csrf=word)
    assert (answer.status, answer.headers["Content-Type"]) == (409, "text/html; charset=utf-8")
    assert "is being attempted right now" in answer.body.decode()


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(admin: Admin) -> None:
    answer = await post(admin, "/sign-in", token=TOKEN)
    cookie = answer.headers["Set-Cookie"]
    assert {part.strip() for part in cookie.split(";")} >= {"HttpOnly", "SameSite=Strict", "Path=/"}
    assert TOKEN not in cookie
    assert "Secure" not in cookie
    answer = await admin.post("/sign-in", {**FORM, "X-Forwarded-Proto": "https"}, data=urlencode({"token": TOKEN}))
    assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_wrong_token_is_answered_late_with_the_form_again(admin: Admin) -> None:
    clock = admin.house.clock
    asked = asyncio.ensure_future(post(admin, "/sign-in", token="wrong", next="/deliveries"))
    await clock.waiting(clock.now() + 250)
    clock.advance(250)
    answer = await asked
    assert answer.status == 401
    assert "That is not the token." in answer.body.decode()
    assert 'name="next" value="/deliveries"' in answer.body.decode()
    assert "Set-Cookie" not in answer.headers
    assert (await post(admin, PAUSE, csrf="")).status == 401


async def test_a_form_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with administered(tmp_path, stall=0.05) as admin:
        reader, writer = await asyncio.open_connection("127.0.0.1", admin.port)
        head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        writer.write(f"{head}Content-Type: {FORM['Content-Type']}\r\n\r\ntoken=".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", "text/plain"])
async def test_what_is_no_form_signs_nobody_in(admin: Admin, kind: str) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n{TOKEN}\r\n--x--\r\n'
    clock = admin.house.clock
    asked = asyncio.ensure_future(admin.post("/sign-in", {**HTML, "Content-Type": kind}, data=body))
    await clock.waiting(clock.now() + 250)
    clock.advance(250)
    assert (await asked).status == 401


async def test_signed_out_is_signed_out_whatever_becomes_of_the_cookie(admin: Admin) -> None:
    word = await sign_in(admin)
    [cookie] = [one.value for one in admin.session.cookie_jar]
    answer = await post(admin, "/sign-out", csrf=word)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    kept = {**FORM, "Cookie": f"sidecar_session={cookie}"}
    assert (await admin.post(PAUSE, kept, data=urlencode({"csrf": word}))).status == 401


async def test_a_session_ends_by_itself(admin: Admin) -> None:
    word = await sign_in(admin)
    admin.house.clock.advance(LIFETIME)
    assert (await post(admin, PAUSE, csrf=word)).status == 401


async def test_sessions_have_a_bound(admin: Admin) -> None:
    names = iter(range(10_000))
    sessions = Sessions(admin.house.clock, lambda: str(next(names)))
    begun = [sessions.begin() for _ in range(SESSIONS + 1)]
    assert sessions.find(begun[0]) is None
    assert all(map(sessions.find, begun[1:]))


async def test_off_loopback_a_browser_is_asked_to_sign_in_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async with administered(tmp_path, loopback=False) as admin:
        answer = await admin.get("/deliveries?state=dead", HTML)
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=%2Fdeliveries%3Fstate%3Ddead")
        assert 'value="/deliveries?state=dead"' in await page(admin, answer.headers["Location"])
        for asset in status.ASSETS.values():
            assert (await admin.get(asset.path)).status == 200
        assert (await admin.get("/live")).status == 401
        await sign_in(admin, "/deliveries?state=dead")
        await page(admin, "/deliveries?state=dead")


@given(st.text(max_size=20) | st.sampled_from(["//evil", "/\\evil", "https://evil", "/\t/evil", "/\r\nX: y", "/ok"]))
def test_one_never_goes_on_to_another_host(path: str) -> None:
    after = _ours(path)
    assert after == "/" or re.fullmatch(r"/(?![/\\])[^\\\r\n\t]*", after)


async def test_without_a_token_set_the_page_says_how_to_act(tmp_path: Path) -> None:
    async with administered(tmp_path, token="") as admin:
        for path in ("/", "/sign-in"):
            text = await page(admin, path)
            assert "SIDECAR_ADMIN_TOKEN" in text
            assert "<button" not in text


async def test_who_has_not_signed_in_sees_no_buttons_but_where_to(admin: Admin) -> None:
    text = await page(admin, "/deliveries")
    assert 'href="/sign-in?next=/deliveries"' in text
    assert 'method="post"' not in text


async def test_the_token_in_a_header_gets_pages_too(tmp_path: Path) -> None:
    async with administered(tmp_path, loopback=False) as admin:
        answer = await admin.get("/", {**HTML, **BEARER})
        assert answer.status == 200
        assert answer.headers["Vary"] == "Accept"
