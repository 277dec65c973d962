"""The admin listener: who may ask what. Law: over TCP, with the parts behind it real; time is made up."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from admin_rig import BEARER, TOKEN, WRONG, Admin, administered
from api_rig import PROBLEM, Answer, build, house
from clocks import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sidecar.admin import Guard, Sessions
from sidecar.admin.hosts import host_of, is_served
from sidecar.api.routes import ROUTES
from sidecar.model import Secret
from sidecar.web.slowness import ADDRESSES, Slowness, place

OPEN = ("/healthz", "/readyz")
PAUSE = "/endpoints/hook/pause"


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    async with administered(tmp_path) as served:
        yield served


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Admin]:
    """Without a token."""
    async with administered(tmp_path, token="") as served:
        yield served


@pytest.fixture
async def abroad(tmp_path: Path) -> AsyncIterator[Admin]:
    """Off loopback."""
    async with administered(tmp_path, loopback=False) as served:
        yield served


def refused(answer: Answer, status: int, word: str) -> bool:
    told = answer.headers["Content-Type"], answer.status, word in answer.json["detail"]
    return told == (PROBLEM, status, True)


async def late(admin: Admin, wait: int, *asked: asyncio.Task[Answer]) -> Answer:
    """The answer, which comes once `wait` ms have passed."""
    await admin.house.clock.waiting(admin.house.clock.now() + wait)
    admin.house.clock.advance(wait)
    return await asked[0]


async def test_what_the_socket_tells_is_told_over_tcp(admin: Admin) -> None:
    await admin.house.accepted(build())
    for path in ("/endpoints", "/deliveries", "/deliveries/1", *OPEN):
        assert (await admin.get(path)).json == (await admin.house.get(path)).json


async def test_on_loopback_all_is_read_and_nothing_changed_without_the_token(admin: Admin) -> None:
    assert (await admin.get("/endpoints")).status == 200
    answer = await admin.post(PAUSE)
    assert refused(answer, 401, "Authorization: Bearer")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="sidecar"'
    assert (await admin.house.get("/endpoints")).json["endpoints"][0]["state"] == "active"
    assert (await admin.post(PAUSE, BEARER)).json["state"] == "paused"


async def test_without_a_token_set_nothing_can_be_changed_whatever_is_sent(bare: Admin) -> None:
    assert (await bare.get("/endpoints")).status == 200
    assert refused(await bare.post(PAUSE), 403, "SIDECAR_ADMIN_TOKEN")
    for empty, wait in (("Bearer", 250), ("Bearer ", 500), ("bearer  ", 1000)):
        asked = asyncio.ensure_future(bare.post(PAUSE, {"Authorization": empty}))
        assert refused(await late(bare, wait, asked), 401, "not the token")


async def test_off_loopback_every_request_needs_the_token_but_the_open_ones(abroad: Admin) -> None:
    for path in OPEN:
        assert (await abroad.get(path)).status == 200
    for path in ("/", "/endpoints", "/deliveries", "/deliveries/1", "/nowhere"):
        assert refused(await abroad.get(path), 401, "Authorization: Bearer")
    assert (await abroad.get("/endpoints", BEARER)).status == 200
    assert refused(await abroad.post(PAUSE), 401, "Authorization: Bearer")


@pytest.mark.parametrize(("token", "status"), [("", 403), (TOKEN, 401)])
async def test_every_change_of_the_socket_needs_the_token(tmp_path: Path, token: str, status: int) -> None:
    async with administered(tmp_path, token=token) as admin:
        for method, path, _ in ROUTES:
            if method != "GET":
                assert (await admin.ask(method, path)).status == status


async def test_events_are_handed_in_on_the_socket_alone(admin: Admin) -> None:
    assert (await admin.post("/events", BEARER, data=build())).status == 404
    assert (await admin.post("/explain", {**BEARER, "Content-Type": "application/json"}, data=build())).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8484", "localhost.evil.example", "", "10.0.0.1", "[::2]"]
)
async def test_a_host_that_is_not_ours_is_refused_on_every_path_whoever_asks(admin: Admin, host: str) -> None:
    for path in ("/", "/endpoints", *OPEN):
        assert refused(await admin.get(path, {**BEARER, "Host": host}), 421, "SIDECAR_ADMIN_HOSTS")
    assert (await admin.post(PAUSE, {**BEARER, "Host": host})).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8484", "127.0.0.1:1", "[::1]", "[::1]:8484", "localhost."])
async def test_a_host_of_ours_is_served_with_any_port(admin: Admin, host: str) -> None:
    assert (await admin.get("/endpoints", {"Host": host})).status == 200


async def test_who_comes_by_another_name_than_loopbacks_needs_the_token_to_read(tmp_path: Path) -> None:
    async with administered(tmp_path, hosts=("localhost", "sidecar.example")) as admin:
        through_proxy = {"Host": "sidecar.example"}
        assert (await admin.get("/endpoints", through_proxy)).status == 401
        assert (await admin.get("/endpoints", {**through_proxy, **BEARER})).status == 200
        assert (await admin.get("/healthz", through_proxy)).status == 200


@pytest.mark.parametrize(
    ("host", "served", "is_so"),
    [
        ("10.1.2.3", ("0.0.0.0",), True),
        ("10.1.2.3", ("::",), True),
        ("2001:db8::1", ("::",), True),
        ("2001:db8::1", ("0.0.0.0",), False),
        ("evil.example", ("0.0.0.0", "::"), False),
        ("evil.example", ("evil.example",), True),
    ],
)
def test_a_wildcard_stands_for_addresses_and_for_no_name(host: str, served: tuple[str, ...], is_so: bool) -> None:
    assert is_served(host, served) is is_so


@given(st.text())
def test_whatever_a_host_header_holds_it_has_a_host(header: str) -> None:
    assert not is_served(host_of(header) + ".evil.example", ("localhost", "0.0.0.0"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_a_change_that_a_page_of_elsewhere_asks_for_is_refused(admin: Admin, headers: dict[str, str]) -> None:
    assert refused(await admin.post(PAUSE, {**BEARER, **headers}), 403, "another origin")


async def test_a_change_that_our_own_page_asks_for_is_made(admin: Admin) -> None:
    ours = {"Origin": f"http://127.0.0.1:{admin.port}", "Sec-Fetch-Site": "same-origin"}
    assert (await admin.post(PAUSE, {**BEARER, **ours})).status == 200


async def test_wrong_tokens_are_answered_later_each_time_and_a_right_one_at_once(admin: Admin) -> None:
    clock = admin.house.clock
    for wait in (250, 500, 1000, 2000, 4000, 5000, 5000):
        asked = asyncio.ensure_future(admin.get("/endpoints", WRONG))
        await clock.waiting(clock.now() + wait)
        assert (await admin.post(PAUSE, BEARER)).status == 200
        assert not asked.done()
        assert refused(await late(admin, wait, asked), 401, "not the token")
    clock.advance(600_000)
    assert refused(await late(admin, 250, asyncio.ensure_future(admin.get("/endpoints", WRONG))), 401, "not the token")


async def test_of_many_wrong_tokens_at_once_few_are_kept_and_a_right_one_is_still_taken(admin: Admin) -> None:
    asked = [asyncio.ensure_future(admin.get("/endpoints", WRONG)) for _ in range(70)]
    while sum(one.done() for one in asked) < 6:
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=0.01)
    assert (await admin.post(PAUSE, BEARER)).status == 200
    admin.house.clock.advance(10_000)
    statuses = [(await one).status for one in asked]
    assert (statuses.count(429), statuses.count(401)) == (6, 64)


async def test_probes_are_answered_at_once_even_with_a_wrong_token(abroad: Admin) -> None:
    assert [(await abroad.get(path, WRONG)).status for path in OPEN] == [200, 200]


async def test_addresses_that_tried_have_a_bound(admin: Admin) -> None:
    clock = admin.house.clock
    slowness = Slowness(clock, lambda *_: None)
    for number in range(ADDRESSES + 10):
        slowness._count(f"10.0.{number // 256}.{number % 256}")
    assert len(slowness._tries) == ADDRESSES


def test_all_addresses_of_one_ipv6_network_are_one_place() -> None:
    assert place("2001:db8::1") == place("2001:db8::ffff") != place("2001:db8:0:1::1")
    assert place("10.0.0.1") != place("10.0.0.2")


async def test_a_change_is_logged_with_who_asked_and_what_was_refused_is_none(admin: Admin) -> None:
    with capture_logs() as lines:
        await admin.post(PAUSE, BEARER)
        await admin.post("/deliveries/99/resend", BEARER)
        await admin.get("/endpoints")
    changed = [line for line in lines if line["event"] == "api.changed"]
    facts = {"event": "api.changed", "log_level": "info", "method": "POST", "address": "127.0.0.1", "by": "token"}
    assert changed == [{**facts, "path": PAUSE, "status": 200}]


async def test_a_change_on_the_socket_is_logged_with_user_and_process(tmp_path: Path) -> None:
    async with house(tmp_path) as served:
        with capture_logs() as lines:
            await served.post(PAUSE)
            await served.accepted(build())
            await served.get("/endpoints")
    [line] = [line for line in lines if line["event"] == "api.changed"]
    assert (line["uid"], line["pid"], line["path"], line["status"]) == (os.getuid(), os.getpid(), PAUSE, 200)


async def test_the_token_is_in_no_answer_and_no_line_of_the_log(admin: Admin) -> None:
    with capture_logs() as lines:
        answers = [await admin.get(path, BEARER) for path in ("/endpoints", "/nowhere", "/deliveries?x=1")]
        answers.append(await admin.post(PAUSE, BEARER))
    assert TOKEN not in f"{answers} {lines}"


async def test_every_answer_has_the_headers_that_keep_a_browser_in_check(admin: Admin) -> None:
    for path in ("/endpoints", "/nowhere", "/healthz"):
        headers = (await admin.get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert "aiohttp" not in headers["Server"]
        assert not [name for name in headers if name.startswith("Access-Control-")]


@given(st.binary(max_size=40))
def test_no_bytes_but_the_tokens_are_right(given_: bytes) -> None:
    clock = FakeClock()
    sessions = Sessions(clock, lambda: "")
    guard = Guard(token=Secret(TOKEN.encode()), hosts=(), loopback=True, clock=clock, sessions=sessions)
    text = given_.decode("utf-8", "surrogateescape")
    assert guard._compare(text) == (given_ == TOKEN.encode())
    bare = Guard(token=None, hosts=(), loopback=True, clock=clock, sessions=sessions)
    assert not bare._compare(text)
