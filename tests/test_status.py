"""The status page: what a browser gets, signing in, and that nothing hostile gets through.

Law: over HTTP, with real parts behind it; what a browser then does with it is tests/browser's.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from admin_rig import BEARER, TOKEN, Admin, administered
from api_rig import Answer, build
from hypothesis import given
from hypothesis import strategies as st
from staging import staged
from structlog.testing import capture_logs

from sidecar import status
from sidecar.admin.live import STREAMS
from sidecar.admin.pages import headline
from sidecar.admin.sessions import LIFETIME, SESSIONS, Sessions
from sidecar.admin.signing_in import _ours
from sidecar.meters import Minute
from sidecar.model import Dead, Response
from sidecar.status.charts import HEIGHT

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORM = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
PAUSE = "/endpoints/hook/pause"
HOSTILE = b"<script>alert(1)</script><img src=x onerror=alert(2)>\"'><b>{{ 7 * 7 }}</b>"
CSS, JS = (status.ASSETS[name].content.decode() for name in ("status.css", "status.js"))


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    async with administered(tmp_path) as served:
        yield served


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Admin]:
    async with staged(tmp_path) as served:
        yield served


async def page(admin: Admin, path: str, status_code: int = 200) -> str:
    answer = await admin.get(path, HTML)
    assert (answer.status, answer.headers["Content-Type"]) == (status_code, "text/html; charset=utf-8"), answer.body
    return answer.body.decode()


async def post(admin: Admin, path: str, **fields: str) -> Answer:
    return await admin.post(path, FORM, data=urlencode(fields))


async def sign_in(admin: Admin, after: str = "/") -> str:
    """Signed in; the word for forms."""
    answer = await post(admin, "/sign-in", token=TOKEN, next=after)
    assert (answer.status, answer.headers["Location"]) == (303, after)
    found = re.search(r'name="csrf" value="(\w+)"', await page(admin, "/"))
    assert found
    return found[1]


async def dead_letter(admin: Admin, answer: bytes) -> int:
    """A delivery to `hook` that was refused with this answer."""
    [number] = await admin.house.accepted(build())
    await admin.house.settle(await admin.house.claim(), Dead("refused"), Response(422, answer))
    return number


LOG = ("/deliveries", "/deliveries?state=dead", "/deliveries/1", "/events/nightly-1201", "/hooks")
PATHS = ("/", "/endpoints", *LOG, "/sign-in")


@pytest.mark.parametrize("path", PATHS)
async def test_a_browser_gets_a_page_and_a_program_json(stage: Admin, path: str) -> None:
    text = await page(stage, path)
    assert text.startswith("<!doctype html>")
    assert len(re.findall("<h1", text)) == 1
    if path != "/sign-in":
        for accept in ("*/*", "application/json", ""):
            answer = await stage.get(path, {"Accept": accept})
            assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
            assert answer.json


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/deliveries?state=lost"])
async def test_a_page_holds_no_script_and_no_style_of_its_own_and_loads_nothing_from_elsewhere(
    stage: Admin, path: str
) -> None:
    text = (await stage.get(path, HTML)).body.decode()
    tags = re.findall(r"<[a-z][^>]*>", text)
    assert not [tag for tag in tags if re.search(r"\s(?:style|on\w+)\s*=", tag)]
    assert "<style" not in text
    assert re.findall(r"<script[^>]*>", text) == [f'<script src="{status.ASSETS["status.js"].path}" defer>']
    loaded = re.findall(r"\s(?:src|href|action)=\"([^\"]*)\"", text)
    assert not [one for one in loaded if not re.match(r"(?:/(?!/)|\?|#|$)", one)]


async def test_no_query_of_a_url_is_on_any_page(stage: Admin) -> None:
    for path in PATHS:
        assert "hush" not in await page(stage, path)


async def test_the_front_page_tells_at_a_glance(stage: Admin) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", await page(stage, "/")))
    assert "Of 4 endpoints: 1 failing, 1 paused" in text
    for told in ("failing since 13 min ago", "nobody listens there", "answered 410 Gone", "in 1 min", "next try"):
        assert told in text, text
    charts = re.findall(r'aria-label="(Last hour, [^"]+)"', await page(stage, "/"))
    assert len(charts) == 4
    assert re.fullmatch(r"Last hour, a bar a minute: \d+ delivered, \d+ failed, at most \d+ in a minute", charts[1])


async def test_what_a_receiver_answered_is_shown_and_does_nothing(admin: Admin) -> None:
    number = await dead_letter(admin, HOSTILE)
    text = await page(admin, f"/deliveries/{number}")
    assert HOSTILE.decode() not in text
    assert HOSTILE.decode() in unescape(text)
    assert not re.search(r"<(?:img|b)\b[^>]*(?:onerror|>\{)", text)


async def test_what_an_event_holds_is_shown_and_does_nothing(admin: Admin) -> None:
    hostile = "<script>alert(3)</script>"
    await admin.house.accepted(build(slug=f"octo/{hostile}", id="e-1"))
    for path in ("/", "/deliveries", "/deliveries/1", "/events/e-1", f"/deliveries?subject={hostile}"):
        text = await page(admin, path)
        assert hostile not in text
        assert "&lt;script&gt;alert(3)" in text


async def test_what_came_in_is_shown_with_why_nothing_came_of_it(stage: Admin) -> None:
    text = await page(stage, "/hooks")
    assert "<script>alert(4)" not in text
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    for one in ("pull request octocat/hello-world", "nothing is built for issues", "refused 3 times", "203.0.113.7"):
        assert one in told, told
    assert 'id="older"' in await page(stage, "/hooks?limit=2")


async def test_a_filter_that_cannot_be_read_stays_there_with_what_is_wrong(admin: Admin) -> None:
    text = await page(admin, "/deliveries?since=yesterday&subject=octocat/hello", 400)
    assert "since takes a time as" in text
    assert 'value="octocat/hello"' in text
    assert 'value="yesterday"' in text


async def test_the_log_is_filtered_and_paged_through(stage: Admin) -> None:
    text = await page(stage, "/deliveries?endpoint=audit&state=dead&subject=")
    assert len(re.findall(r'<a id="d\d+"', text)) >= 1
    assert "<option selected>audit</option>" in text
    seen: list[str] = []
    path = "/deliveries?endpoint=ci.example-hooks"
    while path:
        text = await page(stage, path)
        seen += re.findall(r'<a id="d(\d+)"', text)
        older = re.search(r'<a id="older" href="(\?[^"]+)"', text)
        path = f"/deliveries{unescape(older[1])}" if older else ""
    everything = (await stage.get("/deliveries?endpoint=ci.example-hooks&limit=1000")).json["deliveries"]
    assert seen == [str(one["id"]) for one in everything]


async def test_what_is_not_there_is_a_page_that_says_so(admin: Admin) -> None:
    assert "there is no /nowhere here" in await page(admin, "/nowhere", 404)
    assert "SIDECAR_RETENTION" in await page(admin, "/deliveries/99", 404)


async def test_without_endpoints_and_events_it_says_what_to_do(tmp_path: Path) -> None:
    async with administered(tmp_path, endpoints=()) as admin:
        text = await page(admin, "/")
        assert "DRONE_WEBHOOK_ENDPOINT" in text
        assert "Nothing has been accepted yet" in text


async def test_whoever_looks_sees_that_no_events_are_taken(admin: Admin) -> None:
    admin.house.gate.drain()
    assert "No events are taken." in await page(admin, "/")


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


def test_what_a_page_loads_is_small_and_loads_nothing_itself() -> None:
    assert len(CSS.encode()) < 20 * 1024
    assert len(JS.encode()) < 5 * 1024
    for text in (CSS, JS):
        assert not re.search(r"url\(|@import|https?://|\beval\b|innerHTML", text)


async def test_what_a_page_loads_is_kept_under_a_name_that_changes_with_it(admin: Admin) -> None:
    for asset in status.ASSETS.values():
        answer = await admin.get(asset.path)
        assert answer.body == asset.content
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_page_hears_that_something_changed_and_nothing_of_what(admin: Admin) -> None:
    clock = admin.house.clock
    async with admin.session.get(f"http://127.0.0.1:{admin.port}/live") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        first = await stream.content.readuntil(b"\n\n")
        await clock.waiting(clock.now() + 1000)
        clock.advance(1000)  # nothing changed: nothing is told
        await clock.waiting(clock.now() + 1000)
        await admin.house.accepted(build(slug="octocat/secret"))
        clock.advance(1000)
        second = await stream.content.readuntil(b"\n\n")
        assert re.fullmatch(rb"data: \d+\n\n", second)
        assert second != first
        for _ in range(15):
            await clock.waiting(clock.now() + 1000)
            clock.advance(1000)
        assert await stream.content.readuntil(b"\n\n") == second  # now and then, though nothing changed


async def test_pages_that_listen_have_a_bound_and_make_room_when_they_go(admin: Admin) -> None:
    url = f"http://127.0.0.1:{admin.port}/live"
    streams = [await admin.session.get(url) for _ in range(STREAMS)]
    assert (await admin.get("/live")).status == 503
    streams.pop().close()
    status_code = 503
    while status_code == 503:
        admin.house.clock.advance(15_000)  # by when it is noticed that one has gone
        async with admin.session.get(url) as again:
            status_code = again.status
    for one in streams:
        one.close()


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=60))
def test_bars_stay_in_the_picture_and_what_failed_is_seen(counts: list[tuple[int, int]]) -> None:
    made = status.chart([Minute(i * 60_000, *one) for i, one in enumerate(counts)])
    assert (made.delivered, made.failed) == (sum(d for d, _ in counts), sum(f for _, f in counts))
    assert len(made.bars) == sum(1 for one in counts if any(one))
    for bar in made.bars:
        assert 0 <= bar.x < made.width
        assert -0.2 <= bar.failed_y <= bar.delivered_y <= HEIGHT
        assert bar.delivered_height + bar.failed_height <= HEIGHT + 0.2
    failed = [bar for bar in made.bars if bar.failed_height]
    assert len(failed) == sum(1 for _, f in counts if f)


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([], "No endpoint is configured"),
        (["active"], "The endpoint is well"),
        (["active", "active"], "All 2 endpoints are well"),
        (["failing"], "Of 1 endpoint: 1 failing"),
        (["failing", "active", "orphaned", "failing"], "Of 4 endpoints: 2 failing, 1 orphaned"),
    ],
)
def test_the_headline_says_how_it_is(states: list[str], told: str) -> None:
    assert headline(states) == told


async def test_the_token_in_a_header_gets_pages_too(tmp_path: Path) -> None:
    async with administered(tmp_path, loopback=False) as admin:
        answer = await admin.get("/", {**HTML, **BEARER})
        assert answer.status == 200
        assert answer.headers["Vary"] == "Accept"
