"""The status page: what a browser gets, signing in, and that nothing hostile gets through.

Law: over HTTP, with real parts behind it; what a browser then does with it is tests/browser's.
"""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
from admin_rig import Admin, administered
from api_rig import build
from hypothesis import given
from hypothesis import strategies as st
from page_rig import HTML, dead_letter, page
from staging import staged

from sidecar import status
from sidecar.admin.live import STREAMS
from sidecar.admin.pages import headline
from sidecar.meters import Minute
from sidecar.status.charts import HEIGHT

HOSTILE = b"<script>alert(1)</script><img src=x onerror=alert(2)>\"'><b>{{ 7 * 7 }}</b>"
LOG = ("/deliveries", "/deliveries?state=dead", "/deliveries/1", "/events/nightly-1201", "/hooks", "/replays")
PATHS = ("/", "/endpoints", *LOG, "/sign-in")
CSS, JS = (status.ASSETS[name].content.decode() for name in ("status.css", "status.js"))


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    async with administered(tmp_path) as served:
        yield served


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Admin]:
    async with staged(tmp_path) as served:
        yield served


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


async def test_replays_are_shown_with_how_far_they_are(admin: Admin) -> None:
    assert "Nothing has been replayed" in await page(admin, "/replays")
    await admin.house.post("/replays", b'{"endpoint": "hook", "states": ["dead"]}')
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", await page(admin, "/replays")))
    assert "dead of hook" in told
    assert "running" in told


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
    assert "there is no parameter" in await page(admin, "/deliveries?get=1&items=2", 400)


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
